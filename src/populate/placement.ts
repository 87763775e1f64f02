/**
 * Where a volume of a WaitForFirstConsumer class is made: the scheduler's choice is copied from claim to prime, and what the provisioner says
 * of it is handed back. Pure.
 *
 * The provisioner takes `selected-node` off the prime when it gives up on a node. The scheduler, asked again, may choose the same full node
 * at once, so a node that was refused before is handed back only after a wait that grows.
 */
import { ANNOTATION_LAST_NODE, primeName } from '../api/names.ts';
import type { Claim } from '../api/objects.ts';
import type { Placement } from '../api/population.ts';
import { backoffMs } from '../runtime/index.ts';
import type { Action } from './action.ts';
import { selectedNode } from './facts.ts';
import type { Observation } from './observation.ts';

/** Space may come back at any time: somebody waits for a pod. */
const HAND_BACK_CAP_MS = 60_000;
/** Nodes that are remembered. */
const MEMORY = 20;
/** A volume that takes longer may wait for a node that is gone. */
const LOOK_AFTER_MS = 10_000;
const LOOK_AGAIN_MS = 30_000;

/** The next step for a prime without a volume, or undefined where its class needs no node. */
export function decidePlacement(o: Observation, claim: Claim, prime: Claim, now: number): Action | undefined {
  if (o.storageClass?.volumeBindingMode !== 'WaitForFirstConsumer') return undefined;
  const chosen = selectedNode(claim);
  const current = selectedNode(prime);
  if (current === undefined) return withoutNode(o, { claim, prime, now });
  if (chosen !== undefined && chosen !== current) return { type: 'SetPrimeNode', node: chosen };
  return onNode(o, prime, current, now);
}

/** The record's memory of refusals with one more in it. */
export function withRefusal(o: Observation, node: string, prime: Claim, now: number): Placement {
  const { refusals: before = 0, nodes: known = [] } = o.population?.status?.placement ?? {};
  const refusals = before + 1;
  const wait = known.includes(node) ? Math.min(HAND_BACK_CAP_MS, backoffMs(refusals, o.uid)) : 0;
  return {
    refusals,
    nodes: [...known.filter((other) => other !== node), node].slice(-MEMORY),
    seen: prime.metadata.resourceVersion,
    handBackAt: new Date(now + wait).toISOString(),
  };
}

interface Standing {
  readonly claim: Claim;
  readonly prime: Claim;
  readonly now: number;
}

function withoutNode(o: Observation, { claim, prime, now }: Standing): Action {
  const chosen = selectedNode(claim);
  if (chosen === undefined) return waitingForNode(o);
  // Written together with selected-node: what is still there alone was taken up and given up.
  const tried = prime.metadata.annotations?.[ANNOTATION_LAST_NODE];
  return chosen === tried ? refused(o, chosen, prime, now) : { type: 'SetPrimeNode', node: chosen };
}

function refused(o: Observation, node: string, prime: Claim, now: number): Action {
  const placement = o.population?.status?.placement;
  // One refusal is one version of the prime.
  if (placement?.seen !== prime.metadata.resourceVersion) return { type: 'RecordRefusal', node, prime };
  const at = Date.parse(placement.handBackAt);
  return at > now ? waitingForNode(o, at) : { type: 'HandBackNode', node };
}

/** Not every provisioner may or does give up on a node that is gone (kubernetes/kubernetes #100485): then we do. */
function onNode(o: Observation, prime: Claim, node: string, now: number): Action {
  const { nodeLook } = o.local;
  if (nodeLook?.node === node && nodeLook.gone) return refused(o, node, prime, now);
  const lookAt =
    nodeLook?.node === node
      ? nodeLook.at + LOOK_AGAIN_MS
      : Date.parse(prime.metadata.creationTimestamp) + LOOK_AFTER_MS;
  return lookAt <= now ? { type: 'LookForNode', node } : provisioning(prime, lookAt);
}

/** One text for all of it: it goes back and forth, and each change would be a write. */
function waitingForNode(o: Observation, until?: number): Action {
  const node = o.population?.status?.placement?.nodes.at(-1);
  const message =
    node === undefined
      ? 'waiting for the scheduler to choose a node'
      : `the provisioner could not make the volume on node ${node} (the events of the temporary claim ${primeName(o.uid)} say why); the scheduler is asked for a node again`;
  return {
    type: 'Wait',
    waiting: { reason: 'WaitingForNode', message, mood: 'blocked', ...(until !== undefined && { until }) },
  };
}

export function provisioning(prime: Claim, until?: number): Action {
  return {
    type: 'Wait',
    waiting: {
      reason: 'Provisioning',
      message: `waiting for a volume for the temporary claim ${prime.metadata.name}`,
      mood: 'routine',
      ...(until !== undefined && { until }),
    },
  };
}
