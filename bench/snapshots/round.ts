/** One round: a capture, another after a hundredth of the files changed, and restores, by the pod and by hand, all on fresh file systems. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { testRepository } from '../../test/support/restic.ts';
import { type Command, type Run, runCommand } from '../data-path/commands.ts';
import type { BenchVolume } from '../data-path/volume.ts';
import { capture, captureByHand, type Cost, manifestAlone, restore, restoreByHand, type Side } from './commands.ts';
import { changeTree, copyTree } from './tree.ts';

export interface Pairing {
  readonly volprime: Run;
  readonly byHand: Run;
}

export interface Captured extends Pairing {
  /** What making and storing the manifest costs when nothing else is done. */
  readonly manifest: Cost;
  /** MB by which each repository grew. */
  readonly added: { readonly volprime: number; readonly byHand: number };
}

export interface Round {
  readonly first: Captured;
  readonly incremental: Captured;
  /** Without comparing. */
  readonly restore: Pairing;
  readonly verified: Run;
}

export interface Ground {
  readonly source: BenchVolume;
  readonly target: BenchVolume;
  /** Counted from 0. */
  readonly round: number;
}

export async function runRound({ source, target, round }: Ground): Promise<Round> {
  source.renew();
  const tree = source.mountPoint;
  copyTree(tree);
  await toRest();
  const work = join(source.scratch, `round-${round}`);
  const byHand = sideIn(join(work, 'by-hand'));
  byHand.repository.restic('init');
  // A repository derives its key at a cost that was measured when it was made: both sides have the same.
  const volprime = copyOf(byHand, join(work, 'volprime'));
  const reversed = round % 2 === 1;
  const captures = async (key: string): Promise<Captured> => {
    const alone = copyOf(volprime, join(work, `manifest-of-${key}`));
    source.remount();
    const manifest = await manifestAlone(alone, tree);
    const before = sizes(volprime, byHand);
    const commands = { volprime: capture(volprime, tree, key), byHand: captureByHand(byHand, tree) };
    const runs = await inTurn(commands, reversed, () => source.remount());
    const after = sizes(volprime, byHand);
    return {
      ...runs,
      manifest,
      added: { volprime: after.volprime - before.volprime, byHand: after.byHand - before.byHand },
    };
  };
  const first = await captures('first');
  changeTree(tree, `round ${round}`);
  const incremental = await captures('incremental');
  const into = target.mountPoint;
  const restores = {
    volprime: restore(volprime, 'incremental', into, false),
    byHand: restoreByHand(byHand, into),
  };
  const restored = await inTurn(restores, reversed, () => target.renew());
  target.renew();
  const verified = await runCommand(restore(volprime, 'incremental', into, true));
  requireSame(tree, into);
  execFileSync('rm', ['-rf', work]);
  return { first, incremental, restore: restored, verified };
}

async function inTurn(
  commands: { readonly volprime: Command; readonly byHand: Command },
  reversed: boolean,
  prepare: () => void,
): Promise<Pairing> {
  const run = async (command: Command) => {
    prepare();
    return runCommand(command);
  };
  if (!reversed) return { volprime: await run(commands.volprime), byHand: await run(commands.byHand) };
  const byHand = await run(commands.byHand);
  return { volprime: await run(commands.volprime), byHand };
}

/** A capture believes the times of no file that was written to in the last two seconds before it. */
function toRest(): Promise<void> {
  return delay(2500);
}

function sideIn(directory: string): Side {
  const scratch = join(directory, 'scratch');
  mkdirSync(scratch, { recursive: true });
  return { repository: testRepository(directory), scratch };
}

/** With a cache of its own, which is empty. */
function copyOf({ repository }: Side, directory: string): Side {
  const copy = sideIn(directory);
  cpSync(repository.path, copy.repository.path, { recursive: true });
  return copy;
}

function sizes(volprime: Side, byHand: Side): { volprime: number; byHand: number } {
  return { volprime: sizeOf(volprime), byHand: sizeOf(byHand) };
}

/** MB. */
function sizeOf({ repository }: Side): number {
  const bytes = execFileSync('du', ['--summarize', '--bytes', repository.path], { encoding: 'utf8' });
  return Number.parseInt(bytes, 10) / 1e6;
}

/** What is fast and wrong is no figure. */
function requireSame(tree: string, restored: string): void {
  execFileSync('diff', ['--recursive', '--brief', '--exclude', 'lost+found', tree, restored], { stdio: 'inherit' });
}
