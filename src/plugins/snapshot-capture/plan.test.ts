import { describe, expect, test } from '@jest/globals';
import { aClaim, aPod, aClass, aVolume } from '../../../test/support/objects.ts';
import type { Pod } from '../../api/objects.ts';
import { captureParametersSchema } from './parameters.ts';
import { planCapture, type PlanFacts } from './plan.ts';

const csi = aVolume('claim-1');
const volume = { ...csi, spec: { ...csi.spec, csi: { driver: 'csi.example.com', volumeHandle: 'v' } } };
const storageClass = { ...aClass(), provisioner: 'csi.example.com' };

function plan(parameters: object, facts: Partial<PlanFacts> = {}) {
  const all: PlanFacts = {
    parameters: captureParametersSchema.parse(parameters),
    source: aClaim(),
    volume,
    storageClass,
    users: [],
    cloneFailedLately: false,
    ...facts,
  };
  return planCapture(all);
}

function user(annotations: Readonly<Record<string, string>>): Pod {
  const pod = aPod(1, { phase: 'Running' }, { name: 'db', uid: 'pod-uid', annotations });
  return { ...pod, spec: { nodeName: 'n', containers: [{ name: 'main' }, { name: 'side' }] } };
}
const PRE = 'pre.hook.snapshot.volprime.dev';
const POST = 'post.hook.snapshot.volprime.dev';

describe('the way to the data', () => {
  const other = { ...storageClass, provisioner: 'volprime.dev/populate' };
  const hostPath = csi;
  test.each<[string, object, Partial<PlanFacts>, string]>([
    ['a clone, where CSI provisions', {}, {}, 'clone'],
    ['the volume itself, as the class says', { clone: 'never' }, {}, 'live'],
    ['the volume itself, where no clone came lately', {}, { cloneFailedLately: true }, 'live'],
    ['a clone again, where nothing else will do', { clone: 'require' }, { cloneFailedLately: true }, 'clone'],
    ['the volume itself, where it is of no CSI driver', {}, { volume: hostPath }, 'live'],
    ['the volume itself, where another provisioner would make an empty clone', {}, { storageClass: other }, 'live'],
    ['the volume itself, where the class is gone', {}, { storageClass: undefined }, 'live'],
  ])('is %s', (_what, parameters, facts, route) => {
    expect(plan(parameters, facts).route).toBe(route);
  });

  test('is none where a clone is required and cannot be', () => {
    expect(() => plan({ clone: 'require' }, { volume: hostPath })).toThrow(/is of no CSI driver/);
  });

  test.each([[{ clone: 'maybe' }], [{ cloneTimeoutSeconds: '0' }], [{ colour: 'red' }]])(
    'parameters %j are refused',
    (parameters) => {
      expect(captureParametersSchema.safeParse(parameters).success).toBe(false);
    },
  );
});

describe('hooks', () => {
  test('are those of the pods that use the claim, as the annotations stand now', () => {
    const users = [
      user({
        [`${PRE}/command`]: '["sh","-c","sync"]',
        [`${POST}/command`]: '["true"]',
        [`${POST}/container`]: 'side',
        [`${POST}/timeout`]: '5',
      }),
    ];
    expect(plan({}, { users })).toMatchObject({
      quiesce: 'planned',
      hooks: [
        {
          pod: 'db',
          podUid: 'pod-uid',
          pre: { command: ['sh', '-c', 'sync'], container: 'main', timeoutMs: 30_000 },
          post: { command: ['true'], container: 'side', timeoutMs: 5_000 },
        },
      ],
    });
  });

  test('are none where nobody asks for any', () => {
    expect(plan({}, { users: [user({})] })).toMatchObject({ quiesce: 'none', hooks: [] });
  });

  test.each([
    [`${PRE}/command`, { [`${PRE}/command`]: 'sync' }],
    [`${PRE}/command`, { [`${PRE}/command`]: '[]' }],
    [`${PRE}/timeout`, { [`${PRE}/command`]: '["sync"]', [`${PRE}/timeout`]: '1h' }],
    [`${PRE}/container`, { [`${PRE}/command`]: '["sync"]', [`${PRE}/container`]: 'none' }],
  ])('that make no sense are refused by name: %s', (name, annotations) => {
    expect(() => plan({}, { users: [user(annotations)] })).toThrow(name);
  });
});
