/**
 * The Secret alone decides where its content goes and whom to trust: every member of a Provider's spec that changes the way or the trust,
 * for every kind of credential. An attacker writes the Provider and the ConfigMap, and reads along at a server and at proxies.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Authority, createAuthority, type Identity } from '../../../test/support/certificates.ts';
import { populateTarget } from '../../../test/support/populate-target.ts';
import { startWitness, type Witness } from '../../../test/support/witness.ts';
import { providerSpecSchema } from '../../api/provider.ts';

const HOST = 'archives.example';
const DEAD = '127.0.0.1:1';

let authorities: string;
let authority: Authority;
let server: Identity;
let client: Identity;
beforeAll(() => {
  authorities = mkdtempSync(join(tmpdir(), 'ways-ca-'));
  authority = createAuthority(authorities);
  server = authority.issue('server', `DNS:${HOST}`, 'DNS:localhost', 'IP:127.0.0.1');
  client = authority.issue('geheim-client');
});
afterAll(() => rmSync(authorities, { recursive: true }));

let work: string;
let witness: Witness;
beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'ways-'));
  for (const name of ['ca', 'volume', 'credentials', 'proxy-credentials']) mkdirSync(join(work, name));
  writeFileSync(join(work, 'ca', 'ca.crt'), authority.cert);
  witness = await startWitness(server);
});
afterEach(async () => {
  delete process.env['HTTPS_PROXY'];
  delete process.env['HTTP_PROXY'];
  await witness[Symbol.asyncDispose]();
  rmSync(work, { recursive: true });
});

type Keys = Readonly<Record<string, string>>;
type Scheme = 'http' | 'https';

interface Kind {
  readonly keys: () => Keys;
  /** What of the keys a server or a proxy reads. */
  readonly evidence: RegExp;
  /** Where the source is, in the words of a Provider. */
  readonly url: (scheme: Scheme, host: string) => string;
  readonly more?: (scheme: Scheme, host: string) => object;
  /** A registry speaks plain http on loopback addresses alone, and a certificate is shown over TLS alone. */
  readonly only?: 'plainOnLoopback' | 'tls';
}

const web = (scheme: Scheme, host: string) => `${scheme}://${host}/a`;
const basic = { username: 'u', password: 'geheim' };
const basicEvidence = new RegExp(Buffer.from('u:geheim').toString('base64'));

const kinds: Readonly<Record<string, Kind>> = {
  token: { keys: () => ({ token: 'geheim' }), evidence: /geheim/, url: web },
  basic: { keys: () => basic, evidence: basicEvidence, url: web },
  headers: { keys: () => ({ headers: 'X-Key: geheim' }), evidence: /geheim/, url: web },
  certificate: {
    keys: () => ({ 'tls.crt': client.cert, 'tls.key': client.key }),
    evidence: /geheim-client/,
    url: web,
    only: 'tls',
  },
  s3: {
    keys: () => ({ accessKeyId: 'geheim-id', secretAccessKey: 'x', sessionToken: 'geheim-session' }),
    evidence: /^(?=.*geheim-id).*geheim-session/m,
    url: () => 's3://bucket/a',
    more: (scheme, host) => ({ s3: { endpoint: `${scheme}://${host}` } }),
  },
  registry: {
    keys: () => basic,
    evidence: basicEvidence,
    url: (_scheme, host) => `oci://${host}/app:v1`,
    only: 'plainOnLoopback',
  },
};

interface Way {
  /** What the attacker writes beside the address. */
  readonly spec?: () => object;
  readonly where?: () => { readonly scheme: Scheme; readonly host: string };
  /** The Secret names the host, as it did before ways had to be named. */
  readonly hosts?: () => string;
  /** The key that says what is missing. */
  readonly names: RegExp;
  /** What the owner of the Secret adds to allow it. */
  readonly allowedBy: () => Keys;
}

const plain = () => ({ scheme: 'http', host: witness.plain }) as const;
const named = () => ({ scheme: 'https', host: HOST }) as const;
const digest = (pem: string) => `sha256:${createHash('sha256').update(pem).digest('hex')}`;

