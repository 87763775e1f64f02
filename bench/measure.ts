/** The groups of figures: what is run for each, and what is made of it. */
import { bareScript } from './bare-script.ts';
import { type Figure, type FigureInput, figure, median, middlePair, type Pair } from './figures.ts';
import { archiveSource, instantSource, restoreSource } from './objects.ts';
import type { ClusterGroup } from './options.ts';
import { plainClaims, plainPods, plainRestores } from './passes.ts';
import { provideSnapshot } from './snapshot.ts';
import { failing, idle, manyNamespaces, thousands } from './scale.ts';
import { type Cost, type Plan, type Round, runRounds } from './rounds.ts';
import type { Bench, Subject } from './subject.ts';

type Summary = (rounds: readonly Round[], plan: Plan) => FigureInput[];

/** @returns the figures of one group. */
export async function measure(bench: Bench, group: ClusterGroup): Promise<Figure[]> {
  const { claims, pods } = bench.options;
  const ofClaims = { group, source: instantSource, floors: { 'plain claims': plainClaims, 'bare script': bareScript } };
  const ofPods = { group, source: archiveSource, floors: { 'plain pods': plainPods } };
  const run = async (plan: Plan, summary: Summary) => summary(await runRounds(bench, plan), plan).map(figure);
  switch (group) {
    case 'claim':
      return run({ ...ofClaims, count: 1, repeat: 7 }, oneClaim);
    case 'claims':
      return run({ ...ofClaims, count: claims, repeat: 1 }, manyClaims);
    case 'pod':
      return run({ ...ofPods, count: 1, repeat: 3 }, populatorPods);
    case 'pods':
      return run({ ...ofPods, count: pods, repeat: 1 }, populatorPods);
    case 'spread':
      return (await manyNamespaces(bench)).map(figure);
    case 'thousands':
      return (await thousands(bench)).map(figure);
    case 'idle':
      return (await idle(bench)).map(figure);
    case 'failing':
      return (await failing(bench)).map(figure);
    case 'restore': {
      await using _snapshot = await provideSnapshot(bench);
      const floors = { 'plain restores': plainRestores };
      return await run({ group, source: restoreSource, floors, count: 1, repeat: 7 }, oneRestore);
    }
  }
}

function oneClaim(rounds: readonly Round[]): FigureInput[] {
  const plain = compare(rounds, 'plain claims', 'seconds', ({ bound }) => bound);
  const script = compare(rounds, 'bare script', 'seconds', ({ bound }) => bound);
  return [
    { name: '1 claim, create to Bound, to the bare script', ...script, unit: 's' },
    { name: '1 claim, create to Bound, to a plain claim', ...plain, unit: 's' },
    ...firstAction(rounds, 'first action on 1 claim', 100),
  ];
}

/** A native restore is the driver's work and the way around it: what that way adds, in seconds. */
function oneRestore(rounds: readonly Round[]): FigureInput[] {
  const { value, floor } = compare(rounds, 'plain restores', 'seconds', ({ bound }) => bound);
  return [
    { name: '1 native restore, create to Bound, to a plain claim of the same snapshot', value, floor, unit: 's' },
    { name: '1 native restore, what it adds to a plain claim', value: value - floor, unit: 's', target: 0.3 },
    ...requests(rounds, 1, { path: 'native restore', mostWrites: 16 }),
  ];
}

function manyClaims(rounds: readonly Round[], plan: Plan): FigureInput[] {
  const { count } = plan;
  const plain = compare(rounds, 'plain claims', 'seconds', ({ bound }) => bound);
  const script = compare(rounds, 'bare script', 'seconds', ({ bound }) => bound);
  const rest = compare(rounds, 'plain claims', 'seconds', ({ atRest }) => atRest);
  const cpu = compare(rounds, 'bare script', 'cpuMs', ({ boundCpuMs }) => boundCpuMs);
  return [
    { name: `${count} claims, create to Bound, to the bare script`, ...script, unit: 's', target: 1.3 },
    { name: `${count} claims, create to Bound, to plain claims`, ...plain, unit: 's', target: 3 },
    { name: `${count} claims, until at rest, to plain claims`, ...rest, unit: 's' },
    { name: `${count} claims, CPU time until Bound, to the bare script`, ...cpu, unit: 'ms' },
    ...firstAction(rounds, `first action on ${count} claims at once`),
    ...requests(rounds, count, { path: 'pod-less', mostWrites: 12 }),
    ...memory(rounds),
  ];
}

function populatorPods(rounds: readonly Round[], { count }: Plan): FigureInput[] {
  const name = count === 1 ? '1 populator pod' : `${count} populator pods`;
  const bound = compare(rounds, 'plain pods', 'seconds', (subject) => subject.bound);
  const rest = compare(rounds, 'plain pods', 'seconds', (subject) => subject.atRest);
  return [
    { name: `${name}, create to Bound, to plain pods`, ...bound, unit: 's', target: 1.15 },
    { name: `${name}, until at rest, to plain pods`, ...rest, unit: 's' },
    ...requests(rounds, count, { path: `${count} with a pod`, mostWrites: 14 }),
  ];
}

/** Value and floor of the round whose ratio is the median: both met the same machine. */
function compare(rounds: readonly Round[], floor: string, cost: keyof Cost, of: (subject: Subject) => number): Pair {
  return middlePair(
    rounds.map(({ floors, subjects }) => ({
      value: median(subjects.map(of)),
      floor: floors.get(floor)?.[cost] ?? Number.NaN,
    })),
  );
}

function firstAction(rounds: readonly Round[], name: string, target?: number): FigureInput[] {
  const times = subjectsOf(rounds).flatMap(({ firstActions }) => firstActions);
  if (times.length === 0) return [];
  return [{ name, value: median(times), unit: 'ms', ...(target !== undefined && { target }) }];
}

/** The controller's requests to the API server. */
function requests(
  rounds: readonly Round[],
  claims: number,
  { path, mostWrites }: { readonly path: string; readonly mostWrites: number },
): FigureInput[] {
  const counts = subjectsOf(rounds).flatMap((subject) => subject.requests ?? []);
  if (counts.length === 0) return [];
  const perClaim = (kind: 'writes' | 'events' | 'reads') => ({
    value: median(counts.map((count) => count[kind])) / claims,
    unit: 'requests' as const,
  });
  return [
    { name: `API writes per claim, ${path}`, ...perClaim('writes'), target: mostWrites },
    { name: `events per claim, ${path}`, ...perClaim('events'), target: 4 },
    { name: `API reads per claim, ${path}`, ...perClaim('reads') },
  ];
}

function memory(rounds: readonly Round[]): FigureInput[] {
  const megabytes = (of: 'now' | 'peak') => median(subjectsOf(rounds).map((subject) => subject.memory[of]));
  return [
    { name: 'controller RSS, peak', value: megabytes('peak'), unit: 'MB', target: 150 },
    { name: 'controller RSS, at rest afterwards', value: megabytes('now'), unit: 'MB' },
  ];
}

function subjectsOf(rounds: readonly Round[]): readonly Subject[] {
  return rounds.flatMap(({ subjects }) => subjects);
}
