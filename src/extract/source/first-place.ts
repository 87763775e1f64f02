/** The same thing at several places: asked for in their order, and all of them again after a wait where one of them may yet give it. */
import { type PluginLogger, VolprimeError } from '../../sdk/index.ts';
import { Retries, type RetryPolicy } from './http/retry.ts';

export interface PlacesOptions {
  readonly retryPolicy: RetryPolicy;
  readonly logger: PluginLogger;
  readonly signal: AbortSignal;
}

/**
 * @param ask anything that it throws but a VolprimeError ends the search.
 * @throws VolprimeError of the place that a later try may mend; where there is none, that of the first place.
 */
export async function fromFirstPlace<Place, T>(
  places: readonly Place[],
  { retryPolicy, logger, signal }: PlacesOptions,
  ask: (place: Place, index: number) => Promise<T>,
): Promise<T> {
  const retries = new Retries(retryPolicy, 'toOpen', signal);
  for (;;) {
    const failures: VolprimeError[] = [];
    for (const [index, place] of places.entries()) {
      try {
        return await ask(place, index);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof VolprimeError)) throw error;
        failures.push(error);
        if (index + 1 < places.length) logger.warn('asking the next mirror', { after: error.message });
      }
    }
    const failure = mostHopeful(failures);
    await retries.after(failure);
    logger.info('trying again', { after: failure.message });
  }
}

/** Of several failures the one that says when the whole may work. */
function mostHopeful(failures: readonly VolprimeError[]): VolprimeError {
  const error = failures.find(({ retry }) => retry.type !== 'never') ?? failures[0];
  if (error === undefined) throw new RangeError('a source needs at least one URL');
  return error;
}