/** Members that may hold an address. */
const places: Readonly<Record<string, (url: string, dead: string) => object>> = {
  sourceURL: (sourceURL) => ({ sourceURL }),
  mirrors: (mirror, sourceURL) => ({ sourceURL, mirrors: [mirror] }),
  'layers[].sourceURL': (sourceURL) => ({ layers: [{ sourceURL }] }),
  'layers[].mirrors': (mirror, sourceURL) => ({ layers: [{ sourceURL, mirrors: [mirror] }] }),
};

const ways: Readonly<Record<string, Way>> = {
  'plain http': {
    where: plain,
    hosts: () => `${witness.plain} ${DEAD}`,
    names: /"http:\/\/127\.0\.0\.1:\d+".*"hosts"/,
    allowedBy: () => ({ hosts: `http://${witness.plain} http://${DEAD} https://${DEAD}` }),
  },
  'proxy, to https': {
    spec: () => ({ proxy: `http://${witness.plainProxy}` }),
    names: /"proxies"/,
    allowedBy: () => ({ proxies: `http://${witness.plainProxy}`, 'ca.crt': authority.cert }),
  },
  'proxy, to plain http': {
    spec: () => ({ proxy: `http://${witness.plainProxy}` }),
    where: () => ({ scheme: 'http', host: HOST }),
    hosts: () => `http://${HOST}`,
    names: /"proxies"/,
    allowedBy: () => ({ hosts: `http://${HOST}`, proxies: `http://${witness.plainProxy}` }),
  },
  'proxy over TLS of an own authority': {
    spec: () => ({ proxy: `https://${witness.secureProxy}`, caBundleRef: { name: 'ca' } }),
    names: /"caBundles"/,
    allowedBy: () => ({ proxies: witness.secureProxy, caBundles: digest(authority.cert) }),
  },
  'caBundleRef, straight': {
    spec: () => ({ caBundleRef: { name: 'ca' } }),
    where: () => ({ scheme: 'https', host: witness.secure }),
    hosts: () => `${witness.secure}, ${DEAD}`,
    names: /"caBundles"/,
    allowedBy: () => ({ caBundles: digest(authority.cert) }),
  },
  "caBundleRef, by the operator's proxy": {
    spec: () => ({ caBundleRef: { name: 'ca' } }),
    names: /"ca\.crt"/,
    allowedBy: () => ({ 'ca.crt': authority.cert }),
  },
};

function applies({ only }: Kind, way: string): boolean {
  if (only === 'tls') return !way.endsWith('plain http');
  return only !== 'plainOnLoopback' || !['proxy, to plain http', 'caBundleRef, straight'].includes(way);
}

const rows = Object.keys(kinds).flatMap((kind) =>
  Object.keys(ways).flatMap((way) =>
    applies(kinds[kind] as Kind, way) ? Object.keys(places).map((place) => [kind, way, place] as const) : [],
  ),
);

function secret(directory: string, keys: Keys): void {
  for (const [key, value] of Object.entries(keys)) writeFileSync(join(work, directory, key), value);
}

function populate(spec: object): Promise<unknown> {
  const parsed = providerSpecSchema.parse(spec);
  const retryPolicy = { toOpen: 1, toGoOn: 1, baseMs: 1, capMs: 1 };
  return populateTarget({ path: join(work, 'volume'), kind: 'directory', spec: parsed }, work, { retryPolicy });
}

describe.each(rows)('%s by %s in %s', (kindName, wayName, place) => {
  const [kind, way] = [kinds[kindName] as Kind, ways[wayName] as Way];

  function attempt(allowed: Keys) {
    const { scheme, host } = (way.where ?? named)();
    if (wayName.endsWith("operator's proxy")) process.env['HTTPS_PROXY'] = `http://${witness.plainProxy}`;
    const hosts = way.hosts?.() ?? `${HOST} ${DEAD}`;
    secret('credentials', { hosts, ...kind.keys(), ...allowed });
    return populate({
      ...places[place]?.(kind.url(scheme, host), kind.url('https', DEAD)),
      ...kind.more?.(scheme, host),
      ...way.spec?.(),
      secretRef: { name: 'login' },
    });
  }

  test('nothing is sent unless the Secret says so', async () => {
    const refused = attempt({});
    // What is wrong with the first of several places may be another matter.
    const message: unknown = place.endsWith('mirrors') ? expect.anything() : expect.stringMatching(way.names);
    await expect(refused).rejects.toMatchObject({ code: expect.any(String), message });
    expect(witness.seen.join('\n')).not.toMatch(kind.evidence);
    expect(witness.seen.filter((line) => !line.startsWith(DEAD))).toEqual([]);
    if (!place.endsWith('mirrors')) {
      await expect(refused).rejects.toMatchObject({ code: 'CredentialsInvalid', retry: { type: 'never' } });
    }
  });

  test('it is sent where the Secret says so', async () => {
    await expect(attempt(way.allowedBy())).rejects.toThrow();
    expect(witness.seen.join('\n')).toMatch(kind.evidence);
  });
});

