/** Writes on the user's claim: our finalizer, and the scheduler's annotation when a node is handed back. Nothing else, ever. */
import { ANNOTATION_SELECTED_NODE, CLAIM_FINALIZER } from '../../api/names.ts';
import type { Claim } from '../../api/objects.ts';
import { claims } from '../../api/resources.ts';
import { keyOf } from '../../kube/index.ts';
import { done, type Outcome, settle, stale, withFinalizer, withoutFinalizer } from '../../runtime/index.ts';
import type { StepContext } from '../context.ts';
import type { Observation } from '../observation.ts';

/** Step 1. Carries uid and resourceVersion: a new leader with an old cache is stopped here, before it makes anything. */
export function protectClaim(context: StepContext, o: Observation): Promise<Outcome> {
  return patchClaim(context, o.claim, o.claim && withFinalizer(o.claim, CLAIM_FINALIZER));
}

export function releaseClaim(context: StepContext, o: Observation): Promise<Outcome> {
  return patchClaim(context, o.claim, o.claim && withoutFinalizer(o.claim, CLAIM_FINALIZER));
}

/** The provisioner gave up on the node: without the annotation the scheduler chooses again. */
export function handBackNode(context: StepContext, o: Observation): Promise<Outcome> {
  const { claim } = o;
  const body = claim && {
    metadata: {
      uid: claim.metadata.uid,
      resourceVersion: claim.metadata.resourceVersion,
      annotations: { [ANNOTATION_SELECTED_NODE]: null },
    },
  };
  return patchClaim(context, claim, body);
}

async function patchClaim(context: StepContext, claim: Claim | undefined, body: object | undefined): Promise<Outcome> {
  if (claim === undefined) return stale('the claim is gone');
  if (body === undefined) return done;
  const outcome = await context.client.mergePatch(claims, keyOf(claim), body, { signal: context.signal });
  return settle(context.stores.claims, outcome, `claim ${claim.metadata.name}`);
}
