import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { kubectl, type Say, type TargetCluster } from '../target-cluster.ts';

const claimSchema = z.object({ status: z.object({ phase: z.string() }) });
const populationSchema = z.object({
  spec: z.object({ claim: z.object({ name: z.string() }) }),
  status: z
    .object({
      phase: z.string().default(''),
      progress: z.object({ percent: z.number().optional(), bytesDone: z.number().optional() }).optional(),
      conditions: z.array(z.object({ type: z.string(), message: z.string() })).default([]),
    })
    .optional(),
});
const podSchema = z.object({ status: z.object({ phase: z.string() }) });

const LIMIT_MS = 300_000;

/** Prints a line whenever claim, population or application pod change; ends when the application has ended. */
export async function watchUntilDone(target: TargetCluster, namespace: string, say: Say): Promise<void> {
  const get = async (what: string) =>
    JSON.parse(
      await kubectl(target, ['-n', namespace, 'get', what, '-o', 'json', '--ignore-not-found'], { quiet: true }),
    );
  const begun = Date.now();
  let last = '';
  for (;;) {
    const claim = claimSchema.parse(await get('pvc/app-data'));
    const list: { items: unknown[] } = await get('populations');
    const population = list.items
      .map((item) => populationSchema.parse(item))
      .find(({ spec }) => spec.claim.name === 'app-data');
    const pod = podSchema.parse(await get('pod/app'));
    const line = describe(claim, population, pod);
    if (line !== last) say(`${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${line}`);
    last = line;
    if (pod.status.phase === 'Succeeded' && population?.status?.phase === 'Succeeded') return;
    if (pod.status.phase === 'Failed') throw new Error('the application pod failed');
    if (Date.now() - begun > LIMIT_MS)
      throw new Error(`nothing more happened for ${LIMIT_MS / 1000} s; last seen: ${line}`);
    await sleep(300);
  }
}

function describe(
  claim: z.infer<typeof claimSchema>,
  population: z.infer<typeof populationSchema> | undefined,
  pod: z.infer<typeof podSchema>,
): string {
  const percent = population?.status?.progress?.percent;
  const bar = percent === undefined ? '' : ` ${percent} %`;
  const message = population?.status?.conditions.find(({ type }) => type === 'Ready')?.message ?? '';
  return `claim ${claim.status.phase.padEnd(7)}  population ${(population?.status?.phase ?? 'none yet').padEnd(10)}${bar.padEnd(6)}  app ${pod.status.phase.padEnd(9)}  ${message}`;
}