describe('the password of a proxy', () => {
  const evidence = new RegExp(Buffer.from('u:geheim').toString('base64'));
  const asked = (proxy: string, keys: Keys, more: object = {}) => {
    secret('proxy-credentials', { ...basic, ...keys });
    return populate({ sourceURL: `https://${HOST}/a`, proxy, proxySecretRef: { name: 'p' }, ...more });
  };

  test.each<[string, () => readonly [string, Keys, object?], RegExp]>([
    ['by plain http', () => [`http://${witness.plainProxy}`, { hosts: witness.plainProxy }], /"http:\/\/127.*"hosts"/],
    [
      'by TLS of an authority that the Provider names',
      () => [`https://${witness.secureProxy}`, { hosts: witness.secureProxy }, { caBundleRef: { name: 'ca' } }],
      /"caBundles"/,
    ],
  ])('%s is not sent', async (_what, way, names) => {
    await expect(asked(...way())).rejects.toMatchObject({
      code: 'CredentialsInvalid',
      message: expect.stringMatching(names),
    });
    expect(witness.seen).toEqual([]);
  });

  test.each<[string, () => readonly [string, Keys, object?]]>([
    ['by plain http', () => [`http://${witness.plainProxy}`, { hosts: `http://${witness.plainProxy}` }]],
    [
      'by TLS of an authority that the Provider names',
      () => [
        `https://${witness.secureProxy}`,
        { hosts: witness.secureProxy, caBundles: digest(authority.cert) },
        { caBundleRef: { name: 'ca' } },
      ],
    ],
    [
      'by TLS of an authority that the Secret has',
      () => [`https://${witness.secureProxy}`, { hosts: witness.secureProxy, 'ca.crt': authority.cert }],
    ],
  ])('%s is sent where its Secret says so', async (_what, way) => {
    await expect(asked(...way())).rejects.toThrow();
    expect(witness.seen.join('\n')).toMatch(evidence);
  });

  test('does not open the way for the other Secret, nor its authority the trust', async () => {
    secret('credentials', { hosts: `http://${HOST}`, token: 'geheim', proxies: witness.secureProxy });
    const keys = { hosts: `${witness.secureProxy} http://${witness.plainProxy}`, 'ca.crt': authority.cert };
    for (const proxy of [`http://${witness.plainProxy}`, `https://${witness.secureProxy}`]) {
      const more = { sourceURL: `http://${HOST}/a`, secretRef: { name: 'login' } };
      await expect(asked(proxy, keys, more)).rejects.toThrow();
    }
    expect(witness.seen).toEqual([]);
  });
});

test("the operator's proxy needs no word of the Secret, also where the Provider names it", async () => {
  process.env['HTTP_PROXY'] = `http://${witness.plainProxy}`;
  secret('credentials', { hosts: `http://${HOST}`, token: 'geheim' });
  for (const proxy of [{}, { proxy: `http://${witness.plainProxy}/` }]) {
    const spec = { sourceURL: `http://${HOST}/a`, secretRef: { name: 'login' }, ...proxy };
    await expect(populate(spec)).rejects.toMatchObject({ code: 'SourceNotFound' });
  }
  expect(witness.seen.filter((line) => line.includes('Bearer geheim'))).toHaveLength(2);
});

/** A new member belongs to one of the two: those of the way are in the tables above. */
test('every member of the spec is known to change way or trust, or not to', () => {
  const ofWayOrTrust = ['sourceURL', 'mirrors', 'layers', 'secretRef', 'proxySecretRef', 'caBundleRef', 's3', 'proxy'];
  const content = ['checksum', 'format', 'stripComponents', 'include', 'exclude', 'limits'];
  const neither = [...content, 'extractPath', 'ownership', 'mode', 'onExisting'];
  expect(Object.keys(providerSpecSchema.shape).sort()).toEqual([...ofWayOrTrust, ...neither].sort());
});
