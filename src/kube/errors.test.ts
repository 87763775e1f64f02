import { expect, test } from '@jest/globals';
import { ifServed, KubeError } from './errors.ts';

test('a kind that is not served has no answer, and every other failure stays one', async () => {
  const failure = (code: 'KUBE_NOT_FOUND' | 'KUBE_FORBIDDEN') => Promise.reject<string>(new KubeError(code, 'no'));
  expect(await ifServed(Promise.resolve('answer'))).toBe('answer');
  expect(await ifServed(failure('KUBE_NOT_FOUND'))).toBeUndefined();
  await expect(ifServed(failure('KUBE_FORBIDDEN'))).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' });
});
