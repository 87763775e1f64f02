/** The populator pod: made once per attempt, read, deleted, let go. */
import { ANNOTATION_POD_HASH, PROTECTION_FINALIZER, podName } from '../../api/names.ts';
import type { NewObject, Pod } from '../../api/objects.ts';
import type { PopulationProgress } from '../../api/population.ts';
import { pods } from '../../api/resources.ts';
import { keyOf } from '../../kube/index.ts';
import { PROGRESS_LOG, settingsOf } from '../../pods/index.ts';
import {
  describeFailure,
  done,
  type Outcome,
  settle,
  settleDelete,
  stale,
  withoutFinalizer,
} from '../../runtime/index.ts';
import { lastProgress } from '../../sdk/index.ts';
import type { ActionOf } from '../action.ts';
import type { StepContext } from '../context.ts';
import { attemptOf, isLetGo } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { isPodOf } from '../proof.ts';
import { populateParams } from '../plugin-params.ts';
import { buildPod } from '../pod-spec.ts';
import { patchStatus, recordChanged } from './record.ts';
import { timestamp } from '../status.ts';
import { targetStateOf } from '../volume-content.ts';

/** A node that does not answer must not hold a worker. */
const LOG_TIMEOUT_MS = 5_000;

/** Step 4. One writer: a live read shows that the pod of the attempt before is gone, whatever the cache says. */
export async function createPod(context: StepContext, o: Observation, attempt: number): Promise<Outcome> {
  if (o.prime === undefined) return stale('the temporary claim is gone');
  // An attempt of another process may be over by now.
  const changed = o.local.attemptBegun === attempt ? undefined : await recordChanged(context, o);
  if (changed !== undefined) return changed;
  const before = attempt > 1 ? await podBefore(context, o, attempt) : undefined;
  if (before !== undefined && isPodOf(before, o.population, o.home) && !isLetGo(before))
    return stale('the pod of the attempt before is still there');
  const { pod, instead } = podNow(context, o, attempt);
  if (pod === undefined) return instead;
  const outcome = await context.client.create(pods, pod, { signal: context.signal });
  if (outcome.type === 'exists') return adopt(context, o, pod.metadata.name ?? '');
  if (outcome.type === 'done') context.memory.update(o.uid, { podSeen: attempt, podReviewed: attempt });
  return settle(context.stores.pods, outcome, `pod ${pod.metadata.name}`);
}

/**
 * Looks once whether a pod that has not started is what would be made now: a controller that was started with another image or other
 * settings would otherwise leave those pods stuck that are the reason for the change.
 */
export async function reviewPod(
  context: StepContext,
  o: Observation,
  { attempt, pod }: ActionOf<'ReviewPod'>,
): Promise<Outcome> {
  const { pod: wanted, instead } = podNow(context, o, attempt);
  if (wanted === undefined) return instead;
  const asMade = pod.metadata.annotations?.[ANNOTATION_POD_HASH] === wanted.metadata.annotations?.[ANNOTATION_POD_HASH];
  const message = `pod ${pod.metadata.name} has not started, and plugin or settings have changed since it was made; it is replaced`;
  const failure = { reason: 'PodOutdated', message, scope: 'attempt', excused: true, afterMs: 0 } as const;
  context.memory.update(o.uid, { podReviewed: attempt, ...(!asMade && { failure }) });
  return done;
}

type PodNow =
  | { readonly pod: NewObject; readonly instead?: undefined }
  | { readonly pod?: undefined; readonly instead: Outcome };

