/** Calls into plugin code, which may hang, throw anything, or answer nonsense. Whatever it does, only its own object is hurt. */
import { VolprimeError } from '../api/errors.ts';
import { foreign, type Text } from '../api/foreign.ts';

/** Why a call did not work, and what that means. */
export interface CallFailure {
  /** CamelCase: reason of condition and event, label of metrics. */
  readonly reason: string;
  readonly message: Text;
  /** `call`: the same call is repeated after a wait. `attempt`: what it was about begins anew. `permanent`: no repetition can mend it. */
  readonly scope: 'call' | 'attempt' | 'permanent';
  readonly afterMs?: number;
}

export type CallResult<T> =
  | { readonly type: 'answered'; readonly answer: T }
  | { readonly type: 'failed'; readonly failure: CallFailure };

export interface Call<T> {
  /** For messages: `populate`, `populateComplete`, … */
  readonly name: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly run: (signal: AbortSignal) => Promise<T>;
}

/** Runs one function of a plugin within its time limit. Never throws for what the plugin did. */
export async function callPlugin<T>(call: Call<T>): Promise<CallResult<T>> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new TimeoutFailure(call.name, call.timeoutMs)), call.timeoutMs);
  const signal = AbortSignal.any([call.signal, limit.signal]);
  try {
    const answer = await Promise.race([Promise.resolve().then(() => call.run(signal)), rejectOnAbort(signal)]);
    return { type: 'answered', answer };
  } catch (error) {
    call.signal.throwIfAborted();
    return { type: 'failed', failure: describeFailure(error, call.name) };
  } finally {
    clearTimeout(timer);
  }
}

class TimeoutFailure extends VolprimeError {
  constructor(name: string, timeoutMs: number) {
    super('PluginTimeout', `the plugin's ${name} function did not answer within ${timeoutMs} ms`);
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** What a plugin's error means for what it works on. */
export function describeFailure(error: unknown, name: string): CallFailure {
  if (!(error instanceof VolprimeError)) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      reason: 'PluginError',
      message: [`the plugin's ${name} function failed`, foreign(`: ${message}`.slice(0, 2000))],
      scope: 'call',
    };
  }
  const base = { reason: error.code, message: [foreign(error.message.slice(0, 2048))] };
  if (error.retry.type === 'never') return { ...base, scope: 'permanent' };
  if ('attemptOver' in error) return { ...base, scope: 'attempt' };
  if (error.retry.type === 'after') return { ...base, scope: 'call', afterMs: error.retry.ms };
  return { ...base, scope: 'call' };
}
