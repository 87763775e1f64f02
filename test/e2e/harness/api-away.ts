/** The API server is away for a time, for the controller alone: docs/hazards.md, cases 58 and 59. */
import { expect } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { claims } from '../../../src/api/resources.ts';
import { aClaimManifest } from './manifests.ts';
import { setStage, type Stage } from './stage.ts';
import { downloads, hold, providerOf, transferOf } from './sources.ts';
import type { Suite } from './suite.ts';
import { laneEmpty, lanePopulated } from './crash-lanes.ts';
import { until } from './until.ts';

/**
 * Meanwhile a download ends, a claim and its source are deleted, another claim goes by force with its finalizers, and a claim that goes is
 * made anew. Afterwards every claim that is left is populated once, nothing is left of the others, and the server was not asked all the time.
 */
export async function playApiAway(suite: Suite, awayMs: number): Promise<void> {
  await using stage = await setStage(suite, 'api-away');
  const { namespace, faults } = stage;
  const { kubectl, client } = suite.cluster;
  const name = (what: string) => `${namespace}-${what}`;
  const stays = await workBegun(suite, stage, name('stays'));
  for (const what of ['goes', 'forced']) await workBegun(suite, stage, name(what));
  const again = await workBegun(suite, stage, name('again'));
  suite.transfers.hold(name('service'));
  await applyClaim(suite, namespace, name('service'), transferOf(namespace, name('service')));
  await until('the transfer to begin', () => suite.transfers.started(name('service')).length > 0);

  faults.down();
  const before = faults.refusals;
  stays.gate.open();
  const gone = ['goes', 'forced', 'again', 'service'].map(name);
  await kubectl(['delete', 'pvc', ...gone, `--namespace=${namespace}`, '--wait=false']);
  await kubectl(['delete', 'provider.provider.example.com', name('goes'), `--namespace=${namespace}`]);
  await client.mergePatch(claims, { namespace, name: name('forced') }, { metadata: { finalizers: null } });
  await delay(awayMs);
  const refusals = faults.refusals - before;
  faults.up();

  const second = aClaimManifest({
    name: name('again'),
    namespace,
    storageClass: 'imm-del',
    source: providerOf(suite, namespace, name('again')).ref,
  });
  await until(
    'the name to be free',
    () => client.create(claims, second),
    ({ type }) => type === 'done',
  );
  again.gate.open();
  await laneEmptyBut(suite, stage, [name('stays'), name('again')]);
  const read = await lanePopulated(suite, stage);
  expect(read).toEqual({ [name('stays')]: stays.listing, [name('again')]: again.listing });
  expect(downloads(suite, name('stays'))).toBe(1);
  expect(suite.transfers.remembered(name('service'))).toEqual([]);
  // Eight watches, a lease, and a process that starts again: some tries a second, not hundreds.
  expect(refusals).toBeGreaterThan(0);
  expect(refusals).toBeLessThan((awayMs / 1000) * 20);
}

/** A claim whose populator pod is held in the middle of its download. */
async function workBegun(suite: Suite, { namespace }: Stage, name: string) {
  const held = hold(suite, name);
  await applyClaim(suite, namespace, name, providerOf(suite, namespace, name));
  await until(`the download of ${name} to begin`, () => downloads(suite, name) > 0);
  return held;
}

async function applyClaim(
  suite: Suite,
  namespace: string,
  name: string,
  { source, ref }: ReturnType<typeof transferOf>,
): Promise<void> {
  await suite.apply(source, aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref }));
}

async function laneEmptyBut(suite: Suite, stage: Stage, living: readonly string[]): Promise<void> {
  for (const what of ['goes', 'forced', 'service']) {
    const prefix = `${stage.namespace}-${what}`;
    if (!living.includes(prefix)) await laneEmpty(suite, stage, prefix);
  }
}
