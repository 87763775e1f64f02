import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { type Access, findAccess } from './access.ts';
import { currentCredentials } from './credentials.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function kubeconfig(name: string, content: object): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, stringify(content));
  return file;
}

function config(user: object, cluster: object = { server: 'https://10.0.0.1:6443' }): object {
  return {
    'current-context': 'main',
    contexts: [{ name: 'main', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
  };
}

const resolved = (access: Access) => currentCredentials(access.credentials, false);
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a kubeconfig', () => {
  test('gives server, CA and client certificate', async () => {
    const user = { 'client-certificate-data': base64('cert'), 'client-key-data': base64('key') };
    const cluster = {
      server: 'https://10.0.0.1:6443',
      'certificate-authority-data': base64('ca'),
      'tls-server-name': 'kubernetes',
    };
    const access = findAccess({ kubeconfig: await kubeconfig('a', config(user, cluster)) });
    expect(access.server.href).toBe('https://10.0.0.1:6443/');
    expect(await resolved(access)).toEqual({
      headers: {},
      tls: { ca: 'ca', cert: 'cert', key: 'key', servername: 'kubernetes' },
    });
  });

  test('has paths relative to its own directory', async () => {
    await mkdir(join(directory, 'pki'));
    await writeFile(join(directory, 'pki/ca.crt'), 'ca');
    await writeFile(join(directory, 'pki/token'), 'secret\n');
    const cluster = { server: 'https://a', 'certificate-authority': 'pki/ca.crt' };
    const access = findAccess({ kubeconfig: await kubeconfig('a', config({ tokenFile: 'pki/token' }, cluster)) });
    expect(await resolved(access)).toEqual({ headers: { authorization: 'Bearer secret' }, tls: { ca: 'ca' } });
  });

  test.each([
    [{ token: 't' }, { authorization: 'Bearer t' }],
    [{ username: 'a', password: 'b' }, { authorization: `Basic ${base64('a:b')}` }],
    [
      { token: 't', as: 'jane' },
      { authorization: 'Bearer t', 'impersonate-user': 'jane' },
    ],
    [{}, {}],
  ])('user %j sends %j', async (user, headers) => {
    expect((await resolved(findAccess({ kubeconfig: await kubeconfig('a', config(user)) }))).headers).toEqual(headers);
  });

  test('has contexts to choose from', async () => {
    const file = await kubeconfig('a', {
      ...config({}),
      contexts: [
        { name: 'main', context: { cluster: 'c', user: 'u' } },
        { name: 'other', context: { cluster: 'd', user: 'u' } },
      ],
      clusters: [
        { name: 'c', cluster: { server: 'https://c' } },
        { name: 'd', cluster: { server: 'https://d' } },
      ],
    });
    expect(findAccess({ kubeconfig: file }).server.host).toBe('c');
    expect(findAccess({ kubeconfig: file, context: 'other' }).server.host).toBe('d');
    expect(() => findAccess({ kubeconfig: file, context: 'none' })).toThrow(
      expect.objectContaining({ code: 'KUBE_CONFIG' }),
    );
  });

  test('can be several files, of which the first counts', async () => {
    const first = await kubeconfig('first', { clusters: [{ name: 'c', cluster: { server: 'https://first' } }] });
    const second = await kubeconfig('second', config({ token: 't' }));
    const access = findAccess({ env: { KUBECONFIG: [first, join(directory, 'missing'), second].join(delimiter) } });
    expect(access.server.host).toBe('first');
    expect((await resolved(access)).headers).toEqual({ authorization: 'Bearer t' });
  });

  test.each([
    ['sends no secret in clear text', config({ token: 'hidden' }, { server: 'http://10.0.0.1' })],
    ['has a server', config({ token: 'hidden' }, {})],
    ['has a user that it names', { ...config({}), users: [] }],
    [
      'knows no auth providers of old',
      config({ 'auth-provider': { name: 'gcp', config: { 'access-token': 'hidden' } } }),
    ],
  ])('%s', async (_, content) => {
    const file = await kubeconfig('a', content);
    expect(() => findAccess({ kubeconfig: file })).toThrow(expect.objectContaining({ code: 'KUBE_CONFIG' }));
    expect(() => findAccess({ kubeconfig: file })).not.toThrow(/hidden/);
  });

  test('that is no YAML is not quoted in the error', async () => {
    const file = join(directory, 'a');
    await writeFile(file, 'users: [{token: hidden');
    expect(() => findAccess({ kubeconfig: file })).toThrow(/cannot be read or is not YAML/);
    expect(() => findAccess({ kubeconfig: file })).not.toThrow(/hidden/);
  });
});

