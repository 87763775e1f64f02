/** The operating system's wish that this process ends, as a signal. */
import type { Logger } from '../telemetry/index.ts';

/** Fires on SIGTERM and SIGINT; the second one ends the process at once. */
export function terminationSignal(logger: Logger): AbortSignal {
  const termination = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (termination.signal.aborted) process.exit(1);
      logger.info('shutting down', { signal: name });
      termination.abort(new DOMException(`received ${name}`, 'AbortError'));
    });
  }
  return termination.signal;
}
