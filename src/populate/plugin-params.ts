/** What a plugin's functions are given, made from record and observation. */
import { apiVersionOf } from '../api/resources.ts';
import { populations } from '../api/population.ts';
import { proofFor } from '../api/proof.ts';
import type { BaseParams, CleanupParams, PopulateParams, PrepareParams } from '../sdk/index.ts';
import { PermanentError, type PluginState } from '../sdk/index.ts';
import type { StepContext } from './context.ts';
import { attemptOf } from './facts.ts';
import type { Observation } from './observation.ts';
import { ownerOf, ownLabels } from './prime-spec.ts';
import { identityOf } from './proof.ts';

export function prepareParams(context: StepContext, o: Observation): PrepareParams<unknown> {
  if (o.claim === undefined) throw missing('claim');
  return { ...baseParams(context, o), claimObject: o.claim, storageClass: o.storageClass };
}

export function populateParams(context: StepContext, o: Observation): PopulateParams<unknown> {
  if (o.prime === undefined || o.volume === undefined) throw missing('volume');
  return { ...prepareParams(context, o), prime: o.prime, volume: o.volume };
}

export function cleanupParams(context: StepContext, o: Observation): CleanupParams<unknown> {
  return { ...baseParams(context, o), prime: o.prime, volume: o.volume };
}

function baseParams(context: StepContext, o: Observation): BaseParams<unknown> {
  const { population } = o;
  const pinned = o.pinned ?? population?.spec.pinned;
  if (population === undefined || pinned === undefined) throw missing('record');
  const { namespace, uid, generation, spec } = pinned;
  const attempt = attemptOf(o);
  return {
    source: { namespace, name: population.spec.source.name, uid, generation, spec },
    claim: { namespace: population.metadata.namespace ?? '', name: population.spec.claim.name, uid: o.uid },
    home: o.home,
    marks: {
      labels: ownLabels(o.uid, 'auxiliary'),
      annotations: proofFor(identityOf(population)),
      ownerReferences: o.home === population.metadata.namespace ? [ownerOf(population, apiVersionOf(populations))] : [],
      record: identityOf(population),
    },
    attempt: { number: attempt, id: `${o.uid}-${attempt}` },
    state: (population.status?.state ?? undefined) as PluginState | undefined,
    prepared: population.status?.prepared?.state as PluginState | undefined,
    logger: context.logger,
    signal: context.signal,
  };
}

/** Decide asks for a call only where these exist. */
function missing(what: string): PermanentError {
  return new PermanentError('Internal', `a plugin call was decided without a ${what}`);
}
