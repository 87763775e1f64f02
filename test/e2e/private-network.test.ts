/**
 * Sources inside of a company: https servers with certificates of its own authority, behind a proxy that alone knows their names. The settings of
 * populator pods are those of docs/populator-pods.md.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ArchiveServer, startArchiveServer } from '../support/archive-server.ts';
import { createAuthority } from '../support/certificates.ts';
import { type ConnectProxy, startConnectProxy } from '../support/connect-proxy.ts';
import { expectAtRest, expectBound, expectPopulated, toldOf } from './harness/claims.ts';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import { contentOf } from './harness/content.ts';
import { aClaimManifest, aProvider, providerRef } from './harness/manifests.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';
import { podSettings } from './harness/text-files.ts';

const TEST_MS = 5 * 60_000;
const HOST = 'archives.company.example';
const PASSWORD = 'geheim-4711';

let suite: Suite;
let stack: AsyncDisposableStack;
let server: ArchiveServer;
let proxy: ConnectProxy;
/** The same way, for those who have its password. */
let guarded: ConnectProxy;
/** Without settings. */
let outside: string;
/** With those of the company. */
let company: string;
beforeAll(async () => {
  stack = new AsyncDisposableStack();
  suite = stack.use(await openSuite());
  const { hostAddress } = suite.cluster;
  const authority = createAuthority(suite.directory);
  const tls = authority.issue('server', `DNS:${HOST}`, `IP:${hostAddress}`);
  server = stack.use(await startArchiveServer({ host: hostAddress, tls }));
  proxy = stack.use(await startConnectProxy({ host: hostAddress, hosts: { [HOST]: hostAddress } }));
  guarded = stack.use(
    await startConnectProxy({
      host: hostAddress,
      hosts: { [HOST]: hostAddress },
      authorization: `Basic ${btoa(`somebody:${PASSWORD}`)}`,
    }),
  );
  const settings = {
    all: {
      proxy: { http: proxy.url, https: proxy.url, none: `.svc,${hostAddress}` },
      caBundle: { configMap: 'company-ca', key: 'ca.crt' },
    },
  };
  ({ namespace: outside } = await suite.lane('outside'));
  ({ namespace: company } = await suite.lane('company', { env: podSettings(suite, settings) }));
  const data = { 'ca.crt': authority.cert };
  const bundle = (namespace: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'company-ca', namespace },
    data,
  });
  await suite.apply(bundle(company), bundle(outside));
}, CLUSTER_UP_MS);
afterAll(async () => stack?.disposeAsync(), SUITE_DOWN_MS);

test(
  'an https server of an authority that nobody knows is refused, saying so',
  async () => {
    await begin(outside, 'unknown', suite.cluster.hostAddress);
    expect(await toldOf(suite, outside, 'unknown', 'SourceTLSFailed')).toContain(
      "the certificate's issuer is not known",
    );
  },
  TEST_MS,
);

test(
  'it is read where the CA bundle has the authority, straight where the proxy settings say so',
  async () => {
    await expectAtRest(
      suite,
      { namespace: company },
      { straight: await begin(company, 'straight', suite.cluster.hostAddress) },
    );
    expect(proxy.asked.filter((address) => address.startsWith(suite.cluster.hostAddress))).toEqual([]);
  },
  TEST_MS,
);

test(
  'a host that only the proxy knows is read through it',
  async () => {
    await expectAtRest(suite, { namespace: company }, { 'by-proxy': await begin(company, 'by-proxy', HOST) });
    const { port } = new URL(server.url);
    expect(proxy.asked).toContain(`${HOST}:${port}`);
    expect(server.requests.filter(({ path }) => path === '/by-proxy')).toHaveLength(1);
  },
  TEST_MS,
);

test(
  'a host that the proxy refuses is told of as such',
  async () => {
    await begin(company, 'refused', 'elsewhere.example');
    expect(await toldOf(suite, company, 'refused', 'SourceUnreachable')).toContain('the proxy did not connect');
  },
  TEST_MS,
);

test(
  'a proxy that asks for a password is told of as such, and passed with the Secret that the Provider names',
  async () => {
    const way = { proxy: guarded.url, caBundleRef: { name: 'company-ca' } };
    await begin(outside, 'without', HOST, way);
    expect(await toldOf(suite, outside, 'without', 'ProxyUnauthorized')).toContain('spec.proxySecretRef');
    await suite.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'volprime.dev/credentials',
      metadata: { name: 'proxy-login', namespace: outside },
      stringData: { hosts: guarded.url, username: 'somebody', password: PASSWORD },
    });
    const listing = await begin(outside, 'with', HOST, { ...way, proxySecretRef: { name: 'proxy-login' } });
    await expectBound(suite, outside, 'with');
    const told = await suite.cluster.kubectl([
      'get',
      'pods,pvc,events,populations,providers',
      `--namespace=${outside}`,
      '--output=yaml',
    ]);
    expect(told).toContain('proxy-login');
    expect(told).not.toContain(PASSWORD);
    expect(told).not.toContain(btoa(PASSWORD));
    await expectPopulated(suite, { namespace: outside }, { with: listing });
  },
  TEST_MS,
);

/** @returns what a reader of the volume will print. */
async function begin(namespace: string, name: string, host: string, more: object = {}): Promise<string> {
  const { archive, listing } = contentOf(name);
  server.set(`/${name}`, { body: archive });
  const url = new URL(`/${name}`, server.url);
  url.hostname = host;
  await suite.apply(
    aProvider(namespace, name, { sourceURL: url.href, ...more }),
    aClaimManifest({ name, namespace, storageClass: 'imm-del', source: providerRef(name) }),
  );
  return listing;
}
