/** Structured logs on stdout: one JSON object a line for machines, or one readable line for a person at a terminal. */
import winston from 'winston';
import { visible, visibleJson } from '../visible.ts';

export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The only face of logging that other rooms see. A field that is an Error is written as code, message and chain of causes. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each of its lines. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: 'json' | 'text';
  /** Where lines go; stdout unless a test reads them. */
  readonly stream?: NodeJS.WritableStream;
}

export function createLogger(options: LoggerOptions): Logger {
  const root = winston.createLogger({
    level: options.level,
    format: winston.format.combine(
      winston.format.timestamp(),
      ...(options.format === 'json'
        ? [winston.format.json(), escapedJson()]
        : [winston.format.printf((line) => visible(textLine(line)))]),
    ),
    transports: [new winston.transports.Stream({ stream: options.stream ?? process.stdout })],
  });
  return withFields(root, {});
}

/** Where winston's formats leave the finished line (triple-beam). */
const LINE = Symbol.for('message');

/** JSON escapes C0 alone. */
const escapedJson = winston.format((info) => ({ ...info, [LINE]: visibleJson(String(info[LINE])) }));

function withFields(sink: winston.Logger, bound: LogFields): Logger {
  const write = (level: LogLevel, message: string, fields: LogFields | undefined): void => {
    sink.log({ ...writable({ ...bound, ...fields }), level, message });
  };
  return {
    debug: (message, fields) => write('debug', message, fields),
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
    child: (fields) => withFields(sink, { ...bound, ...fields }),
  };
}

function writable(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? describeError(value) : value]),
  );
}

/** Only what is known to be safe: other members of foreign errors hold requests, headers and sockets. */
function describeError(error: Error): LogFields {
  const code: unknown = Reflect.get(error, 'code');
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'string' && { code }),
    ...(error.cause instanceof Error && { cause: describeError(error.cause) }),
    ...(typeof code !== 'string' && { stack: error.stack }),
  };
}

function textLine(line: winston.Logform.TransformableInfo): string {
  const { timestamp, level, message, ...fields } = line;
  const pairs = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${String(timestamp)} ${level.toUpperCase().padEnd(5)} ${String(message)}${pairs.join('')}`;
}
