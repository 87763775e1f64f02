import { describe, expect, test } from '@jest/globals';
import { aClaim, aPod, aVolume, EARLIER, ended, NOW } from '../../../test/support/objects.ts';
import type { Claim, Pod } from '../../api/objects.ts';
import { type CaptureFacts, type CaptureStep, decideCapture } from './decide-capture.ts';
import { captureParametersSchema } from './parameters.ts';
import type { CaptureState } from './state.ts';

const live: CaptureState = { route: 'live', hooks: [], quiesce: 'none' };
const cloning: CaptureState = { ...live, route: 'clone', cloneSince: new Date(NOW - 10_000).toISOString() };
const held = { quiesce: 'held' } as const;
const result = { takenAt: EARLIER, bytes: 1, files: 1, addedBytes: 1, changed: 0, durationMs: 1 };
const done = JSON.stringify({ outcome: 'captured', capture: result, verified: false });
const unreachable = { outcome: 'failed', reason: 'RepositoryUnreachable', message: 'm', permanent: false };

const bound = (name: string): Claim => ({ ...aClaim({ spec: { volumeName: name } }), status: { phase: 'Bound' } });
const pending = aClaim();
const running: Pod = aPod(1, { phase: 'Running' });
const succeeded: Pod = aPod(1, ended(0, done));
const failed: Pod = aPod(1, ended(1, JSON.stringify(unreachable)));

function step(state: CaptureState, facts: Partial<CaptureFacts> = {}, parameters: object = {}, now = NOW): CaptureStep {
  const all: CaptureFacts = {
    state,
    parameters: captureParametersSchema.parse(parameters),
    source: aClaim(),
    users: [],
    clone: undefined,
    cloneVolume: undefined,
    pod: undefined,
    repositoryMaker: undefined,
    othersWait: false,
    ...facts,
  };
  return decideCapture(all, now);
}

describe('a capture of the volume itself', () => {
  test('makes its pod, follows it, and is of the moment at which it ended', () => {
    expect(step(live)).toEqual({ type: 'CreatePod', of: 'source' });
    expect(step(live, { pod: running })).toMatchObject({ type: 'ReadProgress' });
    expect(step(live, { pod: aPod(1, { phase: 'Pending' }) })).toMatchObject({ type: 'Wait' });
    expect(step(live, { pod: succeeded })).toMatchObject({ type: 'Done' });
  });

  test('takes the time of its end from the kubelet, not from when somebody looked', () => {
    const finishedAt = '2026-01-02T02:00:00Z';
    const status = ended(0, done);
    const terminated = { ...status?.containerStatuses?.[0]?.state?.terminated, exitCode: 0, finishedAt };
    const pod = aPod(1, { ...status, containerStatuses: [{ name: 'populator', state: { terminated } }] });
    expect(step(live, { pod })).toEqual({ type: 'Done', cutAt: new Date(finishedAt), result });
  });

  test('does not trust exit code 0 without a report', () => {
    expect(step(live, { pod: aPod(1, ended(0, undefined)) })).toMatchObject({ type: 'PodFailed' });
  });

  test('hands on why its pod failed', () => {
    expect(step(live, { pod: failed })).toMatchObject({
      type: 'PodFailed',
      failure: { reason: 'RepositoryUnreachable', scope: 'attempt' },
    });
  });

  test('tells what keeps the pod from starting', () => {
    const state = { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } };
    const pod = aPod(1, { phase: 'Pending', containerStatuses: [{ name: 'populator', state }] });
    expect(step(live, { pod })).toMatchObject({ type: 'Tell', waiting: { reason: 'ImagePullFailed' } });
  });

  test('waits for a pod that is being deleted, whatever its status says', () => {
    const pod = aPod(1, ended(0, done), { deletionTimestamp: EARLIER });
    expect(step(live, { pod })).toMatchObject({ type: 'Wait' });
  });

  test('scenario 27: a claim for one pod that is in use waits and says for whom', () => {
    const source = aClaim({ spec: { accessModes: ['ReadWriteOncePod'] } });
    const said = step(live, { source, users: [running] });
    expect(said).toMatchObject({ type: 'Tell', waiting: { reason: 'ClaimInUse' } });
    expect(step(live, { source })).toEqual({ type: 'CreatePod', of: 'source' });
  });
});

