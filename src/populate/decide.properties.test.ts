import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { podlessPlugin, podPlugin, UID } from '../../test/support/objects.ts';
import type { WorldOptions } from '../../test/support/populate-beginning.ts';
import { World } from '../../test/support/populate-model.ts';
import type { Action } from './action.ts';
import { decide } from './decide.ts';
import { hasFailed, isTerminal } from './facts.ts';
import type { Observation } from './observation.ts';

const disturbances = [
  'crash',
  'deleteClaim',
  'deletePrime',
  'stripPrime',
  'deleteVolume',
  'deletePod',
  'stripPod',
  'bindElsewhere',
  'editSource',
  'deleteSource',
  'revoke',
  'grant',
  'podFails',
  'callFails',
  'attemptFails',
  'stepOnly',
  'progress',
  'provision',
  'runPod',
  'answerDone',
  'bind',
  'consume',
  'refuseNode',
  'loseNode',
  'later',
] as const;
type Disturbance = (typeof disturbances)[number];

const options = fc.record<WorldOptions>({
  plugin: fc.constantFrom(
    podPlugin,
    podlessPlugin,
    { ...podlessPlugin, hasPrepare: true },
    { ...podPlugin, maxAttempts: 2 },
    { ...podPlugin, hasPrepare: true, choosesPath: true },
  ),
  reclaimPolicy: fc.constantFrom('Delete', 'Retain'),
  waitForConsumer: fc.boolean(),
  elsewhere: fc.boolean(),
  large: fc.boolean(),
  content: fc.boolean(),
  allowed: fc.boolean(),
});
/** Some progress first, so that the late steps are disturbed as often as the early ones. */
const histories = fc
  .tuple(fc.nat(12), fc.array(fc.constantFrom(...disturbances), { maxLength: 30 }))
  .map(([head, tail]) => [...Array.from({ length: head }, () => 'progress' as const), ...tail]);
const runs = { numRuns: 1_000 };

function disturb(world: World, disturbance: Disturbance): void {
  switch (disturbance) {
    case 'stepOnly':
      return;
    case 'progress':
      world.consume();
      world.provision();
      world.runPod(0);
      return world.answerDone();
    case 'podFails':
      return world.runPod(1);
    case 'runPod':
      return world.runPod(0);
    case 'callFails':
      return world.failCall('call');
    case 'attemptFails':
      return world.failCall('attempt');
    case 'later':
      world.now += 60_000;
      return;
    default:
      return world[disturbance]();
  }
}

/** Everything that Kubernetes does of its own accord, once. */
function settle(world: World): void {
  world.consume();
  world.provision();
  world.runPod(0);
  world.answerDone();
  world.bind();
  world.now += 400_000;
}

/** What must hold of each single action, whatever happened before. */
function checkAction(o: Observation, action: Action): void {
  const alive = o.pods.filter(({ pod }) => !isTerminal(pod));
  switch (action.type) {
    case 'Rebind':
      expect(o.population?.status?.result).toBeDefined();
      expect(o.pods).toEqual([]);
      expect(o.volume?.spec.claimRef?.uid).toBe(o.prime?.metadata.uid);
      return;
    case 'CreatePod':
      expect(o.pods).toEqual([]);
      expect(o.population?.status?.attempt).toBe(action.attempt);
      return;
    case 'StartAttempt':
      expect(o.pods).toEqual([]);
      expect(action.attempt).toBeGreaterThan(o.population?.status?.attempt ?? 0);
      expect(o.access).not.toBe('denied');
      return;
    case 'CreatePrime':
      expect(o.claim?.metadata.finalizers).toContain('volprime.dev/populate-target-protection');
      expect(o.pinned?.spec).toBeDefined();
      expect(o.access).not.toBe('denied');
      return;
    case 'DeletePrime': {
      // What a pod found in the volume is known to the record, and its policy is what follows from that, before the prime goes.
      const { volume, population } = o;
      const recorded = population?.status?.volume;
      if (
        volume === undefined ||
        volume.spec.claimRef?.uid !== o.prime?.metadata.uid ||
        volume.metadata.deletionTimestamp
      )
        return;
      const found = recorded?.uid === volume.metadata.uid ? recorded.found : undefined;
      if (found !== undefined)
        expect(volume.spec.persistentVolumeReclaimPolicy).toBe(found === 'content' ? 'Retain' : 'Delete');
      return;
    }
    case 'SuspendRetain':
      expect(o.population?.status?.volume).toMatchObject({ uid: action.volume.metadata.uid, found: 'empty' });
      expect(o.claim?.spec.volumeName).not.toBe(action.volume.metadata.name);
      return;
    case 'DeleteVolume':
      // Never the volume that the user's claim is bound to.
      expect(o.claim?.spec.volumeName).not.toBe(action.volume.metadata.name);
      return;
    case 'ReleasePrime':
    case 'ReleaseClaim':
      expect(alive).toEqual([]);
      return;
    default:
  }
}

/** A claim never mixes versions: its volume was written from the one generation of the source that the record tells of. */
function checkVersion({ observation: { volume, population }, volumes }: World): void {
  expect([...(volumes.written.get(volume?.metadata.uid ?? '') ?? [])]).toEqual([population?.spec.pinned?.generation]);
}

