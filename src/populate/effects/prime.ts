/** The prime claim: made, pointed at a node, deleted, let go. */
import { ANNOTATION_LAST_NODE, ANNOTATION_SELECTED_NODE, PROTECTION_FINALIZER } from '../../api/names.ts';
import { foreign } from '../../api/foreign.ts';
import type { Claim } from '../../api/objects.ts';
import { claims } from '../../api/resources.ts';
import { keyOf } from '../../kube/index.ts';
import { done, type Outcome, settle, settleDelete, stale, withoutFinalizer } from '../../runtime/index.ts';
import { copiedAnnotations } from '../class-parameters.ts';
import type { StepContext } from '../context.ts';
import { isSwapped } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { isPrimeOf } from '../proof.ts';
import { prepareParams } from '../plugin-params.ts';
import { buildPrime, keepIdentity } from '../prime-spec.ts';

/** Step 3. An existing prime is taken only if it proves to be ours. */
export async function createPrime(context: StepContext, o: Observation, node: string | undefined): Promise<Outcome> {
  const { claim, population } = o;
  const registered = population && context.plugins.ofKind(population.spec.source.group, population.spec.source.kind);
  if (claim === undefined || population === undefined || registered === undefined) return stale('the claim is gone');
  if (o.pinned === undefined) return stale('the source has to be pinned anew');
  const copied = copiedAnnotations(claim, o.storageClass);
  const plain = buildPrime({ claim, population, pinned: o.pinned, home: o.home, node, copied });
  const mutate = registered.plugin.mutatePrime;
  const prime = mutate === undefined ? plain : keepIdentity(mutate(plain, prepareParams(context, o)), plain);
  const outcome = await context.client.create(claims, prime, { signal: context.signal });
  if (outcome.type === 'absent') {
    const message = [
      'the namespace in which sources of other namespaces are populated does not exist',
      foreign(` (${o.home})`),
    ];
    return { type: 'blocked', reason: 'PopulatorNamespaceNotFound', message };
  }
  if (outcome.type !== 'exists')
    return settle(context.stores.claims, outcome, `temporary claim ${prime.metadata.name}`);
  const live = await context.client.get(
    claims,
    { namespace: o.home, name: prime.metadata.name ?? '' },
    { signal: context.signal },
  );
  if (live === undefined) return stale('the temporary claim is gone again');
  // Taken in either way: the next observation tells a foreign one from ours.
  context.stores.claims.merge(live);
  return isPrimeOf(live, population, o.home) ? done : stale('a foreign claim has the name of the temporary claim');
}

/** Follows the scheduler's new choice. */
export async function setPrimeNode(context: StepContext, o: Observation, node: string): Promise<Outcome> {
  return patchPrime(context, o, { annotations: { [ANNOTATION_SELECTED_NODE]: node, [ANNOTATION_LAST_NODE]: node } });
}

/** After a hand-back, the same node may be chosen again and must then count as a new choice; a provisioner that holds on to it lets go. */
export async function forgetPrimeNode(context: StepContext, o: Observation): Promise<Outcome> {
  return patchPrime(context, o, {
    annotations: { [ANNOTATION_LAST_NODE]: 'handed-back', [ANNOTATION_SELECTED_NODE]: null },
  });
}

async function patchPrime(context: StepContext, { prime }: Observation, metadata: object): Promise<Outcome> {
  if (prime === undefined) return stale('the temporary claim is gone');
  const { uid, resourceVersion } = prime.metadata;
  const outcome = await context.client.mergePatch(
    claims,
    keyOf(prime),
    { metadata: { uid, resourceVersion, ...metadata } },
    { signal: context.signal },
  );
  return settle(context.stores.claims, outcome, `temporary claim ${prime.metadata.name}`);
}

/** Its volume goes with it, unless that was handed over: then a live read proves once more that it is ours. */
export async function deletePrime(context: StepContext, o: Observation): Promise<Outcome> {
  const { prime } = o;
  if (prime === undefined) return done;
  const objection = isSwapped(o) ? undefined : await primeChanged(context, o, prime);
  if (objection !== undefined) return objection;
  const outcome = await context.client.delete(claims, keyOf(prime), {
    uid: prime.metadata.uid,
    signal: context.signal,
  });
  return settleDelete(context.stores.claims, prime, outcome, `temporary claim ${prime.metadata.name}`);
}

/** Why the prime is not what the observation has; undefined where the API server still says the same, or has it no more. */
async function primeChanged(context: StepContext, o: Observation, seen: Claim): Promise<Outcome | undefined> {
  const live = await context.client.get(claims, keyOf(seen), { signal: context.signal });
  if (live === undefined) return undefined;
  context.stores.claims.merge(live);
  const same = live.metadata.uid === seen.metadata.uid && isPrimeOf(live, o.population, o.home);
  return same ? undefined : stale(`temporary claim ${seen.metadata.name} is another one by now`);
}

export async function releasePrime(context: StepContext, { prime }: Observation): Promise<Outcome> {
  const body = prime && withoutFinalizer(prime, PROTECTION_FINALIZER);
  if (prime === undefined || body === undefined) return done;
  const outcome = await context.client.mergePatch(claims, keyOf(prime), body, { signal: context.signal });
  return settleDelete(context.stores.claims, prime, outcome, `temporary claim ${prime.metadata.name}`);
}
