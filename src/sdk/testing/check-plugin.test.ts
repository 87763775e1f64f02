import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { definePlugin } from '../define-plugin.ts';
import { AttemptFailedError, PermanentError } from '../errors.ts';
import type { PodlessPlugin, PodPlugin, PodTemplate } from '../plugin.ts';
import { assertConforms, checkPlugin } from './check-plugin.ts';
import type { Subject } from './subject.ts';

interface Spec {
  readonly dataset: string;
}

const source = { group: 'test.example.com', version: 'v1', kind: 'Thing' };
const schema = {
  parse: (spec: unknown): Spec => {
    if (typeof spec !== 'object' || spec === null || !('dataset' in spec)) throw new Error('dataset is missing');
    return { dataset: String(spec.dataset) };
  },
};

/** A service that keeps pieces of work by id, each done when it was asked for twice. */
function aService() {
  const works = new Map<string, number>();
  let begun = 0;
  let mood: 'well' | 'silent' | 'broken' = 'well';
  const reached = async (signal: AbortSignal): Promise<void> => {
    if (mood === 'silent') await delay(60_000, undefined, { signal, ref: false });
    if (mood === 'broken') throw new Error('the service is broken');
    await delay(1, undefined, { signal });
  };
  const set = (wanted: typeof mood) => () => {
    mood = wanted;
    return () => void (mood = 'well');
  };
  return {
    outside: { begun: () => begun, left: () => works.size, hang: set('silent'), fail: set('broken') },
    start: async (id: string, signal: AbortSignal) => {
      if (!works.has(id)) begun += 1;
      if (!works.has(id)) works.set(id, 0);
      await reached(signal);
    },
    startAnew: async (id: string, signal: AbortSignal) => {
      begun += 1;
      works.set(id, 0);
      await reached(signal);
    },
    asked: async (id: string, signal: AbortSignal) => {
      await reached(signal);
      const asked = works.get(id);
      if (asked !== undefined) works.set(id, asked + 1);
      return asked;
    },
    forget: async (id: string, signal: AbortSignal) => {
      await reached(signal);
      return works.delete(id);
    },
  };
}

type Service = ReturnType<typeof aService>;
type Functions = Omit<PodlessPlugin<Spec>, 'name' | 'source' | 'schema'>;

function honest(service: Service): Functions {
  return {
    populate: async ({ attempt, signal }) => {
      await service.start(attempt.id, signal);
      return { state: { begun: [1, 'x'] } };
    },
    populateComplete: async ({ attempt, signal }) => {
      const asked = await service.asked(attempt.id, signal);
      if (asked === undefined) throw new AttemptFailedError('Lost', 'the service does not know it');
      return asked > 1
        ? { done: true, result: { bytes: 1 } }
        : { done: false, pollAfterMs: 1, progress: { percent: 50 } };
    },
    populateCleanup: async ({ attempt, signal }) => {
      await service.forget(attempt.id, signal);
    },
  };
}

function subjectOf(
  change: (service: Service) => Partial<Functions> = () => ({}),
  spec: unknown = { dataset: 'a' },
): Subject {
  const service = aService();
  const plugin = () => definePlugin<Spec>({ name: 'thing', source, schema, ...honest(service), ...change(service) });
  return { plugin, spec, badSpecs: [{}], outside: service.outside, limits: { callMs: 150, stopMs: 50 } };
}

const plain = (template: PodTemplate): Partial<PodPlugin<Spec>> => ({ pod: () => template });
function podSubject(change: Partial<PodPlugin<Spec>>): Subject {
  const plugin = definePlugin<Spec>({ name: 'thing', source, schema, pod: () => ({ image: 'a:1' }), ...change });
  return { plugin, spec: { dataset: 'a' }, badSpecs: [{}], limits: { callMs: 150, stopMs: 50 } };
}

