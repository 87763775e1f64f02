/**
 * Proof that guards matter, and that a test would notice: each scenario is sound on the sources as they are, and shows its harm on a copy
 * of them in which one guard is taken out.
 */
import { describe, expect } from '@jest/globals';
import { primeName } from '../../src/api/names.ts';
import type { Claim } from '../../src/api/objects.ts';
import { claims, volumes } from '../../src/api/resources.ts';
import { setFault } from '../cluster/index.ts';
import type { ApiProxy, ApiRequest } from './harness/api-proxy.ts';
import { isFullyBound, leftovers, readNamespace } from './harness/invariants.ts';
import { aClaimManifest } from './harness/manifests.ts';
import { freeNamespace } from './harness/namespaces.ts';
import { changedProgram, type Mutation, type Program } from './harness/program.ts';
import { transferOf } from './harness/sources.ts';
import { type Lane, type Suite, useSuite } from './harness/suite.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const TEST_MS = 5 * 60_000;
const SOUND = 'sound';

interface Stage extends Lane {
  readonly proxy: ApiProxy;
}

interface Scenario {
  readonly name: string;
  readonly without: Mutation;
  /** `sound`, or what harm was seen. */
  readonly play: (stage: Stage) => Promise<string>;
  readonly harm: RegExp;
}

const scenarios: readonly Scenario[] = [
  {
    name: 'the live reads before the hand-over: the prime goes while they are on their way',
    without: {
      file: 'populate/effects/volume.ts',
      from: "const objection = proven ? swapObjection({ volume, prime, claim }, population) : 'the prime is not proven to be ours';",
      to: 'const objection: string | undefined = undefined;',
    },
    play: (stage) => losePrimeDuring(stage, ({ method, path }) => method === 'GET' && volumePath.test(path)),
    harm: /bound to a volume that is being deleted/,
  },
  {
    name: 'the version in the hand-over: the prime goes while it is on its way',
    without: {
      file: 'populate/effects/volume.ts',
      from: 'resourceVersion: volume.metadata.resourceVersion,',
      to: '',
    },
    play: (stage) => losePrimeDuring(stage, ({ method, path }) => method === 'PATCH' && volumePath.test(path)),
    harm: /bound to a volume that is being deleted/,
  },
  {
    name: 'the finalizer on the claim: it is deleted while the controller is down',
    without: {
      file: 'populate/decide.ts',
      from: "if (!isProtected(claim)) return { type: 'ProtectClaim' };",
      to: '',
    },
    play: deleteWhileDown,
    harm: /the claim was gone, but not the prime/,
  },
  {
    name: 'the finalizer on the prime: its claim is deleted in the foreground while the controller is down',
    without: { file: 'populate/prime-spec.ts', from: 'finalizers: [PROTECTION_FINALIZER],', to: '' },
    play: deleteInForeground,
    harm: /taken from under the transfer/,
  },
];
const volumePath = /^\/api\/v1\/persistentvolumes\/[^/]+$/;

let suite: Suite;
useSuite((opened) => {
  suite = opened;
});

describe('harm is done without, and none with', () => {
  testTogether(
    scenarios,
    async ({ without, play, harm }) => {
      using mutant = await changedProgram([without]);
      const [sound, harmed] = await Promise.all([setStage('sound'), setStage('mutant', mutant)]);
      expect(await Promise.all([play(sound), play(harmed)])).toEqual([SOUND, expect.stringMatching(harm)]);
      await harmed.controller.stop();
      await freeNamespace(suite.cluster, harmed.namespace);
    },
    TEST_MS,
  );
});

async function setStage(label: string, program?: Program): Promise<Stage> {
  const proxy = await suite.proxy();
  const own = program === undefined ? {} : { program };
  return { proxy, ...(await suite.lane(label, { proxy, ...own })) };
}

/** The prime is taken away by force at that moment, so that its volume is released and its storage on the way out. */
async function losePrimeDuring(stage: Stage, moment: (request: ApiRequest) => boolean): Promise<string> {
  const { embedded, client } = suite.cluster;
  if (embedded === undefined) throw new Error('this scenario needs the switches of the embedded storage');
  const { namespace } = stage;
  const held = stage.proxy.holdNext(moment);
  await applyClaim(stage, 'imm-del');
  const name = (await held.reached).path.split('/').at(-1) ?? '';
  const handle = (await client.get(volumes, { name }))?.spec.csi?.volumeHandle ?? '';
  await setFault(embedded, { call: 'DeleteVolume', matchName: handle, delayMs: 6000 });
  const prime = { namespace, name: primeName((await readClaim(stage)).metadata.uid) };
  await client.mergePatch(claims, prime, { metadata: { finalizers: null } });
  await suite.cluster.kubectl(['delete', 'pvc', prime.name, `--namespace=${namespace}`, '--wait']);
  await until(
    `volume ${name} to be released`,
    async () => (await client.get(volumes, { name }))?.status?.phase,
    (phase) => phase === 'Released',
  );
  held.release();
  const claim = await until('the claim to have a volume', () => readClaim(stage), hasVolume);
  if (claim.spec.volumeName === name) return 'bound to a volume that is being deleted';
  await until('the claim to be bound', () => readClaim(stage), isFullyBound);
  await until(`volume ${name} to be gone`, async () => (await client.get(volumes, { name })) === undefined);
  return rest(stage);
}

