/**
 * Populator pods that are not let in, not scheduled, not started, or taken away in the middle of their work: what the user is told, and that the
 * population goes on as soon as it can. docs/hazards.md, cases 46 to 50.
 */
import { describe, expect } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { podName } from '../../src/api/names.ts';
import { pods } from '../../src/api/resources.ts';
import { nameImage } from '../cluster/index.ts';
import {
  beginDownload,
  beginScript,
  expectBound,
  expectAtRest,
  podAtWork,
  SLOWLY,
  sourceName,
  statusOf,
  toldOf,
  warningsAbout,
} from './harness/claims.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { listAll, readNamespace } from './harness/invariants.ts';
import { admit } from './harness/namespaces.ts';
import { readBack } from './harness/read-back.ts';
import { downloads } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { podSettings, scriptPlugin } from './harness/text-files.ts';
import { testTogether } from './harness/together.ts';
import { until } from './harness/until.ts';

const TEST_MS = 10 * 60_000;

let suite: Suite;
/** One controller serves all namespaces in which nothing special is asked of it. */
let plain: Readonly<Record<'quota' | 'compute' | 'limits' | 'evicted', string>>;
useSuite(async (opened) => {
  suite = opened;
  const [quota = '', compute = '', limits = '', evicted = ''] = await Promise.all(
    ['quota', 'compute', 'limits', 'evicted'].map((label) => suite.namespace(label)),
  );
  plain = { quota, compute, limits, evicted };
  startController('plain', Object.values(plain));
});

type ControllerOptions = Partial<Parameters<Suite['controller']>[0]>;

function startController(
  name: string,
  namespaces: readonly string[],
  options: ControllerOptions = {},
): ControllerProcess {
  const controller = suite.controller({ name: `pods-${name}`, namespaces, ...options });
  controller.start();
  return controller;
}

describe('what the namespace or the node refuses', () => {
  testTogether(
    [
      {
        name: 'case 46: a storage quota with room for one volume is told of, and the claim goes on when it is raised',
        run: storageQuota,
      },
      { name: 'case 47: a quota that asks each pod for its limits lets the pod in', run: computeQuota },
      { name: 'case 47: a LimitRange that the pod exceeds is told of, with its words', run: limitRange },
      { name: 'case 50: a pod that is evicted makes room for another, on a clean volume', run: evicted },
      { name: 'case 48: what Pod Security "restricted" forbids is refused before a volume is made', run: podSecurity },
      {
        name: 'case 49 and case 50: images that cannot be pulled, and a pod that is killed for its memory',
        run: configured,
      },
    ],
    ({ run }) => run(),
    TEST_MS,
  );
});

async function storageQuota(): Promise<void> {
  const namespace = plain.quota;
  const quota = (volumes: string) => ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'storage', namespace },
    spec: { hard: { persistentvolumeclaims: volumes } },
  });
  await suite.apply(quota('1'));
  const listing = await beginDownload(suite, namespace, 'data');
  const told = await toldOf(suite, namespace, 'data', 'QuotaExceeded');
  expect(told).toContain('exceeded quota: storage');
  await suite.apply(quota('3'));
  await expectAtRest(suite, { namespace }, { data: listing });
}

async function computeQuota(): Promise<void> {
  const namespace = plain.compute;
  const hard = { 'requests.cpu': '4', 'requests.memory': '4Gi', 'limits.cpu': '4', 'limits.memory': '4Gi' };
  await suite.apply({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'compute', namespace },
    spec: { hard },
  });
  await beginDownload(suite, namespace, 'data');
  await expectBound(suite, namespace, 'data');
}

async function limitRange(): Promise<void> {
  const namespace = plain.limits;
  const limits = (memory: string) => ({
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'small', namespace },
    spec: { limits: [{ type: 'Container', max: { memory }, default: { memory }, defaultRequest: { memory: '8Mi' } }] },
  });
  await suite.apply(limits('64Mi'));
  const listing = await beginDownload(suite, namespace, 'data');
  const told = await toldOf(suite, namespace, 'data', 'Forbidden');
  expect(told).toMatch(/maximum memory usage per Container is 64Mi/);
  await suite.apply(limits('1Gi'));
  await expectAtRest(suite, { namespace }, { data: listing });
}

