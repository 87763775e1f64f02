import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { AttemptFailedError, PermanentError, TemporaryError } from '../sdk/index.ts';
import { told } from '../../test/support/told.ts';
import type * as errors from '../sdk/errors.ts';
import { callPlugin, describeFailure } from './foreign-call.ts';

const never = new AbortController().signal;
const call = <T>(run: (signal: AbortSignal) => Promise<T>, timeoutMs = 1_000) =>
  callPlugin({ name: 'populate', timeoutMs, signal: never, run });

describe('what a plugin throws', () => {
  test.each([
    [new PermanentError('LicenceExpired', 'm'), { reason: 'LicenceExpired', message: 'm', scope: 'permanent' }],
    [new TemporaryError('m', 70), { reason: 'PopulateOperationFailed', message: 'm', scope: 'call', afterMs: 70 }],
    [new AttemptFailedError('TransferLost', 'm'), { reason: 'TransferLost', message: 'm', scope: 'attempt' }],
    [
      new Error('boom'),
      { reason: 'PluginError', message: "the plugin's populate function failed: boom", scope: 'call' },
    ],
    ['boom', { reason: 'PluginError', message: "the plugin's populate function failed: boom", scope: 'call' }],
  ])('%s', (thrown, failure) => {
    expect(told(describeFailure(thrown, 'populate'))).toEqual(failure);
  });

  test('is known also when it comes from another copy of the package', async () => {
    // A query makes Node load the module anew: another class of the same name.
    const copy: typeof errors = await import(`${join(import.meta.dirname, '../sdk/errors.ts')}?copy`);
    expect(copy.AttemptFailedError).not.toBe(AttemptFailedError);
    const error = new copy.AttemptFailedError('TransferLost', 'm');
    expect(told(describeFailure(error, 'populate'))).toEqual({
      reason: 'TransferLost',
      message: 'm',
      scope: 'attempt',
    });
  });
});

describe('a call of a plugin', () => {
  test('gives its answer', async () => {
    expect(await call(async () => 7)).toEqual({ type: 'answered', answer: 7 });
  });

  test('that hangs ends at its time limit, and its signal fires', async () => {
    let signalled = false;
    const result = await call((signal) => {
      signal.addEventListener('abort', () => (signalled = true));
      return new Promise(() => {});
    }, 20);
    expect(result).toMatchObject({ type: 'failed', failure: { reason: 'PluginTimeout', scope: 'call' } });
    expect(signalled).toBe(true);
  });

  test('that throws at once is a failure, not a crash', async () => {
    const result = await call(() => {
      throw new PermanentError('No', 'm');
    });
    expect(result).toMatchObject({ type: 'failed', failure: { reason: 'No', scope: 'permanent' } });
  });

  test('that leadership ends is not held against the plugin', async () => {
    const lead = new AbortController();
    const running = callPlugin({
      name: 'populate',
      timeoutMs: 1_000,
      signal: lead.signal,
      run: () => new Promise(() => {}),
    });
    lead.abort(new Error('leadership lost'));
    await expect(running).rejects.toThrow('leadership lost');
  });
});