describe('in a pod', () => {
  async function serviceAccount(): Promise<string> {
    await writeFile(join(directory, 'token'), 'pod token');
    await writeFile(join(directory, 'ca.crt'), 'pod ca');
    return directory;
  }

  test.each([
    ['10.96.0.1', 'https://10.96.0.1:6443/'],
    ['fd00::1', 'https://[fd00::1]:6443/'],
  ])('the service account is used, at %s', async (host, server) => {
    const env = { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: '6443' };
    const access = findAccess({ env, serviceAccountDirectory: await serviceAccount() });
    expect(access.server.href).toBe(server);
    expect(await resolved(access)).toEqual({ headers: { authorization: 'Bearer pod token' }, tls: { ca: 'pod ca' } });
  });

  test('a kubeconfig that was asked for goes before it', async () => {
    const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBECONFIG: await kubeconfig('a', config({})) };
    expect(findAccess({ env, serviceAccountDirectory: await serviceAccount() }).server.host).toBe('10.0.0.1:6443');
  });
});

describe('an exec plugin', () => {
  const reply = (token: string) => JSON.stringify({ kind: 'ExecCredential', status: { token } });
  const exec = (script: string) =>
    config({
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: process.execPath,
        args: ['-e', script],
        provideClusterInfo: true,
      },
    });

  test('issues a token, and is told which cluster it is for', async () => {
    const script = `
      const { spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
      console.log(JSON.stringify({ status: { token: spec.cluster.server } }));`;
    const access = findAccess({ kubeconfig: await kubeconfig('a', exec(script)) });
    expect((await resolved(access)).headers).toEqual({ Authorization: 'Bearer https://10.0.0.1:6443' });
  });

  test('is asked once, and again when its token was refused', async () => {
    const script = `
      const { appendFileSync, readFileSync } = require('node:fs');
      appendFileSync('${directory}/calls', 'x');
      console.log('${reply('token-')}'.replace('token-', 'token-' + readFileSync('${directory}/calls', 'utf8').length));`;
    const { credentials } = findAccess({ kubeconfig: await kubeconfig('a', exec(script)) });
    const ask = async (fresh: boolean) => (await currentCredentials(credentials, fresh)).headers['Authorization'];
    expect(await Promise.all([ask(false), ask(false)])).toEqual(['Bearer token-1', 'Bearer token-1']);
    expect(await ask(false)).toBe('Bearer token-1');
    expect(await ask(true)).toBe('Bearer token-2');
  });

  test('that fails is an error which does not quote its output', async () => {
    const access = findAccess({ kubeconfig: await kubeconfig('a', exec(`console.error('hidden'); process.exit(1)`)) });
    const error: unknown = await resolved(access).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'KUBE_UNAUTHORIZED' });
    expect(String((error as Error).cause)).not.toContain('hidden');
  });
});

test('an OIDC token that still holds is sent as it is', async () => {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const token = `${part({ alg: 'none' })}.${part({ exp: 4_000_000_000 })}.signature`;
  const user = {
    'auth-provider': { name: 'oidc', config: { 'id-token': token, 'client-id': 'c', 'idp-issuer-url': 'https://idp' } },
  };
  const access = findAccess({ kubeconfig: await kubeconfig('a', config(user)) });
  expect((await resolved(access)).headers).toEqual({ Authorization: `Bearer ${token}` });
});
