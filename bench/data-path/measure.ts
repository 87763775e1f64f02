/** Volprime and its floors in turn, round by round, each on a fresh file system; ratios are of one and the same round, medians count. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Figure, figure, median } from '../figures.ts';
import { type Case, cases, type Floor, type Place } from './cases.ts';
import { type Command, installed, prepareCommands, type Run, runCommand } from './commands.ts';
import { dataDir, provideData } from './data-sets.ts';
import { startFileServer } from './server.ts';
import { type BenchVolume, openVolume } from './volume.ts';

export interface DataPathOptions {
  readonly rounds: number;
  /** Only cases whose name begins like this. */
  readonly only: string | undefined;
  readonly say: (line: string) => void;
}

/** MiB, whatever the size of the archive. */
const PEAK_RSS = 160;

export async function measureDataPath({ rounds, only, say }: DataPathOptions): Promise<Figure[]> {
  const wanted = cases.filter(({ name }) => only === undefined || name.startsWith(only));
  provideData(new Set(wanted.map(({ set }) => set)), say);
  const chosen = wanted.filter(({ name, file }) => {
    const there = existsSync(join(dataDir, file));
    if (!there) say(`  ${name}: left out, since no program here makes ${file}`);
    return there;
  });
  await prepareCommands();
  await using server = await startFileServer();
  const figures: Figure[] = [];
  for (const one of chosen) {
    using volume = openVolume({ onDisk: one.onDisk });
    const place: Place = { ...server, directory: volume.mountPoint, device: volume.device, scratch: volume.scratch };
    figures.push(...(await measureCase(withFloorsOf(one, say), { volume, place, rounds, say })));
  }
  return figures;
}

/** With the floors whose programs this machine has. */
function withFloorsOf(one: Case, say: (line: string) => void): Case {
  const floors = one.floors.filter(({ name, programs }) => {
    const missing = programs.filter((program) => !installed(program));
    if (missing.length > 0) say(`  ${one.name}: ${name} is left out, since this machine lacks ${missing.join(', ')}`);
    return missing.length === 0;
  });
  return { ...one, floors };
}

interface Ground {
  readonly volume: BenchVolume;
  readonly place: Place;
  readonly rounds: number;
  readonly say: (line: string) => void;
}

async function measureCase(one: Case, { volume, place, rounds, say }: Ground): Promise<Figure[]> {
  const ours: Run[] = [];
  const floors = new Map<Floor, Run[]>(one.floors.map((floor) => [floor, []]));
  for (let round = 0; round < rounds; round++) {
    const turns: [Run[], Command][] = [[ours, one.volprime(place)]];
    for (const [floor, runs] of floors) turns.push([runs, floor.command(place)]);
    // What grows or shrinks during a round meets all alike.
    for (const [runs, command] of round % 2 === 0 ? turns : turns.toReversed()) {
      if (one.target === 'directory') volume.renew();
      runs.push(await runCommand(command));
    }
    const texts = [...floors].map(([{ name }, runs]) => `${name} ${runs.at(-1)?.seconds.toFixed(2)} s`);
    say(
      `  ${one.name}, round ${round + 1} of ${rounds}: volprime ${ours.at(-1)?.seconds.toFixed(2)} s, ${texts.join(', ')}`,
    );
  }
  return figuresOf(one, ours, floors);
}

function figuresOf(one: Case, ours: readonly Run[], floors: ReadonlyMap<Floor, readonly Run[]>): Figure[] {
  const value = median(ours.map(({ seconds }) => seconds));
  const best = [...floors]
    .filter(([{ kind }]) => kind === 'best')
    .sort(([, a], [, b]) => medianOf(a) - medianOf(b))[0]?.[0];
  const rows = [...floors].map(([floor, runs]) => {
    const ratio = median(runs.map(({ seconds }, round) => (ours[round]?.seconds ?? 0) / seconds));
    const speed = floor.kind === 'usual' || floor === best ? floor.speed : undefined;
    return figure({
      name: `${one.name}: ${floor.name}`,
      value,
      unit: 's',
      floor: value / ratio,
      ...(speed !== undefined && { target: Number((1 / speed).toPrecision(3)) }),
    });
  });
  const memory = figure({
    name: `${one.name}: peak RSS`,
    value: Math.max(...ours.map(({ peakRss }) => peakRss)),
    unit: 'MB',
    target: PEAK_RSS,
  });
  return [...rows, memory];
}

function medianOf(runs: readonly Run[]): number {
  return median(runs.map(({ seconds }) => seconds));
}
