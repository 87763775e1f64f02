/** `volprime verify`: all data of a snapshot is read by a pod beside its claims and compared with the manifest; nothing is written anywhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import { VolprimeError } from '../../api/errors.ts';
import { unwrap } from '../../api/foreign.ts';
import { LABEL_BACKUP_EXCLUSION } from '../../api/names.ts';
import type { NewObject, Pod } from '../../api/objects.ts';
import { pods } from '../../api/resources.ts';
import { type KubeClient, keyOf } from '../../kube/index.ts';
import { buildHelperPod, captureIn, helperPodSettings, PLUGIN_NAME } from '../../plugins/snapshot-capture/index.ts';
import { podFailure, podWaiting, PROGRESS_LOG } from '../../pods/index.ts';
import { lastProgress, type ProgressLine } from '../../sdk/index.ts';
import { findSnapshot, type Given, type Verifiable } from './find-snapshot.ts';

export const verifyExitCodes = { good: 0, unknown: 1, damaged: 2 } as const;

export interface VerifyOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  readonly given: Given;
  readonly image: string;
  /** Without root where the namespace allows no other pods. */
  readonly restricted: boolean;
  readonly say: (line: string) => void;
  readonly progress: (progress: ProgressLine['progress']) => void;
  readonly signal: AbortSignal;
}

/** Reasons of a pod's report that are a verdict on the data, and not on the attempt to read it. */
const VERDICTS: ReadonlySet<string> = new Set([
  'DataMismatch',
  'ManifestDamaged',
  'RepositoryDamaged',
  'SnapshotNotFound',
]);
const POLL_MS = 1_000;
const DAY_SECONDS = 86_400;

/** @returns the exit code. @throws VolprimeError where the check cannot be begun. */
export async function verify(options: VerifyOptions): Promise<number> {
  const { client, namespace, name, say } = options;
  const found = await findSnapshot(client, { namespace, name }, options.given);
  const made = await client.create(pods, podOf(options, found));
  if (made.type !== 'done') {
    const why = 'message' in made ? made.message : `namespace ${namespace} is not there`;
    throw new VolprimeError('Forbidden', `the pod that is to read the data cannot be made: ${why}`);
  }
  const pod = made.object;
  say(`pod ${namespace}/${pod.metadata.name} reads the data`);
  try {
    return await follow(options, pod);
  } finally {
    await client.delete(pods, keyOf(pod), { uid: pod.metadata.uid });
  }
}

function podOf(
  { namespace, image, restricted }: VerifyOptions,
  { key, secret, repositoryClaim }: Verifiable,
): NewObject {
  const settings = helperPodSettings(restricted ? { all: { securityProfile: 'restricted' } } : {});
  return buildHelperPod({
    metadata: {
      generateName: 'volprime-verify-',
      namespace,
      // None of the controller's: the pod is its user's, who may not write those.
      labels: { 'app.kubernetes.io/name': 'volprime-verify', [LABEL_BACKUP_EXCLUSION]: 'true' },
    },
    task: { version: 1, plugin: PLUGIN_NAME, key, action: 'verify' },
    settings,
    image,
    imagePullPolicy: undefined,
    secret,
    repositoryClaim,
    deadlineSeconds: DAY_SECONDS,
  });
}

async function follow(options: VerifyOptions, made: Pod): Promise<number> {
  const { client, namespace, name, say, signal } = options;
  let said = '';
  for (;;) {
    const pod = await client.get(pods, keyOf(made));
    if (pod === undefined || pod.metadata.uid !== made.metadata.uid) {
      say(`unknown: ${namespace}/${name}: the pod was deleted while it was at work`);
      return verifyExitCodes.unknown;
    }
    const phase = pod.status?.phase;
    if (phase === 'Succeeded' || phase === 'Failed') return verdict(options, pod);
    if (phase === 'Running') await tellProgress(options, pod);
    else {
      const waiting = podWaiting(pod, Date.now());
      const message = unwrap(waiting.message);
      if (waiting.mood !== 'routine' && message !== said) say(`waiting: ${message}`);
      said = message;
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function tellProgress({ client, progress }: VerifyOptions, pod: Pod): Promise<void> {
  const log = await client.podLog(keyOf(pod), PROGRESS_LOG);
  const last = log === undefined ? undefined : lastProgress(log);
  if (last !== undefined) progress(last);
}

function verdict({ namespace, name, say }: VerifyOptions, pod: Pod): number {
  const report = captureIn(pod);
  if (report?.verified === true) {
    const { files, bytes, takenAt, changed } = report.capture;
    say(
      `good: all data of ${namespace}/${name} is as the manifest says (${files} files, ${bytes} bytes, taken ${takenAt})`,
    );
    if (changed > 0)
      say(`note: ${changed} files were written to while they were captured; what is held of those is of no one moment`);
    return verifyExitCodes.good;
  }
  const { reason, message } = podFailure(pod);
  const damaged = VERDICTS.has(reason);
  say(`${damaged ? 'damaged' : 'unknown'}: ${namespace}/${name}: ${unwrap(message)} (${reason})`);
  return damaged ? verifyExitCodes.damaged : verifyExitCodes.unknown;
}