async function deleteWhileDown(stage: Stage): Promise<string> {
  await bringToWork(stage);
  await stage.controller.kill();
  await suite.cluster.kubectl(['delete', 'pvc', 'data', `--namespace=${stage.namespace}`, '--wait=false']);
  const seen = await until(
    'Kubernetes to let the claim go, as far as it is concerned',
    async () => {
      const found = (await readNamespace(suite.cluster, stage.namespace)).claims;
      const user = found.find(({ metadata }) => metadata.name === 'data');
      return { user, prime: found.find((claim) => claim !== user) };
    },
    ({ user }) => user?.metadata.finalizers?.includes('kubernetes.io/pvc-protection') !== true,
  );
  await stage.controller.freeLease();
  stage.controller.start();
  if (seen.user === undefined && seen.prime !== undefined) return 'the claim was gone, but not the prime';
  return gone(stage);
}

async function deleteInForeground(stage: Stage): Promise<string> {
  await bringToWork(stage);
  const lasting = await ownedByClaim(stage);
  await stage.controller.kill();
  const remove = ['delete', 'pvc', 'data', `--namespace=${stage.namespace}`, '--cascade=foreground', '--wait=false'];
  await suite.cluster.kubectl(remove);
  const primeOf = async () =>
    (await readNamespace(suite.cluster, stage.namespace)).claims.find(({ metadata }) => metadata.name !== 'data');
  const prime = await until(
    'the prime to be deleted, as far as Kubernetes is concerned',
    primeOf,
    (found) =>
      found === undefined ||
      (found.metadata.deletionTimestamp !== undefined &&
        found.metadata.finalizers?.includes('kubernetes.io/pvc-protection') !== true),
  );
  await suite.cluster.kubectl(['patch', ...lasting, '--type=merge', '--patch={"metadata":{"finalizers":null}}']);
  await stage.controller.freeLease();
  stage.controller.start();
  if (prime === undefined) return 'the volume was taken from under the transfer';
  return gone(stage);
}

/**
 * Something of somebody else that the claim owns and that takes its time to go. Without it the garbage collector may end the foreground
 * deletion before it looks at the prime: ours does not block it.
 */
async function ownedByClaim(stage: Stage): Promise<readonly string[]> {
  const { namespace } = stage;
  const { metadata } = await readClaim(stage);
  await suite.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'lasting',
      namespace,
      finalizers: ['example.com/lasting'],
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          name: metadata.name,
          uid: metadata.uid,
          blockOwnerDeletion: true,
        },
      ],
    },
  });
  return ['configmap', 'lasting', `--namespace=${namespace}`];
}

async function bringToWork(stage: Stage): Promise<void> {
  suite.transfers.hold(stage.namespace);
  await applyClaim(stage, 'imm-ret');
  await until('the transfer to begin', () => suite.transfers.started(stage.namespace).length > 0);
}

async function applyClaim({ namespace }: Stage, storageClass: string): Promise<void> {
  const { source, ref } = transferOf(namespace, namespace);
  await suite.apply(source, aClaimManifest({ name: 'data', namespace, storageClass, source: ref }));
}

async function readClaim({ namespace, controller }: Stage): Promise<Claim> {
  controller.check();
  const claim = await suite.cluster.client.get(claims, { namespace, name: 'data' });
  if (claim === undefined) throw new Error('the claim is gone');
  return claim;
}

function hasVolume(claim: Claim): boolean {
  return claim.spec.volumeName !== undefined;
}

async function gone(stage: Stage): Promise<string> {
  await until('the claim to be gone', async () => {
    stage.controller.check();
    return (await suite.cluster.client.get(claims, { namespace: stage.namespace, name: 'data' })) === undefined;
  });
  return rest(stage);
}

/** What is left when nothing changes any more. */
async function rest({ namespace }: Stage): Promise<string> {
  let before: string | undefined;
  const left = await until(
    'what is left to stay as it is',
    async () => {
      const now = leftovers(await readNamespace(suite.cluster, namespace));
      const same = now.join(', ') === before;
      before = now.join(', ');
      return { now, same };
    },
    ({ now, same }) =>
      now.length === 0 || (same && now.every((line) => line.startsWith('Released') || line.startsWith('stored'))),
    { intervalMs: 2000 },
  );
  return left.now.length === 0 ? SOUND : left.now.join(', ');
}
