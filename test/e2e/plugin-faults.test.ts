/**
 * Plugins that misbehave: only their own claims suffer, nothing they do makes a claim bound, and a person can let go of what they hold.
 * docs/hazards.md, cases 53 and 54.
 */
import { expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { claims } from '../../src/api/resources.ts';
import { beginScript, claimOf, readyOf, SLOWLY, statusOf, toldOf, warningsAbout } from './harness/claims.ts';
import type { ControllerProcess } from './harness/controller-process.ts';
import { expectNothingLeft, isFullyBound, listAll } from './harness/invariants.ts';
import { aClaimManifest } from './harness/manifests.ts';
import { readBack } from './harness/read-back.ts';
import { transferOf } from './harness/sources.ts';
import { type Suite, useSuite } from './harness/suite.ts';
import { until } from './harness/until.ts';

const TEST_MS = 10 * 60_000;

/** Misbehaves as the content of the TextFile says. */
const badPlugin = `
import { definePlugin, TemporaryError } from 'volprime';
let cleanups = 0;
const never = () => new Promise(() => {});
const late = () => new Promise((resolve) => setTimeout(() => resolve(true), 2500));
const act = (when, behaviour) => {
  if (!behaviour.startsWith(when)) return undefined;
  if (behaviour.endsWith('hangs')) return never();
  if (behaviour.endsWith('throws')) throw new Error('on purpose');
  if (behaviour.endsWith('throws-text')) throw 'on purpose';
  if (behaviour.endsWith('nonsense')) return 'yes';
  if (behaviour.endsWith('late')) return late();
};
export const plugin = definePlugin({
  name: 'bad',
  source: { group: 'text.example.com', version: 'v1', kind: 'TextFile' },
  schema: { parse: (spec) => spec },
  callTimeoutMs: 1000,
  pollIntervalMs: 500,
  populate: async ({ source }) => act('populate', source.spec.content),
  populateComplete: async ({ source }) => act('complete', source.spec.content) ?? false,
  populateCleanup: async ({ source }) => {
    const { content } = source.spec;
    if (content !== 'cleanup-never-works') return act('cleanup', content);
    throw new TemporaryError('call ' + ++cleanups + ' did not work either', 100);
  },
});
`;

const misbehaviours: Readonly<Record<string, string>> = {
  'populate-hangs': 'PluginTimeout',
  'populate-throws': 'PluginError',
  'populate-throws-text': 'PluginError',
  'complete-hangs': 'PluginTimeout',
  'complete-throws': 'PluginError',
  'complete-nonsense': 'PluginError',
  'complete-late': 'PluginTimeout',
};

let suite: Suite;
let namespace: string;
let controller: ControllerProcess;
useSuite(async (opened) => {
  suite = opened;
  const file = join(suite.directory, 'bad-plugin.mjs');
  writeFileSync(file, badPlugin);
  ({ namespace, controller } = await suite.lane('bad-plugin', { plugins: [file] }));
});

test(
  'case 53: a plugin that hangs, throws, answers nonsense or too late hurts its own claims only',
  async () => {
    const bad = Object.keys(misbehaviours);
    await Promise.all(bad.map((name) => beginScript(suite, namespace, name, name)));
    const good = Array.from({ length: 20 }, (_, index) => `good-${index}`);
    await suite.apply(
      ...good.flatMap((name) => {
        const { source, ref } = transferOf(namespace, name);
        return [source, aClaimManifest({ name, namespace, storageClass: 'imm-del', source: ref })];
      }),
    );
    await until(
      'the other claims to be bound',
      async () => (await listAll(suite.cluster, claims, namespace)).filter(isFullyBound).map((it) => it.metadata.name),
      (bound) => good.every((name) => bound.includes(name)),
      SLOWLY,
    );
    expect(await readBack(suite.cluster, namespace, good)).toEqual(
      Object.fromEntries(good.map((name) => [name, suite.transfers.listing(name)])),
    );
    for (const [name, reason] of Object.entries(misbehaviours)) {
      const status = await until(
        `${name} to fail twice`,
        () => statusOf(suite, namespace, name),
        (it) => (it?.failures ?? 0) >= 2 && it?.lastError !== undefined,
        SLOWLY,
      );
      expect([name, status?.lastError?.reason, status?.attempt]).toEqual([name, reason, 1]);
      expect((await claimOf(suite, namespace, name)).spec.volumeName).toBeUndefined();
      expect(await warningsAbout(suite, namespace, name)).toEqual([reason]);
    }
    expect(suite.transfers.violations).toEqual([]);
    // With a cleanup function that works, a claim that can never be populated is deleted as any other.
    await suite.cluster.kubectl(['delete', 'pvc', ...bad, `--namespace=${namespace}`, '--timeout=120s']);
    await expectNothingLeft(suite.cluster, namespace);
  },
  TEST_MS,
);

test(
  'case 54: a cleanup that always fails is told of, holds its own claim only, and that one no longer than a person wants',
  async () => {
    await beginScript(suite, namespace, 'stuck', 'cleanup-throws');
    await beginScript(suite, namespace, 'free', 'cleanup-works');
    const populating = async (name: string) => (await statusOf(suite, namespace, name))?.attempt === 1;
    await until('both to be populated', async () => (await populating('stuck')) && (await populating('free')));
    const { kubectl } = suite.cluster;
    await kubectl(['delete', 'pvc', 'stuck', `--namespace=${namespace}`, '--wait=false']);
    await kubectl(['delete', 'pvc', 'free', `--namespace=${namespace}`, '--timeout=120s']);
    expect(await toldOf(suite, namespace, 'stuck', 'PopulateCleanupFailed')).toBeDefined();
    const held = await claimOf(suite, namespace, 'stuck');
    expect(held.metadata.deletionTimestamp).toBeDefined();
    expect(readyOf(await statusOf(suite, namespace, 'stuck'))?.reason).toBe('PopulateCleanupFailed');
    await kubectl(['annotate', 'pvc', 'stuck', 'volprime.dev/skip-cleanup=true', `--namespace=${namespace}`]);
    await kubectl(['wait', '--for=delete', 'pvc/stuck', `--namespace=${namespace}`, '--timeout=120s']);
    await expectNothingLeft(suite.cluster, namespace);
  },
  TEST_MS,
);

test(
  'case 54: a cleanup that never works is called ten times, then its claim is let go without it, and the log says so',
  async () => {
    const name = 'bounded';
    await beginScript(suite, namespace, name, 'cleanup-never-works');
    await until('it to be populated', async () => (await statusOf(suite, namespace, name))?.attempt === 1);
    const { uid } = (await claimOf(suite, namespace, name)).metadata;
    await suite.cluster.kubectl(['delete', 'pvc', name, `--namespace=${namespace}`, '--timeout=120s']);
    await expectNothingLeft(suite.cluster, namespace);
    await controller.logged(uid, 'call 10 did not work either (call 10: the claim is let go without it)');
    expect(controller.log()).toContain('call 9 did not work either"');
    expect(controller.log()).not.toContain('call 11 did not');
  },
  TEST_MS,
);