/** The pod as plugin and settings want it now, or what became of asking for it. */
function podNow(context: StepContext, o: Observation, attempt: number): PodNow {
  const { claim, population, prime } = o;
  const source = population?.spec.source;
  const plugin = source && context.plugins.ofKind(source.group, source.kind)?.plugin;
  if (claim === undefined || population === undefined || prime === undefined)
    return { instead: stale('the claim is gone') };
  if (plugin === undefined || !('pod' in plugin)) return { instead: stale('the plugin has no pod') };
  try {
    const params = populateParams(context, o);
    const template = plugin.pod(params);
    const profile = plugin.securityProfile && { securityProfile: plugin.securityProfile(params) };
    const pod = buildPod({
      template,
      settings: settingsOf(plugin, context.config.podSettings, { ...template, ...profile }),
      claimUid: o.uid,
      attempt,
      population,
      prime,
      image: context.config.populatorImage,
      imagePullPolicy: context.config.imagePullPolicy,
      targetState: targetStateOf(o),
      examinesVolume: plugin.examinesVolume === true,
    });
    return { pod };
  } catch (error) {
    context.memory.update(o.uid, { failure: describeFailure(error, 'pod') });
    return { instead: done };
  }
}

function podBefore(context: StepContext, o: Observation, attempt: number): Promise<Pod | undefined> {
  const key = { namespace: o.prime?.metadata.namespace, name: podName(o.uid, attempt - 1) };
  return context.client.get(pods, key, { signal: context.signal });
}

/** The create call was repeated, or somebody else's pod has the name: only the proof tells. */
async function adopt(context: StepContext, o: Observation, name: string): Promise<Outcome> {
  const live = await context.client.get(
    pods,
    { namespace: o.prime?.metadata.namespace, name },
    { signal: context.signal },
  );
  if (live === undefined) return stale(`pod ${name} is gone again`);
  if (!isPodOf(live, o.population, o.home)) {
    return {
      type: 'blocked',
      reason: 'NameTaken',
      message: `pod ${name} exists and was not made by Volprime for this claim; it is left alone. Remove it to go on.`,
    };
  }
  context.stores.pods.merge(live);
  return done;
}

/** Reads the tail of the pod's log. A log that cannot be read costs a progress bar, nothing more. */
export async function readProgress(context: StepContext, o: Observation, pod: Pod): Promise<Outcome> {
  const options = { signal: context.signal, timeoutMs: LOG_TIMEOUT_MS };
  const log = await context.client.podLog(keyOf(pod), PROGRESS_LOG, options).catch((error: unknown) => {
    context.logger.debug('the log of the populator pod cannot be read', { pod: pod.metadata.name, error });
    return undefined;
  });
  // After the read: one that takes longer than the interval must not be due again at once.
  context.memory.update(o.uid, { progressAt: context.now(), podSeen: attemptOf(o) });
  const progress = log === undefined ? undefined : lastProgress(log);
  return progress === undefined ? done : recordProgress(context, o, progress, pod);
}

export function recordProgress(
  context: StepContext,
  o: Observation,
  progress: Omit<PopulationProgress, 'updatedAt'>,
  pod?: Pod,
): Promise<Outcome> {
  return patchStatus(context, o.population, {
    progress: { ...progress, updatedAt: timestamp(context.now()) },
    ...(pod !== undefined && { pod: { name: pod.metadata.name, uid: pod.metadata.uid } }),
  });
}

/** A pod of an attempt that the record does not know yet is one at work, of another controller: only a live read tells it from a remnant. */
export async function deletePod(context: StepContext, o: Observation, pod: Pod): Promise<Outcome> {
  const attempt = o.pods.find((entry) => entry.pod === pod)?.attempt ?? 0;
  const changed = attempt > attemptOf(o) ? await recordChanged(context, o) : undefined;
  if (changed !== undefined) return changed;
  const outcome = await context.client.delete(pods, keyOf(pod), { uid: pod.metadata.uid, signal: context.signal });
  return settleDelete(context.stores.pods, pod, outcome, `pod ${pod.metadata.name}`);
}

export async function releasePod(context: StepContext, pod: Pod): Promise<Outcome> {
  const body = withoutFinalizer(pod, PROTECTION_FINALIZER);
  if (body === undefined) return done;
  const outcome = await context.client.mergePatch(pods, keyOf(pod), body, { signal: context.signal });
  return settleDelete(context.stores.pods, pod, outcome, `pod ${pod.metadata.name}`);
}
