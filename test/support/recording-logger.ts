/** A logger that keeps its lines, for tests that ask what was told. */
import type { LogFields, Logger, LogLevel } from '../../src/telemetry/index.ts';

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export interface RecordingLogger extends Logger {
  readonly lines: readonly LogLine[];
}

export function recordingLogger(): RecordingLogger {
  const lines: LogLine[] = [];
  return { ...writingTo(lines, {}), lines };
}

function writingTo(lines: LogLine[], bound: LogFields): Logger {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    lines.push({ level, message, fields: { ...bound, ...fields } });
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => writingTo(lines, { ...bound, ...fields }),
  };
}
