/** The stock controller, as a process of its own, with a snapshot plugin that it was given by path; beside upstream's snapshot controller. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { volumeSnapshots } from '../../src/api/snapshots.ts';
import { ownProgram, type Program } from '../e2e/harness/program.ts';
import { eventually } from '../support/eventually.ts';
import { DRIVER, SnapshotGround } from './snapshot-ground.ts';

jest.setTimeout(120_000);

const projectDir = join(import.meta.dirname, '../..');
const sample = join(projectDir, 'samples/plugins/directory-snapshots');

let ground: SnapshotGround;
let program: Program;

beforeAll(async () => {
  [ground, program] = await Promise.all([SnapshotGround.create(), ownProgram()]);
  await ground.installAllCrds();
  await ground.startUpstream();
});
afterAll(() => ground.close());

interface Running extends AsyncDisposable {
  readonly child: ChildProcess;
  output(): string;
}

/** As the image starts it, but for the way in which `volprime` is found. */
function controller(...plugins: readonly string[]): Running {
  const hook = join(projectDir, 'test/e2e/harness/resolve-volprime.mjs');
  const flags = [
    '--no-leader-elect',
    '--health-port=0',
    '--metrics-port=0',
    '--log-level=debug',
    '--populator-image=localhost/none:1',
  ];
  const args = [`--kubeconfig=${ground.kubeconfig}`, `--plugin=${plugins.join(',')}`, ...flags];
  const child = spawn(process.execPath, ['--import', hook, program.controller, ...args], {
    env: { PATH: process.env['PATH'], VOLPRIME_E2E_SDK: program.sdk, VOLPRIME_DIRECTORY_ROOT: ground.root },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (more: string) => (text += more));
  return {
    child,
    output: () => text,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

test('a VolumeSnapshot of its driver is captured and deleted by the stock controller', async () => {
  await using running = controller(join(sample, 'plugin.ts'));
  const namespace = await ground.newNamespace();
  const claim = await ground.aClaim(namespace, 'data', { greeting: 'hello' });
  const snapshotClass = parse(readFileSync(join(sample, 'class.yaml'), 'utf8')) as { readonly driver: string };
  expect(snapshotClass.driver).toBe(DRIVER);
  const volumeSnapshotClassName = await ground.aClass();
  const asked = await ground.aSnapshot(namespace, 'first', {
    volumeSnapshotClassName,
    source: { persistentVolumeClaimName: claim.metadata.name },
  });
  await ground.ready(namespace, 'first');
  const copy = join(ground.root, 'snapshots', asked.metadata.uid);
  expect(readFileSync(join(copy, 'greeting'), 'utf8')).toBe('hello');
  expect(running.output()).toMatch(/"plugins":\[[^\]]*"directory-snapshots","snapshot-capture"\]/);
  await ground.delete(volumeSnapshots, asked);
  await ground.gone(volumeSnapshots, asked);
  await eventually('the copy to be gone', () => !existsSync(copy));
});

test('two files that serve one driver keep it from starting, in one line that names both', async () => {
  const path = join(sample, 'plugin.ts');
  await using running = controller(path, path);
  const code = await eventually(
    'the controller to end',
    () => running.child.exitCode,
    (exit) => exit !== null,
  );
  expect(code).toBe(1);
  expect(running.output()).toBe(
    `volprime-controller: plugin files ${path} and ${path}: both serve driver ${DRIVER} (InvalidPlugin)\n`,
  );
});