describe('a capture of a clone', () => {
  test('records when it began to wait before it asks for the clone', () => {
    const { cloneSince: _, ...fresh } = cloning;
    expect(step(fresh)).toEqual({ type: 'Remember', state: { ...fresh, cloneSince: new Date(NOW).toISOString() } });
    expect(step(cloning)).toEqual({ type: 'CreateClone' });
  });

  test('makes its pod beside a clone that is not there yet: the class may wait for a consumer', () => {
    expect(step(cloning, { clone: pending })).toEqual({ type: 'CreatePod', of: 'clone' });
  });

  test('is of the moment at which the clone was complete', () => {
    const facts = { clone: bound('pv-clone'), cloneVolume: aVolume('clone-1'), pod: running };
    expect(step(cloning, facts)).toEqual({
      type: 'Remember',
      state: { ...cloning, cutAt: new Date(aVolume('clone-1').metadata.creationTimestamp).toISOString() },
    });
  });

  test('reads the volume itself where no clone comes in time, if the class leaves it the choice', () => {
    const late = NOW + 120_000;
    expect(step(cloning, { clone: pending }, {}, late)).toMatchObject({ type: 'GoLive' });
    expect(step(cloning, { clone: pending }, { clone: 'require' }, late)).toMatchObject({
      type: 'Tell',
      waiting: { reason: 'CloneNotMade' },
    });
  });

  test('begins anew when its clone is deleted under it', () => {
    expect(step({ ...cloning, cutAt: EARLIER })).toMatchObject({ type: 'StartOver', reason: 'CloneLost' });
  });
});

describe('an application that is held', () => {
  test('is asked to hold before anything is made', () => {
    for (const state of [live, cloning]) expect(step({ ...state, quiesce: 'planned' })).toEqual({ type: 'RunPre' });
  });

  test('goes on as soon as the clone is there, while it is being read', () => {
    const state = { ...cloning, ...held, cutAt: EARLIER };
    expect(step(state, { clone: bound('pv-clone'), pod: running })).toEqual({ type: 'RunPost' });
  });

  test('goes on after a live capture and before the snapshot is called ready', () => {
    const remember = step({ ...live, ...held }, { pod: succeeded });
    expect(remember).toMatchObject({ type: 'Remember', state: { cutAt: expect.any(String), quiesce: 'held' } });
    const next = remember.type === 'Remember' ? step(remember.state, { pod: succeeded }) : undefined;
    expect(next).toEqual({ type: 'RunPost' });
    expect(step({ ...live, quiesce: 'released', cutAt: EARLIER }, { pod: succeeded })).toEqual({
      type: 'Done',
      cutAt: new Date(EARLIER),
      result,
    });
  });
});

describe('a repository that another capture may be making', () => {
  const repositoryMaker = { pod: 'volprime-capture-other' };
  const told = {
    type: 'Tell',
    waiting: { reason: 'RepositoryBeingMade', message: expect.stringContaining('volprime-capture-other') },
  };
  const held1: CaptureState = { ...live, ...held };
  const begun = { ...cloning, ...held };
  const { cloneSince: _, ...fresh } = cloning;

  test.each<[string, CaptureState, Partial<CaptureFacts>, object]>([
    ['before the pod', live, {}, told],
    ['before anybody is asked to hold', { ...live, quiesce: 'planned' }, {}, told],
    ['before the time of the clone begins', fresh, {}, told],
    ['without the time of the clone running', cloning, { clone: pending }, { type: 'Remember', state: fresh }],
    ['with the clone that is there', { ...cloning, cutAt: EARLIER }, { clone: bound('pv-clone') }, told],
    ['and lets go whom it holds', held1, {}, { type: 'StartOver', reason: 'RepositoryBeingMade' }],
    ['and lets go whom it holds for a clone', begun, { clone: pending }, { type: 'StartOver' }],
    ['after those who need not be held', { ...begun, cutAt: EARLIER }, { clone: bound('pv') }, { type: 'RunPost' }],
  ])('is waited for %s', (_what, state, facts, expected) => {
    expect(step(state, { ...facts, repositoryMaker })).toMatchObject(expected);
  });

  test('does not stop a clone from being cut', () => {
    const facts = { clone: bound('pv-clone'), cloneVolume: aVolume('clone-1'), repositoryMaker };
    expect(step(cloning, facts)).toMatchObject({ type: 'Remember', state: { cutAt: expect.any(String) } });
  });
});

describe('a pod that does not start while others wait for it to open the repository', () => {
  const notScheduled = { type: 'PodScheduled', status: 'False', message: 'no node' };
  const pod = aPod(1, { phase: 'Pending', conditions: [notScheduled] });
  const created = Date.parse(EARLIER);
  const late = created + 10 * 60_000;

  test('makes room after a while, and another one is made when they had the time to go', () => {
    expect(step(live, { pod, othersWait: true }, {}, late)).toMatchObject({
      type: 'PodFailed',
      failure: { reason: 'PodNotScheduled', scope: 'attempt', afterMs: 60_000 },
    });
  });

  test.each<[string, CaptureState, Partial<CaptureFacts>, number, string]>([
    ['early', live, { pod, othersWait: true }, late - 1, 'Tell'],
    ['nobody waits', live, { pod, othersWait: false }, late, 'Tell'],
    ['it waits for its clone', cloning, { pod, clone: pending, othersWait: true }, late, 'Wait'],
    ['it runs', live, { pod: running, othersWait: true }, late, 'ReadProgress'],
  ])('stays where %s', (_what, state, facts, now, type) => {
    expect(step(state, facts, { cloneTimeoutSeconds: 3_600 }, now)).toMatchObject({ type });
  });
});
