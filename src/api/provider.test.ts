import { describe, expect, test } from '@jest/globals';
import { acceptedSpecs, refusedSpecs } from '../../test/support/provider-specs.ts';
import { providerSpecSchema } from './provider.ts';

/** The rules of the CRD, held where there is no API server: in a populator pod, on the command line. */
describe('a spec is refused, in the words of the API server', () => {
  test.each(refusedSpecs)('$what', ({ spec, words }) => {
    const { issues = [] } = providerSpecSchema.safeParse(spec).error ?? {};
    const told = issues.map(
      ({ path, message }) => `${path.filter((part) => typeof part === 'string').join('.')}: ${message}`,
    );
    expect(told).toContainEqual(expect.stringContaining(words));
  });
});

test.each(acceptedSpecs)('a spec is taken: %s', (_what, spec) => {
  expect(providerSpecSchema.parse(spec)).toMatchObject(spec);
});
