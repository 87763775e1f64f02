import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { childrenOfTests } from '../../test/support/child-processes.ts';
import { eventually } from '../../test/support/eventually.ts';
import { resticInPath, type TestRepository, testRepository } from '../../test/support/restic.ts';
import { silent } from '../../test/support/silent-logger.ts';
import { readCredentials, Repository } from './index.ts';

/** restic is built where this machine has none. */
jest.setTimeout(600_000);

beforeAll(resticInPath);

// Before what follows: hooks run in this order, and a directory goes when nobody writes to it any more.
const ofTest = childrenOfTests();

let work: string;
let given: TestRepository;
let scratch: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'repository-'));
  given = testRepository(work);
  scratch = join(work, 'scratch');
  mkdirSync(scratch);
});
afterEach(() => rmSync(work, { recursive: true }));

function credentials() {
  const { VOLPRIME_REPOSITORY_SECRET_DIR: secretDir, VOLPRIME_REPOSITORY_DIR: repositoryDir } = given.variables;
  return readCredentials({ secretDir, repositoryDir, secretsDir: scratch });
}

function repositoryOf(options: Partial<ConstructorParameters<typeof Repository>[0]> = {}): Repository {
  const { signal } = new AbortController();
  return new Repository({ credentials: credentials(), scratch, logger: silent, signal, ...options });
}

const secret = (key: string, text: string) => writeFileSync(join(given.secretDir, key), text);

/** Until its input ends, which it does not. */
function backupThatWaits() {
  const args = ['backup', '--stdin', ...credentials().args];
  return ofTest(spawn('restic', args, { stdio: ['pipe', 'ignore', 'ignore'], env: process.env }));
}

async function* pieces(...texts: string[]): AsyncGenerator<Buffer, void> {
  for (const text of texts) yield Buffer.from(text);
}

test('two that make a repository at once both find one', async () => {
  await Promise.all([1, 2, 3].map(() => repositoryOf().open('create', [])));
  await repositoryOf().open('refuse', []);
});

test('a repository is not made by who only reads, and a wrong password does not open one', async () => {
  await expect(repositoryOf().open('refuse', [])).rejects.toMatchObject({
    code: 'RepositoryNotFound',
    retry: { type: 'never' },
  });
  await repositoryOf().open('create', []);
  secret('password', 'wrong horse');
  await expect(repositoryOf().open('create', [])).rejects.toMatchObject({
    code: 'RepositoryPasswordWrong',
    retry: { type: 'never' },
    message: expect.not.stringContaining('horse'),
  });
});

