/** The snapshot plugin for volumes whose driver has no snapshots: their content goes into a restic repository, by pods. */
import { SNAPSHOT_DRIVER } from '../../api/snapshots.ts';
import {
  type CaptureParams,
  defineSnapshotPlugin,
  type HandleParams,
  PermanentError,
  type SnapshotAnswer,
  type SnapshotParams,
  type SnapshotPlugin,
} from '../../sdk/index.ts';
import { carryOn, plan, release } from './carry-on.ts';
import { captureIn } from './capture-report.ts';
import { CloneMemory } from './clone-memory.ts';
import { type CaptureContext, ownerOf } from './context.ts';
import { removeHelpers } from './helpers.ts';
import { captureParametersSchema, type CaptureParameters } from './parameters.ts';
import type { CapturePorts } from './ports.ts';
import { giveUpTurn } from './repository-maker.ts';
import { RepositoryTurns } from './repository-turns.ts';
import { shortWork } from './short-work.ts';
import { readState, writeState } from './state.ts';
import { handleOf, keyOfHandle, PLUGIN_NAME } from './task.ts';

/** Commands in the user's pods have up to a minute each. */
const CALL_TIMEOUT_MS = 180_000;

/** Its answers rest on live reads alone: a controller that takes over goes on where the other one was. */
export function snapshotCapture(ports: CapturePorts): SnapshotPlugin {
  const context: CaptureContext = {
    ports,
    cloneMemory: new CloneMemory(),
    repositoryTurns: new RepositoryTurns(),
    now: ports.now ?? Date.now,
  };
  return defineSnapshotPlugin<CaptureParameters>({
    name: PLUGIN_NAME,
    driver: SNAPSHOT_DRIVER,
    parameters: captureParametersSchema,
    callTimeoutMs: CALL_TIMEOUT_MS,
    handleOf,
    snapshot: async (params) => ({
      handle: handleOf(params.key),
      state: writeState(await plan(context, params)),
    }),
    snapshotComplete: (params) => (isCapture(params) ? carryOn(context, params) : look(context, params)),
    snapshotDelete: (params) => forget(context, params),
    snapshotCleanup: (params) => cleanUp(context, params),
  });
}

function isCapture(
  params: HandleParams<CaptureParameters>,
): params is HandleParams<CaptureParameters> & CaptureParams<CaptureParameters> {
  return params.source !== undefined;
}

/** Of a content that somebody made by hand: whether the repository holds what its handle names. */
async function look(context: CaptureContext, params: HandleParams<CaptureParameters>): Promise<SnapshotAnswer> {
  const pod = await shortWork(context, params, 'look', keyOf(params.handle));
  if (pod === undefined) return { ready: false, pollAfterMs: 2_000 };
  const capture = captureIn(pod)?.capture;
  // What a file system needs for these files is not known; a device has its size.
  const restoreSize = params.sourceVolumeMode === 'Block' ? capture?.bytes : undefined;
  return {
    ready: true,
    ...(capture && { cutAt: new Date(capture.takenAt) }),
    ...(restoreSize !== undefined && { restoreSize }),
  };
}

/** A capture that is under way is ended first: what it would write yet must not outlive its removal. */
async function forget(context: CaptureContext, params: HandleParams<CaptureParameters>): Promise<boolean> {
  await letGo(context, params);
  const { live } = context.ports;
  const ended = await removeHelpers(live, ownerOf(params), ['capture', 'clone', 'look'], params);
  if (!ended) return false;
  return (await shortWork(context, params, 'forget', keyOf(params.handle))) !== undefined;
}

async function cleanUp(context: CaptureContext, params: SnapshotParams<CaptureParameters>): Promise<void> {
  await letGo(context, params);
  await removeHelpers(context.ports.live, ownerOf(params), ['capture', 'clone', 'look', 'forget'], params);
}

/** Whoever was asked to hold still before a capture that came to nothing is told to go on. Repeated, it does no harm. */
async function letGo(context: CaptureContext, params: SnapshotParams<CaptureParameters>): Promise<void> {
  giveUpTurn(context, params);
  const state = readState(params.state);
  if (state?.quiesce === 'planned' || state?.quiesce === 'held') await release(context, params, state);
}

function keyOf(handle: string): string {
  const key = keyOfHandle(handle);
  if (key === undefined)
    throw new PermanentError(
      'SnapshotNotFound',
      `the handle ${handle} is not one of ${SNAPSHOT_DRIVER}: those begin with "${handleOf('')}"`,
    );
  return key;
}
