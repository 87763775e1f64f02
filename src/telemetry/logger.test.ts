import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { VolprimeError } from '../api/errors.ts';
import { createLogger, type Logger } from './logger.ts';

function collecting(format: 'json' | 'text', use: (logger: Logger) => void): string[] {
  const stream = new PassThrough();
  use(createLogger({ level: 'info', format, stream }));
  return (stream.read() as Buffer | null)?.toString().trimEnd().split('\n') ?? [];
}

describe('createLogger', () => {
  test('writes one JSON object a line, with the fields of its parents', () => {
    const [line] = collecting('json', (logger) => {
      logger.child({ controller: 'populate' }).child({ key: 'a/b' }).info('hello', { n: 1 });
    });
    expect(JSON.parse(line ?? '')).toMatchObject({
      level: 'info',
      message: 'hello',
      controller: 'populate',
      key: 'a/b',
      n: 1,
    });
  });

  test('leaves out what is below its level', () => {
    expect(collecting('json', (logger) => logger.debug('no'))).toEqual([]);
  });

  test('writes of an error its code, message and causes, and nothing else that hangs on it', () => {
    const cause = Object.assign(new Error('reset'), {
      code: 'ECONNRESET',
      headers: { authorization: 'Bearer secret' },
    });
    const [line] = collecting('json', (logger) => {
      logger.warn('failed', { error: new VolprimeError('KUBE_UNREACHABLE', 'away', { cause }) });
    });
    expect(JSON.parse(line ?? '').error).toEqual({
      name: 'VolprimeError',
      message: 'away',
      code: 'KUBE_UNREACHABLE',
      cause: { name: 'Error', message: 'reset', code: 'ECONNRESET' },
    });
    expect(line).not.toContain('secret');
  });

  test('an error of no known kind keeps its stack', () => {
    const [line] = collecting('json', (logger) => logger.error('bug', { error: new TypeError('x is not a function') }));
    expect(JSON.parse(line ?? '').error.stack).toContain('logger.test');
  });

  test('text is one readable line', () => {
    const [line] = collecting('text', (logger) => logger.error('it broke', { key: 'a/b', n: { m: 1 } }));
    expect(line).toMatch(/^\S+ ERROR it broke key=a\/b n=\{"m":1\}$/);
  });
});
