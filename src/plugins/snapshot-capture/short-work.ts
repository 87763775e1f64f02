/** Work on the repository alone, by a pod that ends soon: to forget a capture, to look whether there is one. */
import { unwrap } from '../../api/foreign.ts';
import type { Pod } from '../../api/objects.ts';
import { pods } from '../../api/resources.ts';
import { type PodFailure, podFailure, podWaiting } from '../../pods/index.ts';
import { PermanentError, type SnapshotParams, TemporaryError, VolprimeError } from '../../sdk/index.ts';
import { captureIn, hasForgotten } from './capture-report.ts';
import { type CaptureContext, ownerOf, secretOf } from './context.ts';
import { helperMetadata } from './helper-objects.ts';
import { buildHelperPod, helperPodSettings } from './helper-pod.ts';
import { findPod, makePod, remove } from './helpers.ts';
import type { CaptureParameters } from './parameters.ts';
import { PLUGIN_NAME } from './task.ts';

type Params = SnapshotParams<CaptureParameters>;
export type ShortWork = 'forget' | 'look';

/** A repository that is pruned or locked by others takes its time; one that hangs must not hold anything for ever. */
const DEADLINE_SECONDS = 3_600;
/** A Secret that is missing keeps a pod from starting for ever, and a new one is seen by the next pod at once. */
const START_MS = 90_000;
const TELL_AGAIN_MS = 10_000;

/**
 * Begins the work or asks after it.
 *
 * @param key of the capture in the repository.
 * @returns the pod when it has succeeded; undefined while it is at work.
 * @throws what the pod failed of; the next call begins anew.
 */
export async function shortWork(
  { ports, now }: CaptureContext,
  params: Params,
  action: ShortWork,
  key: string,
): Promise<Pod | undefined> {
  const owner = ownerOf(params);
  const pod = await findPod(ports.live, action, owner, params);
  if (pod === undefined) {
    const built = buildHelperPod({
      metadata: helperMetadata(action, owner),
      task: { version: 1, plugin: PLUGIN_NAME, key, action },
      settings: helperPodSettings(ports.podSettings),
      image: ports.image,
      imagePullPolicy: ports.imagePullPolicy,
      secret: secretOf(params),
      repositoryClaim: params.parameters.repositoryClaim,
      deadlineSeconds: DEADLINE_SECONDS,
    });
    await makePod(ports.live, built, params);
    return undefined;
  }
  if (pod.metadata.deletionTimestamp !== undefined) return undefined;
  if (action === 'forget' ? hasForgotten(pod) : captureIn(pod) !== undefined) return pod;
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') {
    await remove(ports.live, pods, pod, params);
    throw errorOf(podFailure(pod));
  }
  if (phase !== 'Running') await explainWait({ ports, now }, params, pod);
  return undefined;
}

async function explainWait(
  { ports, now }: Pick<CaptureContext, 'ports' | 'now'>,
  params: Params,
  pod: Pod,
): Promise<void> {
  const waiting = podWaiting(pod, now());
  if (waiting.mood === 'routine') return;
  if (Date.parse(pod.metadata.creationTimestamp) + START_MS <= now()) await remove(ports.live, pods, pod, params);
  throw new TemporaryError(unwrap(waiting.message), TELL_AGAIN_MS, { reason: waiting.reason });
}

function errorOf({ reason, message, scope, afterMs }: PodFailure): Error {
  const words = unwrap(message);
  if (scope === 'permanent') return new PermanentError(reason, words);
  return afterMs === undefined ? new VolprimeError(reason, words) : new TemporaryError(words, afterMs, { reason });
}
