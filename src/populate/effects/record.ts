/** Writes on the Population: the record of what was decided, always before the thing itself is done. */
import {
  LABEL_BACKUP_EXCLUSION,
  LABEL_CLAIM_UID,
  LABEL_MANAGED_BY,
  MANAGED_BY,
  PROTECTION_FINALIZER,
  populationName,
} from '../../api/names.ts';
import type { Claim, NewObject } from '../../api/objects.ts';
import { type Population, type PopulationStatus, populations, RECORD_FORMAT } from '../../api/population.ts';
import { apiVersionOf } from '../../api/resources.ts';
import { keyOf } from '../../kube/index.ts';
import { done, hasFinalizer, type Outcome, settle, stale, withoutFinalizer } from '../../runtime/index.ts';
import type { StepContext } from '../context.ts';
import { forRecord } from '../pinned-source.ts';
import { ownerOf } from '../prime-spec.ts';
import type { ActionOf } from '../action.ts';
import type { Observation } from '../observation.ts';
import { isRecordOf } from '../proof.ts';
import { replacement } from './merge-patch.ts';

/** A status as a merge patch takes it: null removes a member. */
export type StatusPatch = { readonly [K in keyof PopulationStatus]?: PopulationStatus[K] | null };

type Pins = Pick<ActionOf<'RecordPopulation'>, 'pinned' | 'target'>;

/** Step 2: the record with source and class pinned and protected, made or brought up to date. */
export async function recordPopulation(context: StepContext, o: Observation, pins: Pins): Promise<Outcome> {
  if (o.claim === undefined) return stale('the claim is gone');
  const { namespace = '' } = o.claim.metadata;
  const populatorNamespace = o.home === namespace ? undefined : o.home;
  const more = {
    pinned: forRecord(pins.pinned, namespace),
    ...(populatorNamespace !== undefined && { populatorNamespace }),
    ...(pins.target !== undefined && { target: pins.target }),
  };
  if (o.population === undefined) return createRecord(context, buildRecord(o.claim, more), o.uid);
  const { metadata, spec } = o.population;
  const finalizers = hasFinalizer(o.population, PROTECTION_FINALIZER)
    ? metadata.finalizers
    : [...(metadata.finalizers ?? []), PROTECTION_FINALIZER];
  const body = {
    metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, finalizers },
    spec: {
      // By name: a spec or a digest of the source before must not stay beside the new pin.
      pinned: { spec: null, digest: null, ...replacement(spec.pinned, more.pinned) },
      populatorNamespace: populatorNamespace ?? null,
      target: more.target === undefined ? null : replacement(spec.target, more.target),
    },
  };
  const outcome = await context.client.mergePatch(populations, keyOf(o.population), body, { signal: context.signal });
  // What `prepare` has said was said of the source before.
  if (outcome.type === 'done') context.memory.update(o.uid, { prepared: false, preparing: undefined });
  return settle(context.stores.populations, outcome, `Population ${metadata.name}`);
}

/** A record without a pinned source and without protection: it only tells why nothing has begun, and goes with the claim. */
export async function createWaitingRecord(context: StepContext, claim: Claim): Promise<Outcome> {
  return createRecord(context, buildRecord(claim, undefined), claim.metadata.uid);
}

async function createRecord(context: StepContext, record: NewObject, uid: string): Promise<Outcome> {
  const outcome = await context.client.create(populations, record, { signal: context.signal });
  if (outcome.type === 'absent')
    return { type: 'blocked', reason: 'KindNotServed', message: 'Populations are not served: is their CRD installed?' };
  if (outcome.type !== 'exists')
    return settle(context.stores.populations, outcome, `Population ${record.metadata.name}`);
  const key = { namespace: record.metadata.namespace, name: populationName(uid) };
  const live = await context.client.get(populations, key, { signal: context.signal });
  if (live === undefined || !isRecordOf(live, uid)) return stale('a Population of that name exists');
  context.stores.populations.merge(live);
  return done;
}

function buildRecord(
  claim: Claim,
  more: Pick<Population['spec'], 'pinned' | 'populatorNamespace' | 'target'> | undefined,
): NewObject {
  const ref = claim.spec.dataSourceRef;
  return {
    apiVersion: apiVersionOf(populations),
    kind: populations.kind,
    metadata: {
      name: populationName(claim.metadata.uid),
      namespace: claim.metadata.namespace ?? '',
      labels: {
        [LABEL_MANAGED_BY]: MANAGED_BY,
        [LABEL_CLAIM_UID]: claim.metadata.uid,
        // Restored, it would be the record of a claim that does not exist.
        [LABEL_BACKUP_EXCLUSION]: 'true',
      },
      ...(more !== undefined && { finalizers: [PROTECTION_FINALIZER] }),
      ownerReferences: [ownerOf(claim, 'v1')],
    },
    spec: {
      claim: { name: claim.metadata.name, uid: claim.metadata.uid },
      source: { group: ref?.apiGroup ?? '', kind: ref?.kind ?? '', name: ref?.name ?? '' },
      ...more,
    },
  };
}

/** A status write on the version that the decision was made on: of two controllers with one record, the second is told. */
export async function patchStatus(
  context: StepContext,
  population: Population | undefined,
  status: StatusPatch,
): Promise<Outcome> {
  if (population === undefined) return stale('the Population is gone');
  const { uid, resourceVersion, generation } = population.metadata;
  const known: Readonly<Record<string, unknown>> = population.status ?? {};
  const members = Object.entries(status).map(([key, value]) => [key, replacement(known[key], value)]);
  const body = {
    metadata: { uid, resourceVersion },
    status: { format: RECORD_FORMAT, observedGeneration: generation, ...Object.fromEntries(members) },
  };
  const outcome = await context.client.mergePatch(populations, keyOf(population), body, {
    subresource: 'status',
    signal: context.signal,
  });
  return settle(context.stores.populations, outcome, `Population ${population.metadata.name}`);
}

/**
 * Why not to go on, with the cache brought up to date; undefined where the record is as the observation has it. For what rests on the
 * record without writing to it: caches of different kinds are not in step, and another controller may serve the same kind.
 */
export async function recordChanged(context: StepContext, { population }: Observation): Promise<Outcome | undefined> {
  if (population === undefined) return undefined;
  const live = await context.client.get(populations, keyOf(population), { signal: context.signal });
  const { uid, resourceVersion, name } = population.metadata;
  if (live?.metadata.uid === uid && live.metadata.resourceVersion === resourceVersion) return undefined;
  if (live !== undefined) context.stores.populations.merge(live);
  return stale(`Population ${name} has changed`);
}

export async function releasePopulation(context: StepContext, o: Observation): Promise<Outcome> {
  const { population } = o;
  const body = population && withoutFinalizer(population, PROTECTION_FINALIZER);
  if (population === undefined || body === undefined) return done;
  const outcome = await context.client.mergePatch(populations, keyOf(population), body, { signal: context.signal });
  // Gone is what a cancelled claim's record is meant to be.
  if (outcome.type === 'absent') context.stores.populations.forget(population);
  return outcome.type === 'absent'
    ? done
    : settle(context.stores.populations, outcome, `Population ${population.metadata.name}`);
}