test('an honest plugin keeps all its promises', async () => {
  const report = await checkPlugin(subjectOf());
  expect(report.problems).toEqual([]);
  expect(report.skipped.map(({ rule }) => rule)).toEqual([
    'prepare-twice',
    'mutate-prime',
    'pod-template',
    'pod-pure',
    'pod-block-volume',
    'pod-security-profile',
  ]);
});

test('an honest plugin with a pod keeps all its promises', async () => {
  const report = await checkPlugin(
    podSubject({
      populateCleanup: async () => {},
      prepare: async () => {},
      mutatePrime: (prime) => prime,
      securityProfile: () => 'restricted',
    }),
  );
  expect(report.problems).toEqual([]);
  expect(report.passed).toEqual(expect.arrayContaining(['pod-template', 'pod-security-profile']));
});

type Bad = readonly [rule: string, words: string, subject: Subject];
const never = () => new Promise<never>(() => {});
function alternately<T>(...answers: readonly [T, T]): () => T {
  let calls = 0;
  return () => answers[calls++ % 2 === 0 ? 0 : 1];
}

const bad: readonly Bad[] = [
  ['bad-spec', 'was not refused', { ...subjectOf(), badSpecs: [{ dataset: 'nonsense' }] }],
  [
    'bad-spec',
    'tried again for ever',
    subjectWith({ preflight: () => Promise.reject(new Error('no')) }, { badSpecs: [{ dataset: 'x' }] }),
  ],
  ['definition', 'podSettings', podSubject({ podSettings: { serviceAccountName: 'admin' } as object })],
  ['prepare-twice', 'second time', subjectWith({ prepare: onceOnly('made already') })],
  ['prepare-twice', 'with reason', subjectWith({ prepare: () => Promise.resolve({ done: false } as never) })],
  ['mutate-prime', 'Cannot', podSubject({ mutatePrime: (prime) => Object.assign(prime, { spec: {} }) })],
  [
    'mutate-prime',
    'two different',
    podSubject({ mutatePrime: (prime) => ({ ...prime, spec: { salt: Math.random() } }) }),
  ],
  ['pod-template', 'mountPath', podSubject(plain({ mountPath: 'target' }))],
  ['pod-template', 'promise', podSubject({ pod: (async () => ({})) as unknown as () => PodTemplate })],
  ['pod-template', 'serviceAccountName', podSubject(plain({ serviceAccountName: 'admin' } as PodTemplate))],
  ['pod-pure', 'two different', podSubject({ pod: () => ({ env: { NONCE: String(Math.random()) } }) })],
  [
    'pod-security-profile',
    'restricted or privileged-data',
    podSubject({ securityProfile: () => 'root' as 'restricted' }),
  ],
  [
    'pod-security-profile',
    'two different',
    podSubject({ securityProfile: alternately('restricted', 'privileged-data') }),
  ],
  [
    'pod-block-volume',
    'preflight',
    podSubject({
      preflight: async ({ claimObject }) => {
        if (claimObject.spec.volumeMode === 'Block') throw new TypeError('oh');
      },
    }),
  ],
  ['start-and-finish', 'did not answer in time', subjectOf(() => ({ populate: never }))],
  ['start-and-finish', 'threw Error: boom', subjectOf(() => ({ populate: () => Promise.reject(new Error('boom')) }))],
  ['start-and-finish', 'not an Error', subjectOf(() => ({ populate: () => Promise.reject('boom') }))],
  [
    'start-and-finish',
    'must be true, false',
    subjectOf(() => ({ populateComplete: async () => 'yes' as unknown as boolean })),
  ],
  [
    'start-and-finish',
    'not the same after it went through JSON',
    subjectOf(({ start }) => ({
      populate: async ({ attempt, signal }) => {
        await start(attempt.id, signal);
        return { state: { at: -0 } };
      },
    })),
  ],
  ['start-and-finish', 'something else', subjectOf(flickering)],
  [
    'start-and-finish',
    'object is not extensible',
    subjectOf(({ start }) => ({
      populate: async (params) => {
        Object.assign(params.claim, { seen: true });
        await start(params.attempt.id, params.signal);
      },
    })),
  ],
  [
    'restart',
    'begun 2 times',
    subjectOf((service) => ({ populate: ({ attempt, signal }) => service.startAnew(attempt.id, signal) })),
  ],
  [
    'late-answer',
    'begun 2 times',
    subjectOf((service) => ({ populate: ({ attempt, signal }) => service.startAnew(attempt.id, signal) })),
  ],
  ['next-attempt', 'work of its own', subjectOf(byClaim)],
  ['never-begun', 'empty volume', subjectOf(() => ({ populateComplete: async () => true }))],
  ['told-to-stop', 'after its signal was aborted', subjectOf(() => ({ populateCleanup: never }))],
  [
    'outside-hangs',
    'pass the signal on',
    subjectOf((service) => ({
      populateCleanup: ({ attempt }) => service.forget(attempt.id, new AbortController().signal).then(() => {}),
    })),
  ],
  [
    'outside-fails',
    'let the error through',
    subjectOf((service) => ({
      populateComplete: ({ attempt, signal }) =>
        service.asked(attempt.id, signal).then(
          (asked) => (asked ?? 0) > 1,
          () => false,
        ),
    })),
  ],
  [
    'outside-fails',
    'permanent',
    subjectOf((service) => ({
      populate: ({ attempt, signal }) =>
        service.start(attempt.id, signal).catch((error: Error) => {
          throw new PermanentError('Down', error.message);
        }),
    })),
  ],
  [
    'cleanup-of-nothing',
    'threw',
    subjectOf(() => ({
      populateCleanup: async ({ volume }) => {
        if (volume === undefined) throw new Error('no volume');
      },
    })),
  ],
  [
    'cleanup-twice',
    'second time',
    subjectOf((service) => ({
      populateCleanup: async ({ attempt, signal }) => {
        if (!(await service.forget(attempt.id, signal))) throw new Error('unknown');
      },
    })),
  ],
  ['cleanup-twice', 'still remembers', subjectOf(() => ({ populateCleanup: async () => {} }))],
];

