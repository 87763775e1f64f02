/**
 * Sources inside of a company: https servers with certificates of its own authority, behind a proxy that alone knows their names. The settings of
 * populator pods are those of docs/populator-pods.md.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ArchiveServer, startArchiveServer } from '../support/archive-server.ts';
import { createAuthority } from '../support/certificates.ts';
import { type ConnectProxy, startConnectProxy } from '../support/connect-proxy.ts';
import { expectAtRest, toldOf } from './harness/claims.ts';
import { CLUSTER_UP_MS } from './harness/cluster.ts';
import { contentOf } from './harness/content.ts';
import { aClaimManifest, aProvider, providerRef } from './harness/manifests.ts';
import { openSuite, type Suite, SUITE_DOWN_MS } from './harness/suite.ts';
import { podSettings } from './harness/text-files.ts';

const TEST_MS = 5 * 60_000;
const HOST = 'archives.company.example';

let suite: Suite;
let stack: AsyncDisposableStack;
let server: ArchiveServer;
let proxy: ConnectProxy;
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
  const settings = {
    all: {
      proxy: { http: proxy.url, https: proxy.url, none: `.svc,${hostAddress}` },
      caBundle: { configMap: 'company-ca', key: 'ca.crt' },
    },
  };
  ({ namespace: outside } = await suite.lane('outside'));
  ({ namespace: company } = await suite.lane('company', { env: podSettings(suite, settings) }));
  const metadata = { name: 'company-ca', namespace: company };
  await suite.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': authority.cert } });
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

/** @returns what a reader of the volume will print. */
async function begin(namespace: string, name: string, host: string): Promise<string> {
  const { archive, listing } = contentOf(name);
  server.set(`/${name}`, { body: archive });
  const url = new URL(`/${name}`, server.url);
  url.hostname = host;
  await suite.apply(
    aProvider(namespace, name, { sourceURL: url.href }),
    aClaimManifest({ name, namespace, storageClass: 'imm-del', source: providerRef(name) }),
  );
  return listing;
}
