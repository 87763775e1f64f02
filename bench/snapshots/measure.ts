/** The group "snapshots": captures and restores by the pod's program against restic by hand, on the same tree, round by round. */
import { resticInPath } from '../../test/support/restic.ts';
import { prepareCommands } from '../data-path/commands.ts';
import { openVolume } from '../data-path/volume.ts';
import { type Figure, type FigureInput, figure, median, middlePair, type Pair } from '../figures.ts';
import type { Cost } from './commands.ts';
import { type Captured, type Pairing, type Round, runRound } from './round.ts';
import { provideTree } from './tree.ts';

export interface SnapshotsOptions {
  readonly rounds: number;
  readonly say: (line: string) => void;
}

/** Without manifest and without reading again. */
const TARGET = 1.1;

export async function measureSnapshots({ rounds, say }: SnapshotsOptions): Promise<Figure[]> {
  await resticInPath();
  await prepareCommands();
  provideTree(say);
  using source = openVolume({ onDisk: false });
  using target = openVolume({ onDisk: false });
  const done: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const one = await runRound({ source, target, round });
    done.push(one);
    const steps = { capture: one.first, 'incremental capture': one.incremental, restore: one.restore };
    for (const [name, { volprime, byHand }] of Object.entries(steps)) {
      say(`  round ${round + 1} of ${rounds}, ${name}: volprime ${inWords(volprime)}, by hand ${inWords(byHand)}`);
    }
  }
  return [
    ...ofCaptures('first capture', done, ({ first }) => first),
    ...ofCaptures('incremental capture', done, ({ incremental }) => incremental),
    ...ofRestores(done),
    ...memory(done),
  ].map(figure);
}

function inWords({ seconds, cpuSeconds }: Cost): string {
  return `${seconds.toFixed(2)} s (CPU ${cpuSeconds.toFixed(2)} s)`;
}

/**
 * The manifest is made beside the data, so its time cannot be taken off the time of the whole, and only its CPU time can.
 */
function ofCaptures(name: string, rounds: readonly Round[], of: (round: Round) => Captured): FigureInput[] {
  const captures = rounds.map(of);
  const without = ({ volprime, byHand, manifest }: Captured): Pair => ({
    value: volprime.cpuSeconds - manifest.cpuSeconds,
    floor: byHand.cpuSeconds,
  });
  return [
    ...both(name, captures),
    {
      name: `${name}: CPU time without the manifest`,
      ...middlePair(captures.map(without)),
      unit: 's',
      target: TARGET,
    },
    ...cost(
      `${name}: the manifest by itself`,
      captures.map(({ manifest }) => manifest),
    ),
    { name: `${name}: added to the repository`, ...middlePair(captures.map(addedOf)), unit: 'MB' },
  ];
}

function addedOf({ added }: Captured): Pair {
  return { value: added.volprime, floor: added.byHand };
}

function ofRestores(rounds: readonly Round[]): FigureInput[] {
  const plain = rounds.map(({ restore }) => restore);
  const verified = rounds.map(({ restore, verified: volprime }) => ({ volprime, byHand: restore.byHand }));
  const added = rounds.map(({ restore, verified: run }) => ({
    seconds: run.seconds - restore.volprime.seconds,
    cpuSeconds: run.cpuSeconds - restore.volprime.cpuSeconds,
  }));
  return [
    ...both('restore that is not compared', plain, TARGET),
    ...both('restore', verified),
    ...cost('restore: reading again and comparing', added),
  ];
}

function both(name: string, pairs: readonly Pairing[], target?: number): FigureInput[] {
  const of = (cost: keyof Cost) =>
    middlePair(pairs.map(({ volprime, byHand }) => ({ value: volprime[cost], floor: byHand[cost] })));
  const rest = { unit: 's', ...(target !== undefined && { target }) } as const;
  return [
    { name, ...of('seconds'), ...rest },
    { name: `${name}: CPU time`, ...of('cpuSeconds'), ...rest },
  ];
}

function cost(name: string, costs: readonly Cost[]): FigureInput[] {
  return [
    { name, value: median(costs.map(({ seconds }) => seconds)), unit: 's' },
    { name: `${name}, CPU time`, value: median(costs.map(({ cpuSeconds }) => cpuSeconds)), unit: 's' },
  ];
}

function memory(rounds: readonly Round[]): FigureInput[] {
  const peak = (name: string, runs: readonly Pairing[]): FigureInput => ({
    name: `${name}: peak RSS, the pod's program and restic together`,
    value: Math.max(...runs.map(({ volprime }) => volprime.peakRssOfAll)),
    floor: Math.max(...runs.map(({ byHand }) => byHand.peakRssOfAll)),
    unit: 'MB',
  });
  return [
    peak(
      'first capture',
      rounds.map(({ first }) => first),
    ),
    peak(
      'restore',
      rounds.map(({ restore, verified }) => ({ volprime: verified, byHand: restore.byHand })),
    ),
  ];
}
