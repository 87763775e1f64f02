/** The four groups of figures: what is run, in which order, and what is made of it. */
import type { DataSourceRef } from '../src/api/objects.ts';
import { bareScript } from './bare-script.ts';
import { type Figure, type FigureInput, figure, median } from './figures.ts';
import { archiveSource, instantSource } from './objects.ts';
import type { Group } from './options.ts';
import { type Pass, plainClaims, plainPods } from './passes.ts';
import { type Site, sweep } from './site.ts';
import { type Bench, type Subject, subjectPasses } from './subject.ts';

type Floor = (site: Site, pass: Pass) => Promise<number>;

interface Plan {
  readonly group: Group;
  /** Claims of one pass. */
  readonly count: number;
  /** Passes in a row; single claims take so little time that one alone says nothing. */
  readonly repeat: number;
  readonly source: DataSourceRef;
  readonly floors: Readonly<Record<string, Floor>>;
}

interface Measured {
  /** Median seconds, by floor. */
  readonly floors: ReadonlyMap<string, number>;
  readonly subjects: readonly Subject[];
}

/** Floors and Volprime in turn, so that what else the machine does meets all of them. */
async function inTurn(bench: Bench, { group, count, repeat, source, floors }: Plan): Promise<Measured> {
  const { site, options, say } = bench;
  const times = new Map(Object.keys(floors).map((name) => [name, [] as number[]]));
  const subjects: Subject[] = [];
  const passesOf = (prefix: string) =>
    Array.from({ length: repeat }, (_, index) => ({
      prefix: `${prefix}-${index}`,
      count,
      storageClass: options.storageClass,
    }));
  for (let round = 1; round <= options.rounds; round++) {
    for (const [name, floor] of Object.entries(floors)) {
      for (const pass of passesOf(`${group}-${name.replaceAll(' ', '-')}-${round}`)) {
        times.get(name)?.push(await floor(site, pass));
        await sweep(site);
      }
    }
    subjects.push(...(await subjectPasses(bench, source, passesOf(`${group}-${round}`))));
    say(`  round ${round} of ${options.rounds}: ${roundText(times, subjects, repeat)}`);
  }
  return { floors: new Map([...times].map(([name, seconds]) => [name, median(seconds)])), subjects };
}

function roundText(
  floors: ReadonlyMap<string, readonly number[]>,
  subjects: readonly Subject[],
  repeat: number,
): string {
  const ours = subjects.map(({ bound }) => bound);
  const last = (seconds: readonly number[]) => `${median(seconds.slice(-repeat)).toFixed(3)} s`;
  return [...floors, ['volprime', ours] as const].map(([name, seconds]) => `${name} ${last(seconds)}`).join(', ');
}

type Summary = (measured: Measured, plan: Plan) => FigureInput[];

/** What every group states about the controller's requests. */
function requestFigures({ subjects }: Measured, { count }: Plan, path: string, mostWrites: number): FigureInput[] {
  const counts = subjects.flatMap(({ requests }) => requests ?? []);
  if (counts.length === 0) return [];
  const each = (of: (counted: (typeof counts)[number]) => number) => median(counts.map(of)) / count;
  return [
    {
      name: `API writes per claim, ${path}`,
      value: each(({ writes }) => writes),
      unit: 'requests',
      target: mostWrites,
    },
    { name: `events per claim, ${path}`, value: each(({ events }) => events), unit: 'requests', target: 4 },
    { name: `API reads per claim, ${path}`, value: each(({ reads }) => reads), unit: 'requests' },
  ];
}

function firstActionFigure({ subjects }: Measured, name: string, target?: number): FigureInput[] {
  const times = subjects.flatMap(({ firstActions }) => firstActions);
  return times.length === 0
    ? []
    : [{ name, value: median(times), unit: 'ms', ...(target !== undefined && { target }) }];
}

const seconds = (subjects: readonly Subject[], of: 'bound' | 'atRest') =>
  median(subjects.map((subject) => subject[of]));

function claimFigures(measured: Measured, plan: Plan): FigureInput[] {
  const { floors, subjects } = measured;
  const name = plan.count === 1 ? '1 claim' : `${plan.count} claims`;
  const value = seconds(subjects, 'bound');
  const floor = (of: string) => floors.get(of) ?? Number.NaN;
  const many = plan.group === 'claims';
  return [
    {
      name: `${name}, create to Bound, to the bare script`,
      value,
      unit: 's',
      floor: floor('bare script'),
      ...(many && { target: 1.3 }),
    },
    {
      name: `${name}, create to Bound, to plain claims`,
      value,
      unit: 's',
      floor: floor('plain claims'),
      ...(many && { target: 3 }),
    },
    {
      name: `${name}, until at rest, to plain claims`,
      value: seconds(subjects, 'atRest'),
      unit: 's',
      floor: floor('plain claims'),
    },
    ...firstActionFigure(measured, `first action, ${name}`, many ? undefined : 100),
    ...(many ? requestFigures(measured, plan, 'pod-less', 12) : []),
    ...(many ? memoryFigures(measured) : []),
  ];
}

function memoryFigures({ subjects }: Measured): FigureInput[] {
  const megabytes = (of: 'now' | 'peak') => median(subjects.map(({ memory }) => memory[of]));
  return [
    { name: 'controller RSS, peak', value: megabytes('peak'), unit: 'MB', target: 150 },
    { name: 'controller RSS, at rest afterwards', value: megabytes('now'), unit: 'MB' },
  ];
}

function podFigures(measured: Measured, plan: Plan): FigureInput[] {
  const { floors, subjects } = measured;
  const name = plan.count === 1 ? '1 populator pod' : `${plan.count} populator pods`;
  const floor = floors.get('plain pods') ?? Number.NaN;
  return [
    {
      name: `${name}, create to Bound, to plain pods`,
      value: seconds(subjects, 'bound'),
      unit: 's',
      floor,
      target: 1.15,
    },
    { name: `${name}, until at rest, to plain pods`, value: seconds(subjects, 'atRest'), unit: 's', floor },
    ...requestFigures(measured, plan, `${plan.count} with pods`, 14),
  ];
}

/** @returns the figures of one group. */
export async function measure(bench: Bench, group: Group): Promise<Figure[]> {
  const { claims, pods } = bench.options;
  const claimFloors = { 'plain claims': plainClaims, 'bare script': bareScript };
  const podFloors = { 'plain pods': plainPods };
  const ofClaims = { group, source: instantSource, floors: claimFloors };
  const ofPods = { group, source: archiveSource, floors: podFloors };
  const run = async (plan: Plan, summary: Summary) => summary(await inTurn(bench, plan), plan).map(figure);
  switch (group) {
    case 'claim':
      return run({ ...ofClaims, count: 1, repeat: 7 }, claimFigures);
    case 'claims':
      return run({ ...ofClaims, count: claims, repeat: 1 }, claimFigures);
    case 'pod':
      return run({ ...ofPods, count: 1, repeat: 3 }, podFigures);
    case 'pods':
      return run({ ...ofPods, count: pods, repeat: 1 }, podFigures);
  }
}
