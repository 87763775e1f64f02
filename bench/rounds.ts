/** Floors and Volprime in turn, round by round, so that what else the machine does meets all of them. */
import type { DataSourceRef } from '../src/api/objects.ts';
import { cpuMs } from './cpu.ts';
import { median } from './figures.ts';
import type { ClusterGroup } from './options.ts';
import type { Pass } from './passes.ts';
import { type Site, sweep } from './site.ts';
import { type Bench, type Subject, subjectPasses } from './subject.ts';

/** What one pass of a floor or of Volprime cost. */
export interface Cost {
  readonly seconds: number;
  /** CPU time of cluster and populator. */
  readonly cpuMs: number;
}

export type Floor = (site: Site, pass: Pass) => Promise<number>;

export interface Plan {
  readonly group: ClusterGroup;
  /** Claims of one pass. */
  readonly count: number;
  /** Passes in a row; a single claim takes so little time that one alone says nothing. */
  readonly repeat: number;
  readonly source: DataSourceRef;
  readonly floors: Readonly<Record<string, Floor>>;
}

export interface Round {
  /** Medians over the round's passes, by floor. */
  readonly floors: ReadonlyMap<string, Cost>;
  readonly subjects: readonly Subject[];
}

export async function runRounds(bench: Bench, plan: Plan): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  for (let number = 1; number <= bench.options.rounds; number++) {
    const floors = new Map<string, Cost>();
    for (const [name, floor] of Object.entries(plan.floors)) {
      const passes = passesOf(bench, plan, `${plan.group}-${name.replaceAll(' ', '-')}-${number}`);
      floors.set(name, await floorCost(bench, floor, passes));
    }
    const subjects = await subjectPasses(bench, plan.source, passesOf(bench, plan, `${plan.group}-${number}`));
    const round = { floors, subjects };
    bench.say(`  round ${number} of ${bench.options.rounds}: ${roundText(round)}`);
    rounds.push(round);
  }
  return rounds;
}

function passesOf({ options }: Bench, { repeat, count }: Plan, prefix: string): Pass[] {
  const { storageClass } = options;
  return Array.from({ length: repeat }, (_, index) => ({ prefix: `${prefix}-${index}`, count, storageClass }));
}

async function floorCost({ site, ground }: Bench, floor: Floor, passes: readonly Pass[]): Promise<Cost> {
  const seconds: number[] = [];
  const cpu: number[] = [];
  for (const pass of passes) {
    const before = await cpuMs([...ground.processes, process.pid]);
    seconds.push(await floor(site, pass));
    cpu.push((await cpuMs([...ground.processes, process.pid])) - before);
    await sweep(site);
  }
  return { seconds: median(seconds), cpuMs: median(cpu) };
}

function roundText({ floors, subjects }: Round): string {
  const times = [...floors].map(([name, { seconds }]) => `${name} ${seconds.toFixed(3)} s`);
  return [...times, `volprime ${median(subjects.map(({ bound }) => bound)).toFixed(3)} s`].join(', ');
}
