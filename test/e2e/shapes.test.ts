/** Claims of every shape: raw block, shared, read-only, for one pod only; and one that grows. docs/hazards.md, cases 40, 41 and 45. */
import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { NewObject } from '../../src/api/objects.ts';
import { claims, events, pods, type Resource, volumes } from '../../src/api/resources.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { claimOf, expectBound, expectAtRest, podAtWork, SLOWLY, sourceName, toldOf } from './harness/claims.ts';
import { expectNothingLeft, listAll } from './harness/invariants.ts';
import {
  aClaimManifest,
  aConsumer,
  aDevicePod,
  aProvider,
  type ClaimOptions,
  providerRef,
} from './harness/manifests.ts';
import { admit } from './harness/namespaces.ts';
import { printedBy } from './harness/read-back.ts';
import { downloads, providerOf, serve, transferOf } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { aScript, scriptPlugin, scriptRef } from './harness/text-files.ts';
import { blocksOf } from './harness/transfer-service.ts';
import { until } from './harness/until.ts';

const TEST_MS = 8 * 60_000;
const PREFIX_BYTES = 256 * 1024;

interface Event extends KubeObject {
  readonly note?: string;
  readonly regarding?: { readonly name?: string };
}
const eventResource: Resource<Event> = events;

let suite: Suite;
/** Where pods may be root, as the writing of devices needs. */
let blocks: string;
let shapes: string;
useSuite(async (opened) => {
  suite = opened;
  [blocks, shapes] = await Promise.all([suite.namespace('blocks'), suite.namespace('shapes')]);
  await admit(suite.cluster, blocks, 'baseline');
  const plugins = [scriptPlugin(suite, { name: 'device', pod: { securityProfile: 'privileged-data' } })];
  suite.controller({ name: blocks, namespaces: [blocks, shapes], plugins }).start();
});

describe('case 40: a raw block claim', () => {
  test(
    'is written by a pod, by a service and from the image of a disk, and read back as written',
    async () => {
      const content = Buffer.alloc(PREFIX_BYTES, 'block by block;');
      const script = `i=0; while [ $i -lt ${Math.ceil(PREFIX_BYTES / 15)} ]; do printf 'block by block;'; i=$((i+1)); done | head -c ${PREFIX_BYTES} > /tmp/data; dd if=/tmp/data of=/target bs=64k conv=fsync`;
      const { source, ref } = transferOf(blocks, 'by-service');
      await suite.apply(
        aScript(blocks, 'by-pod', script),
        source,
        blockClaim('by-pod', scriptRef('by-pod')),
        blockClaim('by-service', ref),
      );
      suite.archives.set(`/${blocks}-image`, { body: gzipSync(content) });
      const image = { sourceURL: `${suite.archives.url}/${blocks}-image`, format: 'Raw' };
      await suite.apply(aProvider(blocks, 'by-image', image), blockClaim('by-image', providerRef('by-image')));
      await expectBound(suite, blocks, 'by-pod');
      await expectBound(suite, blocks, 'by-service');
      await expectBound(suite, blocks, 'by-image');
      await expectNothingLeft(suite.cluster, blocks);
      expect(await digestsOf(['by-pod', 'by-service', 'by-image'])).toEqual([
        `by-pod ${sha256(content)}`,
        `by-service ${sha256(blocksOf('by-service'))}`,
        `by-image ${sha256(content)}`,
      ]);
    },
    TEST_MS,
  );

  test(
    'is refused before a volume is made where the source is an archive',
    async () => {
      const { source, ref } = providerOf(suite, blocks, sourceName(blocks, 'archive'));
      serve(suite, sourceName(blocks, 'archive'));
      await suite.apply(source, blockClaim('archive', ref));
      expect(await toldOf(suite, blocks, 'archive', 'BlockVolumeNotSupported')).toMatch(/volumeMode/);
      expect(
        (await listAll(suite.cluster, claims, blocks)).filter(({ metadata: { name } }) => name.startsWith('volprime-')),
      ).toEqual([]);
      expect(downloads(suite, sourceName(blocks, 'archive'))).toBe(0);
    },
    TEST_MS,
  );
});

