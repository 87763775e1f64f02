import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { resticInPath } from '../../test/support/restic.ts';
import { silent } from '../../test/support/silent-logger.ts';
import { type SftpServer, startSftpServer } from '../../test/support/sshd.ts';
import { readCredentials, Repository } from './index.ts';
import { keyForSsh, sshOptions, wordsOfSsh } from './ssh.ts';

/** restic is built where this machine has none. */
jest.setTimeout(600_000);

let root: string;
let server: SftpServer;
beforeAll(async () => {
  await resticInPath();
  root = mkdtempSync(join(tmpdir(), 'ssh-'));
  chmodSync(root, 0o755);
  const serverDir = join(root, 'server');
  mkdirSync(serverDir);
  server = await startSftpServer(serverDir);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

let secretDir: string;
let secretsDir: string;
let count = 0;
beforeEach(() => {
  const work = join(root, `test-${(count += 1)}`);
  [secretDir, secretsDir] = [join(work, 'secret'), join(work, 'secrets')];
  for (const directory of [secretDir, secretsDir]) mkdirSync(directory, { recursive: true });
  secret('repository', `sftp://${server.user}@${server.host}:${server.port}/${server.data}/repository-${count}`);
  secret('password', 'correct horse battery');
  secret('ssh-privatekey', server.privateKey);
  secret('known_hosts', server.knownHost);
});

const secret = (key: string, text: string) => writeFileSync(join(secretDir, key), text);
const credentials = () => readCredentials({ secretDir, repositoryDir: '/repository', secretsDir });

function repository(): Repository {
  const { signal } = new AbortController();
  return new Repository({ credentials: credentials(), scratch: secretsDir, logger: silent, signal });
}

async function* pieces(...texts: string[]): AsyncGenerator<Buffer, void> {
  for (const text of texts) yield Buffer.from(text);
}

test('there and back; the key may have lost its last line end, or come from another system', async () => {
  secret('ssh-privatekey', server.privateKey.trim().replaceAll('\n', '\r\n'));
  const opened = repository();
  expect(await opened.open('create', [])).toEqual([]);
  const { snapshotId } = await opened.backupStream('file', pieces('one ', 'two'), { tags: ['a'] });
  let text = '';
  for await (const piece of repository().dump(snapshotId, 'file')) text += piece.toString();
  expect(text).toBe('one two');
  await opened.forget([snapshotId]);
  expect(await opened.open('refuse', [['a']])).toEqual([]);
});

test('where there is no repository, none is made by who only reads', async () => {
  await expect(repository().open('refuse', [])).rejects.toMatchObject({ code: 'RepositoryNotFound' });
});

test.each([
  ['nobody knows', () => '# nobody\n', 'host key is known'],
  ['shows another key', () => server.otherHost, 'has changed'],
])('a server that %s is refused for good, every time, and not remembered', async (_, known, words) => {
  secret('known_hosts', known());
  // More than once: what ssh says must not be lost when restic ends before it has read it.
  for (let round = 0; round < 5; round += 1) {
    await expect(repository().open('create', [])).rejects.toMatchObject({
      code: 'RepositoryHostUnknown',
      retry: { type: 'never' },
      message: expect.stringContaining(words),
    });
  }
  expect(readFileSync(join(secretsDir, 'known_hosts'), 'utf8')).toBe(known());
});

test('a key that the server does not take is denied, and a server that is not there may come', async () => {
  secret('ssh-privatekey', readFileSync(join(root, 'server/other'), 'utf8'));
  await expect(repository().open('create', [])).rejects.toMatchObject({
    code: 'RepositoryDenied',
    retry: { type: 'never' },
  });
  secret('repository', `sftp://${server.user}@127.0.0.1:9/x`);
  await expect(repository().open('create', [])).rejects.toMatchObject({
    code: 'RepositoryUnreachable',
    retry: { type: 'backoff' },
    message: expect.stringContaining('Connection refused'),
  });
});

test.each(['ssh-privatekey', 'known_hosts'])('a Secret without %s is refused', (key) => {
  rmSync(join(secretDir, key));
  expect(credentials).toThrow(
    expect.objectContaining({ code: 'CredentialsInvalid', message: expect.stringContaining(key) }),
  );
});

test('no key stands in the arguments or in the environment', () => {
  const { args, env } = credentials();
  const line = server.privateKey.split('\n')[1] ?? '';
  expect(line.length).toBeGreaterThan(20);
  expect(JSON.stringify([args, env])).not.toContain(line);
});

test('paths with spaces stay one word for restic, and one with a quote is refused', () => {
  const files = { identityFile: '/a b/key', knownHostsFile: '/hosts', log: '/log' };
  expect(sshOptions(files)[1]).toContain("-o 'IdentityFile=/a b/key' ");
  expect(() => sshOptions({ ...files, log: "/it's" })).toThrow('quote');
});

test('the text of a key, and the end of a log', () => {
  expect(keyForSsh('a\r\nb')).toBe('a\nb\n');
  expect(wordsOfSsh('@@@\nreason\r\nconclusion\r\n\n')).toEqual(['reason', 'conclusion']);
  expect(wordsOfSsh('')).toEqual([]);
});
