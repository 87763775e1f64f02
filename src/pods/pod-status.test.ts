import { describe, expect, test } from '@jest/globals';
import { aPod, ended, NOW } from '../../test/support/objects.ts';
import type { ContainerState, Pod } from '../api/objects.ts';
import { told } from '../../test/support/told.ts';
import { foundByPod, podFailure, podResult } from './pod-status.ts';
import { hasStarted, podWaiting } from './pod-waiting.ts';

type Status = NonNullable<Pod['status']>;

const inState = (state: ContainerState, more: Status = { phase: 'Pending' }): Status => ({
  ...more,
  containerStatuses: [{ name: 'populator', state }],
});
const waitingFor = (reason: string, message: string) => inState({ waiting: { reason, message } });
const disrupted = (reason: string): Status => ({
  ...ended(143, undefined),
  conditions: [{ type: 'DisruptionTarget', status: 'True', reason, message: 'm' }],
});

describe('what a pod found in the volume', () => {
  const early = JSON.stringify({ outcome: 'unfinished', found: 'empty' });
  const looked = (exitCode: number, message: string, own: Status = {}): Status => ({
    ...own,
    initContainerStatuses: [{ name: 'inspector', state: { terminated: { exitCode, message } } }],
  });
  const inspected = JSON.stringify({ outcome: 'inspected', found: 'empty' });

  test.each<[string, Status, 'empty' | 'content' | undefined]>([
    ['is known of one that was killed', ended(137, early) ?? {}, 'empty'],
    ['is not known of one that said nothing', ended(137, undefined) ?? {}, undefined],
    ['is not known of one that says something else', ended(0, '{"found":"empty"}') ?? {}, undefined],
    ['is known by its init container', looked(0, inspected, ended(1, 'boom')), 'empty'],
    ['is not what its own container says of it', looked(0, 'x', ended(0, early)), undefined],
    ['is not known while it runs', inState({ running: {} }, { phase: 'Running' }), undefined],
  ])('%s', (_what, status, found) => {
    expect(foundByPod(aPod(1, status))).toBe(found);
  });

  test('an early report is no result, and its text no reason', () => {
    expect(podResult(aPod(1, ended(0, early)), false)).toBeUndefined();
    expect(podFailure(aPod(1, ended(137, early))).message).toBe('the populator container ended with exit code 137');
  });

  test('the init container that found content is why the pod failed', () => {
    const said = JSON.stringify({
      outcome: 'failed',
      reason: 'VolumeNotEmpty',
      message: 'm',
      permanent: true,
      found: 'content',
    });
    const pod = aPod(1, looked(2, said, { phase: 'Failed', ...inState({ waiting: { reason: 'PodInitializing' } }) }));
    expect(podFailure(pod)).toMatchObject({ reason: 'VolumeNotEmpty', scope: 'permanent' });
    expect(foundByPod(pod)).toBe('content');
  });
});

describe('a pod that has not ended tells what it waits for', () => {
  const creating = inState({ waiting: { reason: 'ContainerCreating' } });
  test.each<[string, Status, object]>([
    [
      'its node',
      {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }],
      },
      { reason: 'PodNotScheduled', mood: 'stuck', message: expect.stringContaining('0/1 nodes') },
    ],
    [
      'its image',
      waitingFor('ErrImagePull', 'not found'),
      { reason: 'ImagePullFailed', mood: 'stuck', message: expect.stringMatching(/\(ImagePullBackOff\): not found$/) },
    ],
    [
      'its image, between two tries',
      waitingFor('ImagePullBackOff', 'Back-off pulling image "x:1": ErrImagePull: not found'),
      { reason: 'ImagePullFailed', message: expect.stringMatching(/\(ImagePullBackOff\): not found$/) },
    ],
    [
      'an image that may not be pulled',
      waitingFor('ErrImageNeverPull', 'm'),
      { reason: 'ImagePullFailed', message: expect.stringContaining('(ErrImageNeverPull): m') },
    ],
    [
      'its configuration',
      waitingFor('CreateContainerConfigError', 'secret "x" not found'),
      { reason: 'ContainerNotStarted', mood: 'stuck', message: expect.stringContaining('secret "x" not found') },
    ],
    [
      'its start',
      { ...creating, startTime: '2026-01-02T03:04:00Z' },
      { reason: 'Populating', mood: 'routine', until: NOW + 25_000 },
    ],
    [
      'a start that takes long',
      { ...creating, startTime: '2026-01-02T03:03:00Z' },
      { reason: 'ContainerNotStarted', mood: 'progressing' },
    ],
    [
      'its work',
      inState({ running: {} }, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }),
      { reason: 'Populating' },
    ],
    [
      'a node that is silent',
      inState({ running: {} }, { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] }),
      { reason: 'NodeLost', mood: 'stuck', message: expect.stringContaining('node-1') },
    ],
  ])('%s', (_name, status, waiting) => {
    expect(told(podWaiting(aPod(1, status), NOW))).toMatchObject(waiting);
  });

  test.each([
    ['2026-01-02T03:04:00Z', 'Populating'],
    ['2026-01-02T03:03:00Z', 'NodeLost'],
  ])('its end, since %s: %s', (deletionTimestamp, reason) => {
    expect(podWaiting(aPod(1, { phase: 'Running' }, { deletionTimestamp }), NOW)).toMatchObject({ reason });
  });
});