describe('a plugin that breaks a rule is told so', () => {
  test.each(bad.map(([rule, words, subject]) => ({ rule, words, subject })))(
    '$rule: $words',
    async ({ rule, words, subject }) => {
      const { problems } = await checkPlugin(subject);
      expect(problems).toContainEqual({ rule, message: expect.stringContaining(words) });
    },
    60_000,
  );
});

test('the error of assertConforms says everything in plain words', async () => {
  await expect(assertConforms(subjectOf(() => ({ populateComplete: async () => true })))).rejects.toThrow(
    /plugin thing does not keep its promises[^]*never-begun: populateComplete says "done"/,
  );
});

function subjectWith(change: Partial<PodlessPlugin<Spec>>, more: Partial<Subject> = {}): Subject {
  return { ...subjectOf(() => change), ...more };
}

/** Made once per subject: what it remembers outlives a restart of the plugin. */
function onceOnly(message: string): () => Promise<void> {
  let calls = 0;
  return async () => {
    calls += 1;
    if (calls > 1) throw new Error(message);
  };
}

/** Done, and then not done. */
function flickering(service: Service): Partial<Functions> {
  return {
    populateComplete: async ({ attempt, signal }) => {
      const asked = (await service.asked(attempt.id, signal)) ?? 0;
      return asked === 1;
    },
  };
}

/** Takes the claim for the attempt. */
function byClaim(service: Service): Partial<Functions> {
  return {
    populate: ({ claim, signal }) => service.start(claim.uid, signal),
    populateComplete: async ({ claim, signal }) => ((await service.asked(claim.uid, signal)) ?? 0) > 1,
    populateCleanup: ({ claim, signal }) => service.forget(claim.uid, signal).then(() => {}),
  };
}
