/** Whatever spec CRD and schema take, a process can be started with the task that is made of it: Linux bounds each variable (E2BIG). */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { aBoundPrime, aClaim, aPopulation, aVolume, UID } from '../../test/support/objects.ts';
import { largestSpecs } from '../../test/support/provider-specs.ts';
import { silent } from '../../test/support/silent-logger.ts';
import { providerSpecSchema } from '../api/provider.ts';
import { MAX_SOURCE_BYTES, jsonBytes } from '../api/source-size.ts';
import { snapshotRestoreSpecSchema } from '../api/snapshot-restore.ts';
import { settingsOf } from '../pods/index.ts';
import { buildPod } from '../populate/pod-spec.ts';
import type { PodPlugin, PopulateParams } from '../sdk/index.ts';
import { downloadAndExtract } from './download-and-extract/index.ts';
import { TASK_VARIABLE } from './download-and-extract/task.ts';
import { captureTaskSchema } from './snapshot-capture/task.ts';
import { restoreTaskSchema } from './snapshot-restore/task.ts';

/** The variable as a process sees it that was started with it. */
function seen(task: string): string {
  const script = `process.stdout.write(process.env.${TASK_VARIABLE})`;
  const { error, stdout } = spawnSync(process.execPath, ['-e', script], {
    env: { [TASK_VARIABLE]: task },
    maxBuffer: 1 << 20,
  });
  if (error !== undefined) throw error;
  return stdout.toString();
}

function paramsOf(spec: unknown): PopulateParams<unknown> {
  return {
    source: { namespace: 'app', name: 'p', uid: 's', generation: 1, spec },
    claim: { namespace: 'app', name: 'data', uid: UID },
    attempt: { number: 1, id: `${UID}-1` },
    home: 'app',
    marks: {
      labels: {},
      annotations: {},
      ownerReferences: [],
      record: { kind: 'Population', uid: 'record-1', createdAt: undefined },
    },
    state: undefined,
    prepared: undefined,
    logger: silent,
    signal: new AbortController().signal,
    claimObject: aClaim(),
    storageClass: undefined,
    prime: aBoundPrime,
    volume: aVolume(aBoundPrime.metadata.uid),
  };
}

describe('a pod starts with the largest spec', () => {
  test.each(largestSpecs)('of a Provider, made of %s', (_what, given) => {
    const spec = providerSpecSchema.parse(given);
    expect(jsonBytes(spec)).toBeGreaterThan(MAX_SOURCE_BYTES * 0.9);
    const plugin = downloadAndExtract as PodPlugin<unknown>;
    const template = plugin.pod(paramsOf(given));
    const pod = buildPod({
      template,
      settings: settingsOf(plugin, {}, template),
      claimUid: UID,
      attempt: 1,
      population: aPopulation(),
      prime: aBoundPrime,
      image: 'populator',
      imagePullPolicy: undefined,
      targetState: 'new',
      examinesVolume: true,
    });
    // Twice for "$", which Kubernetes would expand and the kubelet takes away again.
    expect(jsonBytes(pod)).toBeLessThan(3 * MAX_SOURCE_BYTES);
    const task: unknown = JSON.parse(seen(template.env?.[TASK_VARIABLE] ?? ''));
    expect(task).toMatchObject({ targets: [{ spec }] });
  });

  test('of a SnapshotRestore', () => {
    const spec = snapshotRestoreSpecSchema.parse({ snapshotRef: { name: 'n' }, path: `/${'\u0001'.repeat(4_095)}` });
    const task = restoreTaskSchema.parse({
      version: 1,
      plugin: 'snapshot-restore',
      attemptId: `${UID}-1`,
      target: { path: '/target', kind: 'directory' },
      from: { type: 'repository', key: UID },
      subtree: spec.path?.slice(1),
      verify: true,
    });
    expect(JSON.parse(seen(JSON.stringify(task)))).toEqual(task);
  });

  test('of a capture', () => {
    const task = captureTaskSchema.parse({
      version: 1,
      plugin: 'snapshot-capture',
      key: UID,
      action: 'capture',
      source: { path: '/source', kind: 'directory' },
      consistency: 'clone',
      origin: { namespace: 'n'.repeat(63), claim: 'c'.repeat(253), claimUid: UID },
    });
    expect(JSON.parse(seen(JSON.stringify(task)))).toEqual(task);
  });
});