test('a start that takes long names what the pod cannot start without, and where it is looked for', () => {
  const slow = aPod(1, { phase: 'Pending', startTime: '2026-01-02T03:03:00Z' });
  const volumes = [
    { secret: { secretName: 'backup' } },
    { secret: { secretName: 'extra', optional: true } },
    { configMap: { name: 'ca' } },
    { persistentVolumeClaim: { claimName: 'data' } },
  ];
  expect(told(podWaiting({ ...slow, spec: { ...slow.spec, volumes } }, NOW)).message).toContain(
    'cannot be mounted (does namespace app have Secret backup, ConfigMap ca?); see the events',
  );
  expect(told(podWaiting(slow, NOW)).message).toContain('cannot be mounted; see the events');
});

test.each<[Status, boolean]>([
  [{ phase: 'Pending' }, false],
  [waitingFor('ErrImagePull', ''), false],
  [{ phase: 'Running' }, true],
  [inState({ running: {} }), true],
  [inState({ terminated: { exitCode: 0 } }), true],
])('whether a container was started: %j, %s', (status, started) => {
  expect(hasStarted(aPod(1, status))).toBe(started);
});

describe('a pod that has ended without a result tells why', () => {
  const report = (reason: string, permanent = false) =>
    JSON.stringify({ outcome: 'failed', reason, message: 'said', permanent });
  test.each<[string, Status | undefined, object, object]>([
    ['its own words', ended(1, report('LicenceExpired', true)), {}, { reason: 'LicenceExpired', scope: 'permanent' }],
    [
      'its own words, though it was deleted',
      ended(1, report('SourceStalled')),
      { deletionTimestamp: 'x' },
      { reason: 'SourceStalled' },
    ],
    [
      'an exit code',
      ended(3, 'boom'),
      {},
      { reason: 'PopulatorFailed', message: expect.stringContaining('exit code 3: boom') },
    ],
    [
      'out of memory',
      inState({ terminated: { exitCode: 137, reason: 'OOMKilled' } }, { phase: 'Failed' }),
      {},
      { reason: 'OutOfMemory', scope: 'attempt' },
    ],
    [
      'evicted by request',
      disrupted('EvictionByEvictionAPI'),
      {},
      { reason: 'PodEvicted', excused: true, message: 'the pod was evicted (m)' },
    ],
    [
      'evicted by request, in its own words',
      {
        ...disrupted('EvictionByEvictionAPI'),
        ...inState({ terminated: { exitCode: 2, message: report('Interrupted') } }),
      },
      {},
      { reason: 'PodEvicted', excused: true },
    ],
    [
      'evicted by the kubelet',
      {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'low on memory',
        conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }],
      },
      {},
      { reason: 'PodEvicted', message: expect.stringContaining('low on memory') },
    ],
    [
      'ended at its deadline',
      { ...ended(1, report('Interrupted')), reason: 'DeadlineExceeded', message: 'm' },
      {},
      {
        reason: 'DeadlineExceeded',
        scope: 'attempt',
        message: expect.stringMatching(/60 seconds.*raise activeDeadlineSeconds/),
      },
    ],
    [
      'ended at its deadline, after it had failed by itself',
      { ...ended(2, report('SourceNotFound', true)), reason: 'DeadlineExceeded' },
      {},
      { reason: 'SourceNotFound', scope: 'permanent' },
    ],
    [
      'ended at its deadline before it began',
      { phase: 'Failed', reason: 'DeadlineExceeded' },
      {},
      { reason: 'DeadlineExceeded', excused: true },
    ],
    ['preempted', disrupted('PreemptionByScheduler'), {}, { reason: 'PodEvicted', excused: true }],
    ['node closed', disrupted('DeletionByTaintManager'), {}, { reason: 'PodEvicted', excused: true }],
    [
      'node out of service',
      { ...disrupted('DeletionByTaintManager'), containerStatuses: [] },
      {},
      { reason: 'NodeLost', excused: true },
    ],
    ['node gone', disrupted('DeletionByPodGC'), {}, { reason: 'NodeLost', excused: true }],
    ['deleted', ended(143, undefined), { deletionTimestamp: 'x' }, { reason: 'PodDeleted', excused: true }],
    [
      'refused by the node',
      { phase: 'Failed', reason: 'OutOfcpu', message: 'm' },
      {},
      { reason: 'PodRejected', excused: true, message: expect.stringContaining('OutOfcpu') },
    ],
  ])('%s', (_name, status, meta, failure) => {
    const { spec, ...pod } = aPod(1, status, meta);
    expect(told(podFailure({ ...pod, spec: { ...spec, activeDeadlineSeconds: 60 } }))).toMatchObject(failure);
  });

  test('a deadline counts where the container was started', () => {
    const pod = aPod(1, { ...ended(137, undefined), reason: 'DeadlineExceeded' });
    expect(podFailure(pod)).not.toHaveProperty('excused');
  });

  test('the kubelet evicts what uses too much: that counts', () => {
    expect(podFailure(aPod(1, { phase: 'Failed', reason: 'Evicted' }))).not.toHaveProperty('excused');
  });
});
