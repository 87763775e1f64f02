/** Figures about size: many namespaces, thousands of claims, a large cluster in which nothing happens, and claims that keep failing. */
import { setTimeout as delay } from 'node:timers/promises';
import { claims } from '../src/api/resources.ts';
import { providers } from '../src/api/provider.ts';
import { countRequests } from './audit-log.ts';
import { ControllerProcess } from './controller-process.ts';
import { cpuMs } from './cpu.ts';
import type { FigureInput } from './figures.ts';
import { failingSource, instantSource, NAMESPACE, namesOf, newClaim, newProvider } from './objects.ts';
import { allSeen } from './observer.ts';
import { populated } from './passes.ts';
import { createAll, openSite, sweep } from './site.ts';
import { AGENT, type Bench, warmUp } from './subject.ts';

const NAMESPACES = 20;
const THOUSANDS = 2000;
const IDLE = { claims: 5000, providers: 500 } as const;
const FAILING = 100;
const MINUTE_MS = 60_000;

/** 200 claims over 20 namespaces, two replicas of which one leads; floor: the same claims in one namespace with one. */
export async function manyNamespaces(bench: Bench): Promise<FigureInput[]> {
  const { ground, options, site } = bench;
  const { claims: count, storageClass } = options;
  const one = await withController(bench, () =>
    populated(site, instantSource, { prefix: 'spread-floor', count, storageClass }),
  );
  await sweep(site);
  const namespaces = Array.from({ length: NAMESPACES }, (_, index) => `${NAMESPACE}-${index}`);
  await using wide = await openSite(ground.kubeconfig, namespaces);
  const many = await withController(bench, async () => {
    await using _standby = await ControllerProcess.start({
      kubeconfig: ground.kubeconfig,
      profile: undefined,
      standsBy: true,
    });
    return populated(wide, instantSource, { prefix: 'spread', count, storageClass, namespaces });
  });
  await sweep(wide);
  const name = `${count} claims over ${NAMESPACES} namespaces, two replicas`;
  return [
    { name: `${name}, create to Bound, to one of each`, value: many.bound, floor: one.bound, unit: 's', target: 1.3 },
    { name: `${name}, until at rest, to one of each`, value: many.atRest, floor: one.atRest, unit: 's' },
  ];
}

/** How the cost of a claim grows with their number; floor: the same for a tenth of them. */
export async function thousands(bench: Bench): Promise<FigureInput[]> {
  const few = await costOf(bench, THOUSANDS / 10);
  const many = await costOf(bench, THOUSANDS);
  const name = `a claim of ${THOUSANDS}`;
  return [
    {
      name: `${name}, seconds until all are Bound, to one of ${THOUSANDS / 10}`,
      value: many.ms,
      floor: few.ms,
      unit: 'ms',
      target: 1.5,
    },
    {
      name: `${name}, the controller's CPU time, to one of ${THOUSANDS / 10}`,
      value: many.cpu,
      floor: few.cpu,
      unit: 'ms',
      target: 1.5,
    },
    { name: `controller RSS, peak, ${THOUSANDS} claims`, value: many.peak, unit: 'MB' },
    ...(many.writes === undefined || few.writes === undefined
      ? []
      : [
          {
            name: `API writes per claim of ${THOUSANDS}`,
            value: many.writes,
            floor: few.writes,
            unit: 'requests',
            target: 1.1,
          } as const,
        ]),
  ];
}

async function costOf(bench: Bench, count: number) {
  const { site, ground, options, say } = bench;
  return withController(bench, async (controller) => {
    const startedAt = Date.now();
    const before = await cpuMs([controller.pid]);
    const { bound, atRest } = await populated(site, instantSource, {
      prefix: `count-${count}`,
      count,
      storageClass: options.storageClass,
    });
    const cpu = ((await cpuMs([controller.pid])) - before) / count;
    const { peak } = await controller.memory();
    const log = await ground.audit?.since(startedAt);
    await sweep(site);
    say(`  ${count} claims: Bound after ${bound.toFixed(1)} s, at rest after ${atRest.toFixed(1)} s`);
    const writes = log === undefined ? undefined : countRequests(log, AGENT).writes / count;
    return { ms: (bound * 1000) / count, cpu, peak, writes };
  });
}

/** Nothing happens, in a cluster with much in it that is not ours. */
export async function idle(bench: Bench): Promise<FigureInput[]> {
  const { site } = bench;
  // A class that does not exist: they stay as they are.
  const others = namesOf('unrelated', IDLE.claims).map((name) => newClaim({ name, storageClass: 'nobodys-class' }));
  await createAll(site, claims, others);
  await createAll(site, providers, namesOf('unused', IDLE.providers).map(newProvider));
  const { now, used } = await idleMinute(bench);
  for (const name of namesOf('unused', IDLE.providers)) await removeProvider(bench, name);
  await sweep(site);
  const name = `idle with ${IDLE.claims} unrelated claims and ${IDLE.providers} Providers`;
  return [
    { name: `controller RSS, ${name}`, value: now, unit: 'MB', target: 150 },
    { name: `controller CPU time a second, ${name}`, value: used / 60, unit: 'ms', target: 10 },
  ];
}

/** It has half a minute to look at what there is. */
async function idleMinute({ ground, options }: Bench): Promise<{ readonly now: number; readonly used: number }> {
  await using controller = await ControllerProcess.start({ kubeconfig: ground.kubeconfig, profile: options.profile });
  await delay(MINUTE_MS / 2);
  const before = await cpuMs([controller.pid]);
  await delay(MINUTE_MS);
  const used = (await cpuMs([controller.pid])) - before;
  return { now: (await controller.memory()).now, used };
}

async function removeProvider({ site }: Bench, name: string): Promise<void> {
  const key = { namespace: NAMESPACE, name };
  const found = await site.client.get(providers, key);
  if (found !== undefined) await site.client.delete(providers, key, { uid: found.metadata.uid });
}

/** What claims that fail again and again cost the API server in their third minute. */
export async function failing(bench: Bench): Promise<FigureInput[]> {
  const { site, ground, options } = bench;
  const { audit } = ground;
  if (audit === undefined) return [];
  const names = namesOf('failing', FAILING);
  const requests = await withController(bench, async () => {
    const failed = allSeen(site.populations, {
      what: 'all to have failed',
      names,
      nameOf: ({ spec }) => spec.claim.name,
      wanted: ({ status }) => (status?.failures ?? 0) > 0,
    });
    const objects = names.map((name) => newClaim({ name, storageClass: options.storageClass, source: failingSource }));
    await Promise.all([failed, createAll(site, claims, objects)]);
    await delay(2 * MINUTE_MS);
    const startedAt = Date.now();
    await delay(MINUTE_MS);
    const counted = countRequests(await audit.since(startedAt), AGENT);
    await sweep(site);
    return counted;
  });
  const name = `a minute with ${FAILING} failing claims, after two minutes`;
  return [
    { name: `API writes ${name}`, value: requests.writes, unit: 'requests' },
    { name: `events ${name}`, value: requests.events, unit: 'requests' },
    { name: `API reads ${name}`, value: requests.reads, unit: 'requests' },
  ];
}

async function withController<T>(bench: Bench, work: (controller: ControllerProcess) => Promise<T>): Promise<T> {
  const { ground, options } = bench;
  await using controller = await ControllerProcess.start({ kubeconfig: ground.kubeconfig, profile: options.profile });
  await warmUp(bench);
  return await work(controller);
}