function step(world: World): Action {
  const action = decide(world.observation, world.now);
  checkAction(world.observation, action);
  if (action.type === 'Rebind') checkVersion(world);
  world.apply(action);
  expect(world.observation.pods.filter(({ pod }) => !isTerminal(pod)).length).toBeLessThanOrEqual(1);
  return action;
}

function play(world: World, history: readonly Disturbance[]): void {
  for (const disturbance of history) {
    step(world);
    disturb(world, disturbance);
  }
}

/** Steps until nothing is left to do; Kubernetes goes on meanwhile. */
function rest(world: World): Action {
  let last: Action = { type: 'Ignore', why: 'no step taken' };
  for (let round = 0; round < 60; round++) {
    for (let count = 0; count < 60; count++) {
      last = step(world);
      if (last.type === 'Ignore' || last.type === 'Wait' || last.type === 'ReadProgress') break;
    }
    if (last.type === 'Ignore') {
      world.bind();
      return last;
    }
    settle(world);
  }
  return last;
}

function nothingLeft(o: Observation): void {
  expect(o.pods).toEqual([]);
  expect(o.prime).toBeUndefined();
  expect(o.claim?.metadata.finalizers ?? []).not.toContain('volprime.dev/populate-target-protection');
  expect(o.population?.metadata.finalizers ?? []).toEqual([]);
}

/** A volume is kept only where the record does not know it to be ours alone. */
function onlyUnknownIsKept(world: World): void {
  const { leaked, recordedEmpty, deletedByHand } = world.volumes;
  expect(leaked.filter((name) => recordedEmpty.has(name) && !deletedByHand.has(name))).toEqual([]);
}

describe('decide, whatever happens', () => {
  test('every step keeps its promises and every history ends in rest: bound, failed, gone, or waiting for the source', () => {
    fc.assert(
      fc.property(options, histories, (given, history) => {
        const world = new World(given);
        play(world, history);
        const last = rest(world);
        const o = world.observation;
        if (last.type === 'Wait') {
          expect(last.waiting.reason).toBe(
            o.access === 'denied' ? 'ReferenceNotGranted' : 'PopulatorDataSourceNotFound',
          );
          expect(o.source).toBeUndefined();
          return;
        }
        expect(last.type).toBe('Ignore');
        nothingLeft(o);
        onlyUnknownIsKept(world);
        if (o.claim?.spec.volumeName === undefined) {
          if (o.claim !== undefined) expect(hasFailed(o.population)).toBe(true);
          return;
        }
        if (o.claim.spec.volumeName === 'pv-static') {
          // A volume that names the claim would be bound to a later claim of that name.
          if (o.volume?.spec.persistentVolumeReclaimPolicy !== 'Retain')
            expect(o.volume?.spec.claimRef?.uid).not.toBe(UID);
          return expect(o.population?.status?.phase).not.toBe('Succeeded');
        }
        expect(o.population?.status).toMatchObject({ phase: 'Succeeded', result: expect.anything() });
        expect(o.volume?.spec).toMatchObject({
          claimRef: { uid: UID },
          persistentVolumeReclaimPolicy: given.reclaimPolicy,
        });
      }),
      runs,
    );
  });

  test('one swap for a claim, and one more for each volume that was deleted before the claim was bound to it', () => {
    fc.assert(
      fc.property(options, histories, (given, history) => {
        const world = new World(given);
        play(world, history);
        rest(world);
        expect(world.swaps).toBeLessThanOrEqual(1 + world.deletedUnbound.size);
        expect([...world.deletedUnbound]).not.toContain(world.observation.claim?.spec.volumeName);
      }),
      runs,
    );
  });

  test('content of others is never removed, nor taken for ours, and our own never stops us', () => {
    fc.assert(
      fc.property(options, histories, (given, history) => {
        const world = new World(given);
        play(world, history);
        rest(world);
        world.deleteClaim();
        rest(world);
        expect(world.volumes.destroyed).toEqual([]);
        expect(world.volumes.stoppedByOwn.filter((name) => !world.volumes.lostPods.has(name))).toEqual([]);
      }),
      runs,
    );
  });

  test('a cancelled claim leaves no volume behind that a pod found empty, also under Retain, unless it was handed over', () => {
    fc.assert(
      fc.property(options, histories, (given, history) => {
        const world = new World(given);
        play(world, history);
        world.deleteClaim();
        rest(world);
        nothingLeft(world.observation);
        onlyUnknownIsKept(world);
        expect(world.observation.claim).toBeUndefined();
        expect(world.observation.population).toBeUndefined();
      }),
      runs,
    );
  });

  test('an undisturbed claim is bound after one attempt, however often the process dies', () => {
    fc.assert(
      fc.property(options, fc.array(fc.boolean(), { maxLength: 30 }), (given, crashes) => {
        const world = new World({ ...given, content: false });
        for (const crash of crashes) {
          step(world);
          if (crash) world.crash();
          else if (world.observation.prime !== undefined) settle(world);
        }
        rest(world);
        expect(world.observation.population?.status).toMatchObject({ phase: 'Succeeded', attempt: 1 });
        expect(world.swaps).toBe(1);
      }),
      runs,
    );
  });
});
