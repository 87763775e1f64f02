/** Passes of Volprime itself: a controller of its own for each, warmed up, so that it does not disturb the floors. */
import type { DataSourceRef } from '../src/api/objects.ts';
import { countRequests, type RequestCount } from './audit-log.ts';
import { ControllerProcess, type Memory } from './controller-process.ts';
import { cpuMs } from './cpu.ts';
import type { Ground } from './ground.ts';
import { instantSource } from './objects.ts';
import type { Options } from './options.ts';
import { type Pass, populated, type PopulatedTimes } from './passes.ts';
import { type Site, sweep } from './site.ts';
import { firstActionMs, timelineOf } from './timeline.ts';

export interface Bench {
  readonly site: Site;
  readonly ground: Ground;
  readonly options: Options;
  /** For progress. */
  readonly say: (line: string) => void;
}

/** What one pass showed. */
export interface Subject extends PopulatedTimes {
  /** CPU time of cluster and controller until the last claim was Bound. */
  readonly boundCpuMs: number;
  readonly memory: Memory;
  /** Of all its claims together; undefined without an audit log. */
  readonly requests: RequestCount | undefined;
  /** Of each claim: from its create call to our first write on it, in milliseconds. */
  readonly firstActions: readonly number[];
}

export const AGENT = 'volprime-controller';
/** Claims populated before anything counts: connections open, code compiled. */
const WARM_UP = 16;

/** Runs that many passes, one after the other, with one controller. */
export async function subjectPasses(bench: Bench, source: DataSourceRef, passes: readonly Pass[]): Promise<Subject[]> {
  const { ground, options } = bench;
  await using controller = await ControllerProcess.start({ kubeconfig: ground.kubeconfig, profile: options.profile });
  await warmUp(bench);
  const subjects: Subject[] = [];
  for (const pass of passes) subjects.push(await subjectPass(bench, source, pass, controller));
  return subjects;
}

/** Leaves a controller that has done everything once, and removes all claims that are there. */
export async function warmUp({ site, options }: Bench): Promise<void> {
  await populated(site, instantSource, { prefix: 'warm-up', count: WARM_UP, storageClass: options.storageClass });
  await sweep(site);
}

async function subjectPass(
  { site, ground, options }: Bench,
  source: DataSourceRef,
  pass: Pass,
  controller: ControllerProcess,
): Promise<Subject> {
  const startedAt = Date.now();
  const cpu = () => cpuMs([...ground.processes, process.pid, controller.pid]);
  const cpuBefore = await cpu();
  let cpuAfter = cpuBefore;
  const times = await populated(site, source, pass, async () => {
    cpuAfter = await cpu();
  });
  const memory = await controller.memory();
  const log = await ground.audit?.since(startedAt);
  if (options.timeline && log !== undefined) process.stdout.write(`${timelineOf(log, `${pass.prefix}-000`)}\n`);
  await sweep(site);
  return {
    ...times,
    boundCpuMs: cpuAfter - cpuBefore,
    memory,
    requests: log && countRequests(log, AGENT),
    firstActions: log === undefined ? [] : firstActionMs(log, AGENT, pass.prefix),
  };
}