/** The pods of this plugin run as root with a few capabilities, and with what operator and plugin say of them. */
async function podSecurity(): Promise<void> {
  const namespace = await suite.namespace('owners');
  const pod = {
    securityProfile: 'privileged-data',
    env: { OF_PLUGIN: 'plugin', BOTH: 'plugin' },
    labels: { 'example.com/team': 'storage' },
  };
  const all = {
    env: { BOTH: 'operator' },
    tolerations: [{ key: 'storage', operator: 'Exists' }],
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    volumes: [{ name: 'extra', configMap: { name: 'extra' } }],
    volumeMounts: [{ name: 'extra', mountPath: '/extra', readOnly: true }],
    caBundle: { configMap: 'kube-root-ca.crt' },
    proxy: { http: 'http://proxy.example:3128', none: 'localhost' },
  };
  const plugins = [scriptPlugin(suite, { name: 'owners', pod })];
  startController('owners', [namespace], { plugins, env: podSettings(suite, { all }) });
  const metadata = { name: 'extra', namespace };
  await suite.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { word: 'from the ConfigMap' } });
  const script = [
    'grep -q "BEGIN CERTIFICATE" "$NODE_EXTRA_CA_CERTS"',
    '[ "$OF_PLUGIN $BOTH" = "plugin operator" ]',
    '[ "$http_proxy $NO_PROXY" = "http://proxy.example:3128 localhost" ]',
    '[ "$(cat /extra/word)" = "from the ConfigMap" ]',
    '[ ! -e /var/run/secrets/kubernetes.io/serviceaccount/token ]',
    'echo data > /target/file; chown 1234:4321 /target/file',
    '[ "$(stat -c %u:%g /target/file)" = 1234:4321 ]; sync; sleep 3',
  ];
  await beginScript(suite, namespace, 'data', script.join('\n'));
  const told = await toldOf(suite, namespace, 'data', 'PodSecurityForbidden');
  expect(told).toMatch(/enforces Pod Security level "restricted".*need "baseline"/);
  const { claims: made } = await readNamespace(suite.cluster, namespace);
  expect(made.map((claim) => claim.metadata.name)).toEqual(['data']);

  await admit(suite.cluster, namespace, 'baseline');
  const seen = await until(
    'the pod',
    async () =>
      (await listAll(suite.cluster, pods, namespace)).find(
        ({ metadata: { labels } }) => labels?.['example.com/team'] === 'storage',
      ),
    Boolean,
    SLOWLY,
  );
  expect(seen?.spec).toMatchObject({ tolerations: expect.arrayContaining([{ key: 'storage', operator: 'Exists' }]) });
  await expectBound(suite, namespace, 'data');
  expect(await statusOf(suite, namespace, 'data')).toMatchObject({ attempt: 1, failures: 0 });
}

/** Each step is another configuration of one controller. */
async function configured(): Promise<void> {
  const namespace = await suite.namespace('configured');
  const late = `localhost/late-${randomBytes(4).toString('hex')}:1`;
  const memory = (limit: string) => ({
    plugins: { 'download-and-extract': { resources: { requests: { memory: '16Mi' }, limits: { memory: limit } } } },
  });
  const configure = (step: number, image: string | undefined, limit: string) =>
    startController(`configured-${step}`, [namespace], {
      leaseName: 'pods-configured',
      plugins: [scriptPlugin(suite, { name: 'files', ...(image !== undefined && { image }) })],
      env: podSettings(suite, memory(limit)),
    });

  let controller = configure(1, late, '16Mi');
  const listing = await beginDownload(suite, namespace, 'hungry');
  await beginScript(suite, namespace, 'late', 'echo data > /target/file; sync');
  expect(await toldOf(suite, namespace, 'late', 'ImagePullFailed')).toMatch(/\(ImagePullBackOff\).*late-/s);
  if (suite.cluster.embedded !== undefined) {
    await nameImage(suite.cluster.embedded, suite.cluster.toolboxImage, late);
    await expectBound(suite, namespace, 'late');
    expect(await statusOf(suite, namespace, 'late')).toMatchObject({ attempt: 1, failures: 0 });
  }
  const hungry = await until(
    'two attempts to fail',
    () => statusOf(suite, namespace, 'hungry'),
    (status) => (status?.failures ?? 0) >= 2,
    SLOWLY,
  );
  expect(hungry?.lastError).toMatchObject({ reason: 'OutOfMemory', permanent: false });
  await controller.stop();

  controller = configure(2, 'localhost/misspelt:1', '512Mi');
  await beginScript(suite, namespace, 'misspelt', 'echo data > /target/file; sync');
  await expectBound(suite, namespace, 'hungry');
  expect(await readBack(suite.cluster, namespace, ['hungry'])).toEqual({ hungry: listing });
  // PodOutdated as well where the third attempt's pod had been made, and had not started, when the first controller ended.
  const warnings = await warningsAbout(suite, namespace, 'hungry');
  expect(warnings.filter((reason) => reason !== 'PodOutdated')).toEqual(['OutOfMemory']);
  await toldOf(suite, namespace, 'misspelt', 'ImagePullFailed');
  await controller.stop();

  configure(3, undefined, '512Mi');
  await expectBound(suite, namespace, 'misspelt');
  expect(await statusOf(suite, namespace, 'misspelt')).toMatchObject({ attempt: 2, excused: 1 });
  expect(await warningsAbout(suite, namespace, 'misspelt')).toEqual(['ImagePullFailed', 'PodOutdated']);
}

async function evicted(): Promise<void> {
  const namespace = plain.evicted;
  const work = await podAtWork(suite, namespace, 'data', SLOWLY);
  const name = podName(work.claim.metadata.uid, 1);
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
  await suite.cluster.kubectl(['create', '--raw', path, '--filename=-'], JSON.stringify(eviction));
  await until('another attempt to begin', async () => (await statusOf(suite, namespace, 'data'))?.attempt === 2);
  expect((await suite.cluster.client.get(pods, { namespace, name }))?.metadata.name).toBeUndefined();
  expect(await statusOf(suite, namespace, 'data')).toMatchObject({
    failures: 1,
    excused: 1,
    lastError: { reason: 'PodEvicted' },
  });
  work.gate.open();
  await expectAtRest(suite, { namespace }, { data: work.listing });
  expect(await warningsAbout(suite, namespace, 'data')).toEqual(['PodEvicted']);
  expect(downloads(suite, sourceName(namespace, 'data'))).toBe(2);
}
