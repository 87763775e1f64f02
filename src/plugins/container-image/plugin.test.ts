import { describe, expect, test } from '@jest/globals';
import { aBoundPrime, aClaim, aClass, aVolume } from '../../../test/support/objects.ts';
import type { PopulateParams } from '../../sdk/index.ts';
import { type ImagePluginDefinition, imagePluginSchema } from './definition.ts';
import { imagePlugin } from './plugin.ts';

const definition: ImagePluginDefinition = {
  name: 'text-file',
  source: { group: 'text.example.com', version: 'v1', kind: 'TextFile' },
  pod: {
    image: 'busybox:1',
    args: ['--file', '$(spec.fileName)', '$(claim.namespace)/$(claim.name)'],
    env: { LIST: '$(spec.list)', ID: '$(attempt.id)' },
  },
};
const spec = { fileName: 'a b;c', list: [1, 2], nested: { deep: 'x' } };

function podOf(changed: Partial<ImagePluginDefinition['pod']> = {}, given: unknown = spec) {
  const plugin = imagePlugin({ ...definition, pod: { ...definition.pod, ...changed } });
  const params: PopulateParams<unknown> = {
    source: { namespace: 'app', name: 'motd', uid: 's', generation: 1, spec: given },
    claim: { namespace: 'app', name: 'data', uid: 'u' },
    attempt: { number: 2, id: 'u-2' },
    home: 'app',
    marks: {
      labels: {},
      annotations: {},
      ownerReferences: [],
      record: { kind: 'Population', uid: 'record-1', createdAt: undefined },
    },
    state: undefined,
    prepared: undefined,
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    signal: new AbortController().signal,
    claimObject: aClaim(),
    storageClass: aClass(),
    prime: aBoundPrime,
    volume: aVolume('prime-1'),
  };
  if (!('pod' in plugin)) throw new TypeError('not a pod plugin');
  return plugin.pod(params);
}

describe('a plugin that is a container image', () => {
  test('fills in fields, one argument staying one argument', () => {
    expect(podOf()).toEqual({
      image: 'busybox:1',
      args: ['--file', 'a b;c', 'app/data'],
      env: { LIST: '[1,2]', ID: 'u-2' },
    });
  });

  test('may say that its container always reports', () => {
    expect(imagePlugin(definition)).not.toHaveProperty('reports');
    expect(imagePlugin(imagePluginSchema.parse({ ...definition, reports: true }))).toMatchObject({ reports: true });
  });

  test('reaches nested fields', () => {
    expect(podOf({ args: ['$(spec.nested.deep)'] }).args).toEqual(['x']);
  });

  test.each(['$(spec.missing)', '$(spec.constructor)', '$(spec.nested.__proto__.x)', '$(nothing)'])(
    'refuses %s, naming it',
    (arg) => {
      expect(() => podOf({ args: [arg] })).toThrow(
        expect.objectContaining({ code: 'InvalidSource', message: expect.stringContaining(arg) }),
      );
    },
  );

  test('a definition with an unknown field is refused, naming it', () => {
    const result = imagePluginSchema.safeParse({ ...definition, pods: {} });
    expect(result.error?.message).toContain('pods');
  });
});
