import { expect, test } from '@jest/globals';
import { aPod } from '../../test/support/objects.ts';
import { jsonBytes } from '../api/source-size.ts';
import { leanPod } from './lean-pod.ts';

test('the task of a pod is not kept, what is read of it is', () => {
  const kept = {
    nodeName: 'node-1',
    containers: [{ name: 'populator' }],
    volumes: [{ name: 'secret-0', secret: { secretName: 'login' } }],
    tolerations: [{ key: 'storage' }],
  };
  const container = { name: 'populator', env: [{ name: 'VOLPRIME_TASK', value: 'x'.repeat(65_536) }], args: ['a'] };
  const pod = { ...aPod(1), spec: { ...kept, containers: [container], initContainers: [container], priority: 0 } };
  expect(jsonBytes(pod)).toBeGreaterThan(131_072);
  expect(leanPod(pod)).toEqual({ ...pod, spec: kept });
  expect(leanPod({ ...pod, spec: {} }).spec).toEqual({});
});
