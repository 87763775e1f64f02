import { describe, expect, test } from '@jest/globals';
import { aPod } from '../../../test/support/objects.ts';
import type { Pod } from '../../api/objects.ts';
import type { PopulatorPodSettings } from '../../api/pod-settings.ts';
import { helperMetadata } from './helper-objects.ts';
import { buildHelperPod, helperPodSettings } from './helper-pod.ts';
import { captureTaskSchema, PLUGIN_NAME } from './task.ts';
import { besides, isForOneNode, usersOf } from './users.ts';

interface Built {
  readonly spec: {
    readonly volumes: readonly Record<string, unknown>[];
    readonly securityContext: object;
    readonly containers: readonly {
      readonly volumeMounts: readonly object[];
      readonly volumeDevices?: readonly object[];
      readonly env: readonly { readonly name: string; readonly value: string }[];
    }[];
  };
}

const owner = {
  key: 'key-1',
  content: { name: 'snapcontent-1', uid: 'content-1', createdAt: '2026-01-02T03:04:05Z' },
  namespace: 'app',
};

interface Given {
  readonly block?: boolean;
  readonly operator?: PopulatorPodSettings;
  readonly deadlineSeconds?: number;
}

function built({ block = false, operator = {}, deadlineSeconds }: Given = {}) {
  const pod = buildHelperPod({
    metadata: helperMetadata('capture', owner),
    task: { version: 1, plugin: PLUGIN_NAME, key: 'key-1', action: 'look' },
    settings: helperPodSettings(operator),
    image: 'image:1',
    imagePullPolicy: undefined,
    secret: 'repo',
    repositoryClaim: 'store',
    source: { claim: 'data', block },
    ...(deadlineSeconds !== undefined && { deadlineSeconds }),
  });
  return { pod, spec: (pod as unknown as Built).spec };
}

describe('the pod of a capture', () => {
  test('can change nothing in the volume that it reads: no writing, no group of its own', () => {
    const { spec } = built();
    expect(spec.volumes).toContainEqual({
      name: 'source',
      persistentVolumeClaim: { claimName: 'data', readOnly: true },
    });
    expect(spec.containers[0]?.volumeMounts).toContainEqual({ name: 'source', mountPath: '/source', readOnly: true });
    expect(spec.securityContext).not.toHaveProperty('fsGroup');
  });

  test.each<[string, Given, number]>([
    ['a day', {}, 86_400],
    ['as the operator says', { operator: { all: { activeDeadlineSeconds: 60 } } }, 60],
    ['as short as the work', { deadlineSeconds: 3600 }, 3600],
    [
      'never later than the operator says',
      { deadlineSeconds: 3600, operator: { all: { activeDeadlineSeconds: 60 } } },
      60,
    ],
  ])('ends at its deadline: %s', (_what, given, seconds) => {
    expect(built(given).spec).toMatchObject({ activeDeadlineSeconds: seconds, terminationGracePeriodSeconds: 10 });
  });

  test('has the device of a block volume', () => {
    const { spec } = built({ block: true });
    expect(spec.containers[0]?.volumeDevices).toEqual([{ name: 'source', devicePath: '/dev/source' }]);
    expect(spec.containers[0]?.volumeMounts).not.toContainEqual(expect.objectContaining({ name: 'source' }));
  });

  test('mounts the credentials and the claim of the repository, and is told its task', () => {
    const { spec, pod } = built();
    expect(spec.volumes).toContainEqual({
      name: 'repository-secret',
      secret: { secretName: 'repo', defaultMode: 0o400 },
    });
    expect(spec.volumes).toContainEqual({ name: 'repository', persistentVolumeClaim: { claimName: 'store' } });
    const env = spec.containers[0]?.env.find(({ name }) => name === 'VOLPRIME_TASK');
    expect(captureTaskSchema.parse(JSON.parse(env?.value ?? ''))).toMatchObject({ action: 'look', key: 'key-1' });
    expect(pod.metadata).toMatchObject({
      name: 'volprime-capture-key-1',
      annotations: { 'volprime.dev/content-uid': 'content-1' },
    });
  });

  test('can read the credentials also where it is not root, which owns them', () => {
    const { spec } = built({ operator: { all: { securityProfile: 'restricted' } } });
    expect(spec.volumes).toContainEqual({
      name: 'repository-secret',
      secret: { secretName: 'repo', defaultMode: 0o444 },
    });
  });

  test("runs as the operator's settings for snapshot-capture say", () => {
    const settings = helperPodSettings({ plugins: { [PLUGIN_NAME]: { securityProfile: 'restricted' } } });
    expect(settings.securityProfile).toBe('restricted');
    expect(helperPodSettings({}).securityProfile).toBe('privileged-data');
  });
});

describe('a volume in use', () => {
  const uses = (claim: string, phase: 'Running' | 'Succeeded' = 'Running'): Pod => ({
    ...aPod(1, { phase }),
    spec: {
      nodeName: 'node-7',
      volumes: [{ persistentVolumeClaim: { claimName: claim } }],
      tolerations: [{ key: 'disks', operator: 'Exists' }],
    },
  });

  test('is used by pods on a node that have not ended, and not by our own', () => {
    const [user, ended, other] = [uses('data'), uses('data', 'Succeeded'), uses('logs')];
    expect(usersOf('data', [user, ended, other], () => false)).toEqual([user]);
    expect(usersOf('data', [user], () => true)).toEqual([]);
  });

  test('for one node is read on that node, by the scheduler, with what its user tolerates', () => {
    const term = { matchExpressions: [{ key: 'arch', operator: 'Exists' }] };
    const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } };
    expect(besides(uses('data'), { affinity: { nodeAffinity: required } })).toMatchObject({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { ...term, matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-7'] }] },
            ],
          },
        },
      },
      tolerations: [{ key: 'disks' }, { key: 'node.kubernetes.io/unschedulable' }],
    });
  });

  test('by many nodes is read anywhere', () => {
    const claim = (accessModes: readonly ('ReadWriteOnce' | 'ReadWriteMany')[]) =>
      isForOneNode({ spec: { accessModes } } as never);
    expect(claim(['ReadWriteOnce'])).toBe(true);
    expect(claim(['ReadWriteOnce', 'ReadWriteMany'])).toBe(false);
  });
});