test('a server that is not there can be there later, and one that says no is believed; neither message has a secret', async () => {
  secret('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  secret('AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI');
  secret('repository', 'rest:http://user:pa55word@127.0.0.1:9/x');
  await expect(repositoryOf({ openTimeoutMs: 5000 }).open('create', [])).rejects.toMatchObject({
    code: 'RepositoryUnreachable',
    retry: { type: 'backoff' },
    message: expect.not.stringMatching(/pa55word|wJalr/),
  });
  const server = createServer((_, response) => response.writeHead(403).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    secret('repository', `rest:http://user:pa55word@127.0.0.1:${port}/x`);
    await expect(repositoryOf({ openTimeoutMs: 30_000 }).open('create', [])).rejects.toMatchObject({
      code: 'RepositoryDenied',
      retry: { type: 'never' },
      message: expect.not.stringContaining('pa55word'),
    });
  } finally {
    server.close();
  }
});

test('what a Secret may not say: another path, a program, an option of ssh', () => {
  for (const address of ['/etc', '/repository-of-others', '../x', 'rclone:remote:x', 'sftp:-oProxyCommand=x:/y', '']) {
    secret('repository', address);
    expect(credentials).toThrow(expect.objectContaining({ code: 'CredentialsInvalid' }));
  }
});

test.each(['RESTIC_PASSWORD_COMMAND', 'LD_PRELOAD'])('a Secret with %s is refused: it names a program', (key) => {
  secret(key, `touch ${join(work, 'started')}`);
  expect(credentials).toThrow(
    expect.objectContaining({ code: 'CredentialsInvalid', message: expect.stringContaining(key) }),
  );
});

test('a stream goes in and comes out; a stream that fails leaves no snapshot', async () => {
  const repository = repositoryOf();
  await repository.open('create', []);
  const { snapshotId } = await repository.backupStream('file', pieces('one ', 'two'), { tags: ['a', 'b'] });
  let text = '';
  for await (const piece of repository.dump(snapshotId, 'file')) text += piece.toString();
  expect(text).toBe('one two');
  async function* failing(): AsyncGenerator<Buffer, void> {
    yield* pieces('half');
    throw new Error('the source is gone');
  }
  await expect(repository.backupStream('file', failing(), { tags: ['a'] })).rejects.toThrow('the source is gone');
  expect(await repository.open('refuse', [['a', 'b']])).toMatchObject([{ id: snapshotId, tags: ['a', 'b'], bytes: 7 }]);
  expect(await repository.open('refuse', [['a']])).toHaveLength(1);
});

test('what is forgotten is gone with its data, and the rest is still whole', async () => {
  const repository = repositoryOf();
  await repository.open('create', []);
  const large = Array.from({ length: 200 }, (_, index) => `${index}${Math.random()}`.repeat(1000));
  const gone = await repository.backupStream('gone', pieces(...large), { tags: ['gone'] });
  const kept = await repository.backupStream('kept', pieces('kept'), { tags: ['kept'] });
  const before = sizeOf(join(given.path, 'data'));
  await repository.forget([gone.snapshotId]);
  await repository.forget([]);
  expect(sizeOf(join(given.path, 'data'))).toBeLessThan(before / 2);
  expect(await repository.open('refuse', [['kept']])).toMatchObject([{ id: kept.snapshotId }]);
  given.restic('check', '--read-data');
});

test('a pack with one byte changed is found out when it is read', async () => {
  const repository = repositoryOf();
  await repository.open('create', []);
  const { snapshotId } = await repository.backupStream('file', pieces('x'.repeat(100_000)), { tags: ['a'] });
  for (const pack of execFileSync('find', [join(given.path, 'data'), '-type', 'f'], { encoding: 'utf8' })
    .trim()
    .split('\n')) {
    const bytes = readFileSync(pack);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    execFileSync('chmod', ['u+w', pack]);
    writeFileSync(pack, bytes);
  }
  const read = async () => {
    for await (const _ of repository.dump(snapshotId, 'file'));
  };
  await expect(read()).rejects.toMatchObject({ code: 'RepositoryDamaged' });
});

test('a lock of a program of this host that was killed is taken away, one of another host is waited for', async () => {
  const repository = repositoryOf();
  await repository.open('create', []);
  const stuck = backupThatWaits();
  // What is being written has another name.
  const locks = () => readdirSync(join(given.path, 'locks')).filter((name) => /^[0-9a-f]{64}$/.test(name));
  await eventually('a lock', () => locks().length > 0);
  stuck.kill('SIGKILL');
  await new Promise((resolve) => stuck.once('exit', resolve));
  expect(locks()).toHaveLength(1);
  await repository.unlock();
  expect(locks()).toHaveLength(0);
  backupThatWaits();
  await eventually('a lock', () => locks().length > 0);
  await repository.unlock();
  expect(locks()).toHaveLength(1);
});

test('a work that is told to stop leaves no lock and no snapshot', async () => {
  await repositoryOf().open('create', []);
  const stop = new AbortController();
  async function* endless(): AsyncGenerator<Buffer, void> {
    for (;;) yield Buffer.alloc(65_536, Math.random().toString());
  }
  const running = repositoryOf({ signal: stop.signal }).backupStream('file', endless(), { tags: ['a'] });
  const failed = expect(running).rejects.toThrow('told to stop');
  try {
    await eventually('a lock', () => readdirSync(join(given.path, 'locks')).length > 0);
  } finally {
    stop.abort(new Error('told to stop'));
    await failed;
  }
  expect(readdirSync(join(given.path, 'locks'))).toEqual([]);
  expect(await repositoryOf().open('refuse', [['a']])).toEqual([]);
});

test('a restic that is too old, or none, is told of', async () => {
  const old = join(work, 'restic');
  writeFileSync(old, '#!/bin/sh\necho restic 0.16.4 compiled with go1.20\n', { mode: 0o755 });
  await expect(repositoryOf({ program: old }).open('create', [])).rejects.toThrow('0.17 or later is needed');
  await expect(repositoryOf({ program: join(work, 'none') }).open('create', [])).rejects.toMatchObject({
    code: 'ProgramMissing',
  });
});

function sizeOf(directory: string): number {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) =>
    statSync(join(directory, name)),
  );
  return files.filter((stats) => stats.isFile()).reduce((sum, { size }) => sum + size, 0);
}