describe('case 41: a claim', () => {
  test.each(['ReadWriteMany', 'ReadOnlyMany'])(
    'with %s is populated, and its volume has that mode',
    async (mode) => {
      const name = mode.toLowerCase();
      const listing = await begin(name, [mode]);
      await expectAtRest(suite, { namespace: shapes }, { [name]: listing });
      const volume = await suite.cluster.client.get(volumes, {
        name: (await claimOf(suite, shapes, name)).spec.volumeName ?? '',
      });
      expect(volume?.spec.accessModes).toEqual([mode]);
    },
    TEST_MS,
  );

  test(
    'for one pod only is never in use by another when its consumer comes',
    async () => {
      await suite.apply(
        aConsumer({ name: 'consumer', namespace: shapes, image: suite.cluster.toolboxImage, claims: ['alone'] }),
      );
      const listing = await begin('alone', ['ReadWriteOncePod']);
      await until(
        'the consumer to end',
        async () => (await suite.cluster.client.get(pods, { namespace: shapes, name: 'consumer' }))?.status?.phase,
        (phase) => phase === 'Succeeded',
        SLOWLY,
      );
      const about = (await listAll(suite.cluster, eventResource, shapes)).filter(
        ({ regarding }) => regarding?.name === 'consumer',
      );
      expect(about.filter(({ note }) => /in use/.test(note ?? ''))).toEqual([]);
      await suite.cluster.kubectl(['delete', 'pod', 'consumer', `--namespace=${shapes}`]);
      await expectAtRest(suite, { namespace: shapes }, { alone: listing });
    },
    TEST_MS,
  );
});

test(
  'case 45: a claim cannot grow while it is populated; afterwards it does',
  async () => {
    const grow = ['patch', 'pvc', 'growing', `--namespace=${shapes}`, '--type=merge'];
    const patch = '--patch={"spec":{"resources":{"requests":{"storage":"128Mi"}}}}';
    const work = await podAtWork(suite, shapes, 'growing', SLOWLY);
    await expect(suite.cluster.kubectl([...grow, patch])).rejects.toThrow(/bound claims/);
    work.gate.open();
    await expectAtRest(suite, { namespace: shapes }, { growing: work.listing });
    await suite.cluster.kubectl([...grow, patch]);
    await until(
      'the claim to have grown',
      async () => (await claimOf(suite, shapes, 'growing')).status?.capacity?.storage,
      (capacity) => capacity === '128Mi',
    );
    const volume = { name: (await claimOf(suite, shapes, 'growing')).spec.volumeName ?? '' };
    expect((await suite.cluster.client.get(volumes, volume))?.spec.capacity?.storage).toBe('128Mi');
  },
  TEST_MS,
);

function blockClaim(name: string, source: ClaimOptions['source']): NewObject {
  return aClaimManifest({
    name,
    namespace: blocks,
    storageClass: 'imm-del',
    source,
    volumeMode: 'Block',
    size: '16Mi',
  });
}

/** @returns what a reader of the volume will print. */
async function begin(name: string, accessModes: readonly string[]): Promise<string> {
  const path = sourceName(shapes, name);
  const { listing } = serve(suite, path);
  const { source, ref } = providerOf(suite, shapes, path);
  await suite.apply(
    source,
    aClaimManifest({ name, namespace: shapes, storageClass: 'imm-del', source: ref, accessModes }),
  );
  return listing;
}

/** Name and digest of what each device begins with, as a pod reads it. */
async function digestsOf(names: readonly string[]): Promise<string[]> {
  const script = names.map((name) => `echo ${name} $(head -c ${PREFIX_BYTES} /dev/${name} | sha256sum)`).join('; ');
  const image = suite.cluster.toolboxImage;
  const reader = aDevicePod({ name: 'device-reader', namespace: blocks, image, claims: names, script });
  const log = await printedBy(suite.cluster, reader, SLOWLY);
  return log
    .trim()
    .split('\n')
    .map((line) => line.replace(/\s+-$/, ''));
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
