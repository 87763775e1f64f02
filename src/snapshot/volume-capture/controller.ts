/** Two loops: one for each VolumeCapture, one for each claim that is held for one, so that no hold outlives its reason. */
import { CAPTURE_SOURCE_FINALIZER, captureContentName } from '../../api/names.ts';
import type { Text } from '../../api/foreign.ts';
import type { Claim } from '../../api/objects.ts';
import { claims } from '../../api/resources.ts';
import { namedRecord } from '../../api/proof.ts';
import type { VolumeSnapshot, VolumeSnapshotContent } from '../../api/snapshots.ts';
import { VolprimeError } from '../../api/errors.ts';
import type { VolumeCapture } from '../../api/volume-capture.ts';
import type { Change, Informer } from '../../informer/index.ts';
import { type KubeClient, keyOf } from '../../kube/index.ts';
import {
  Controller,
  type EventRecorder,
  hasFinalizer,
  type ReconcileContext,
  type ReconcileResult,
  type Runnable,
  rest,
  STALE_MS,
  takeSteps,
  withoutFinalizer,
} from '../../runtime/index.ts';
import type { Logger, Metrics } from '../../telemetry/index.ts';
import { plainText } from '../failure.ts';
import { act } from './act.ts';
import type { Action } from './action.ts';
import { decide } from './decide.ts';
import type { Observation } from './observation.ts';
import { type CaptureGround, observe } from './observe.ts';
import { readyReason } from './status.ts';

/** Index of VolumeCaptures: the claim they are taken of, as `namespace/name`. */
const BY_CLAIM = 'claim';

export const captureIndexes = {
  [BY_CLAIM]: ({ metadata, spec }: VolumeCapture) => [`${metadata.namespace}/${spec.claimName}`],
};

export interface VolumeCaptureOptions extends CaptureGround {
  readonly client: KubeClient;
  readonly informers: {
    readonly captures: Informer<VolumeCapture>;
    readonly contents: Informer<VolumeSnapshotContent>;
    readonly snapshots: Informer<VolumeSnapshot>;
    readonly claims: Informer<Claim>;
  };
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const MAX_STEPS = 20;
/** What is waited for is a watched change, nearly always; a class or a claim that was late is looked at again so often. */
const LOOK_MS = 15_000;

export function createVolumeCaptureControllers(options: VolumeCaptureOptions): readonly Runnable[] {
  const { informers, logger, metrics } = options;
  const captures = new Controller({
    name: 'volume-capture',
    reconcile: (uid, run) => reconcileCapture(options, uid, run),
    logger,
    metrics,
    groupOf: (uid) => options.stores.captures.byUid(uid)?.metadata.namespace ?? '',
  });
  const holds = new Controller({
    name: 'volume-capture-claims',
    reconcile: (uid, run) => reconcileHold(options, uid, run),
    logger,
    metrics,
    concurrency: 2,
    groupOf: (uid) => options.stores.claims.byUid(uid)?.metadata.namespace ?? '',
  });
  captures.watches(informers.captures, ({ old, new: now }) => uidsOf(now ?? old));
  captures.watches(informers.contents, fromPair);
  captures.watches(informers.snapshots, fromPair);
  captures.watches(informers.claims, ({ old, new: now }) =>
    unfinishedOf(options, now ?? old).map(({ metadata }) => metadata.uid),
  );
  holds.watches(informers.claims, ({ new: claim }) =>
    claim !== undefined && hasFinalizer(claim, CAPTURE_SOURCE_FINALIZER) ? uidsOf(claim) : [],
  );
  holds.watches(informers.captures, ({ old, new: now }) => uidsOf(claimOf(options, now ?? old)));
  return [captures, holds];
}

function reconcileCapture(options: VolumeCaptureOptions, uid: string, run: ReconcileContext): Promise<ReconcileResult> {
  const context = { client: options.client, stores: options.stores, signal: run.signal, now: run.now };
  return takeSteps({ what: `VolumeCapture ${uid}`, most: MAX_STEPS, signal: run.signal }, async () => {
    const observation = observe(options, uid);
    const action = decide(observation);
    if (action.type === 'Ignore') return rest();
    const outcome = await act(context, observation, action);
    if (outcome.type === 'blocked') tell(options, observation, outcome);
    if (outcome.type !== 'done') return outcome;
    report(options, observation, action);
    return action.type === 'Wait' || action.type === 'AwaitRemoval' ? rest({ requeueAfterMs: LOOK_MS }) : outcome;
  });
}

/** The hold is taken off as soon as nothing is captured of the claim any more, whatever became of the captures. */
async function reconcileHold(
  { client, stores }: VolumeCaptureOptions,
  uid: string,
  run: ReconcileContext,
): Promise<ReconcileResult> {
  const claim = stores.claims.byUid(uid);
  const body = claim && withoutFinalizer(claim, CAPTURE_SOURCE_FINALIZER);
  if (claim === undefined || body === undefined || unfinishedOf({ stores }, claim).length > 0) return {};
  const outcome = await client.mergePatch(claims, keyOf(claim), body, { signal: run.signal });
  if (outcome.type === 'done') stores.claims.merge(outcome.object);
  if (outcome.type === 'refused') throw new VolprimeError(outcome.reason, outcome.message);
  return outcome.type === 'conflict' ? { requeueAfterMs: STALE_MS } : {};
}

function report(options: VolumeCaptureOptions, o: Observation, action: Action): void {
  const isNews = (reason: string) => o.capture !== undefined && readyReason(o.capture) !== reason;
  if (action.type === 'Wait' && action.blocked && isNews(action.word.reason)) tell(options, o, action.word);
  if (action.type === 'RecordEnd') tell(options, o, action.word, action.ready ? 'Normal' : 'Warning');
}

function tell(
  { events }: VolumeCaptureOptions,
  { capture: regarding, snapshot: related }: Observation,
  { reason, message }: { readonly reason: string; readonly message: Text },
  type: 'Normal' | 'Warning' = 'Warning',
): void {
  if (regarding !== undefined)
    events.emit({ regarding, related, type, reason, action: 'Capture', note: plainText(message) });
}

function fromPair(change: Change<VolumeSnapshotContent> | Change<VolumeSnapshot>): string[] {
  const object = change.new ?? change.old;
  const uid = object && namedRecord(object, 'VolumeCapture');
  return uid === undefined ? [] : [uid];
}

/** Those whose capture may still need the claim: a VolumeCapture that is over, or on its way out, holds nothing. */
function unfinishedOf(
  { stores }: Pick<VolumeCaptureOptions, 'stores'>,
  claim: Claim | undefined,
): readonly VolumeCapture[] {
  if (claim === undefined) return [];
  return stores.captures
    .byIndex(BY_CLAIM, `${claim.metadata.namespace}/${claim.metadata.name}`)
    .filter(({ metadata, status }) => status?.completedAt === undefined && metadata.deletionTimestamp === undefined)
    .filter(
      ({ metadata, status }) =>
        status?.contentName === undefined ||
        stores.contents.get({ name: captureContentName(metadata.uid) }) !== undefined,
    );
}

function claimOf({ stores }: VolumeCaptureOptions, capture: VolumeCapture | undefined): Claim | undefined {
  return capture && stores.claims.get({ namespace: capture.metadata.namespace, name: capture.spec.claimName });
}

function uidsOf(object: VolumeCapture | Claim | undefined): string[] {
  return object === undefined ? [] : [object.metadata.uid];
}
