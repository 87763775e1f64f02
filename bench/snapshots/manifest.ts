/**
 * `node manifest.ts TREE`: makes the manifest of a tree and stores it as a capture does, and nothing else; prints what that costs, without the start
 * of this program and the opening of the repository, which a capture needs anyway.
 */
import { findEarlier, MANIFEST_FILE, tagsOfClaim } from '../../src/plugins/snapshot-capture/captures.ts';
import { makeScratch, openRepository } from '../../src/plugins/snapshot-capture/work.ts';
import type { Repository } from '../../src/restic/index.ts';
import { describeTree, type EarlierManifest } from '../../src/tree/index.ts';
import { cpuMsOfChildren } from '../cpu.ts';
import { CLAIM_UID, type Cost } from './commands.ts';

async function makeManifest(tree: string): Promise<Cost> {
  using scratch = makeScratch();
  const { signal } = new AbortController();
  const silent = () => undefined;
  const { repository, listed } = await openRepository(
    {
      repositorySecretDir: variable('VOLPRIME_REPOSITORY_SECRET_DIR'),
      repositoryDir: variable('VOLPRIME_REPOSITORY_DIR'),
      logger: { debug: silent, info: silent, warn: silent, error: silent },
      onProgress: silent,
      signal,
    },
    { scratch, absent: 'refuse', wanted: [tagsOfClaim(CLAIM_UID)] },
  );
  const [startedAt, cpuBefore] = [performance.now(), cpuMs()];
  const description = await describeTree({ root: tree, scratch: scratch.path, live: false, signal });
  await description.read(earlierOf(repository, findEarlier(listed, CLAIM_UID).capture?.manifest));
  const manifest = await description.complete({
    manifest: 'volprime',
    version: 1,
    kind: 'directory',
    about: {},
    startedAt: new Date().toISOString(),
  });
  await repository.backupStream(MANIFEST_FILE, manifest.text(), { tags: ['bench'] });
  return { seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (cpuMs() - cpuBefore) / 1000 };
}

function earlierOf(repository: Repository, snapshot: string | undefined): EarlierManifest | undefined {
  if (snapshot === undefined) return undefined;
  return {
    text: repository.dump(snapshot, MANIFEST_FILE),
    onUnreadable(error) {
      throw error;
    },
  };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 + cpuMsOfChildren();
}

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

const [tree] = process.argv.slice(2);
if (tree === undefined) throw new Error('usage: node manifest.ts TREE');
process.stdout.write(JSON.stringify(await makeManifest(tree)));
