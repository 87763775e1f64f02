import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { aClaim } from '../../test/support/objects.ts';
import { ANNOTATION_PINNED_SOURCE, ANNOTATION_SELECTED_NODE, LABEL_MANAGED_BY } from '../api/names.ts';
import { proofFor } from '../api/proof.ts';
import { MAX_RECORDED_SOURCE_BYTES } from '../api/source-size.ts';
import { READ_CHARACTERS, WHOLE_CHARACTERS, withinBudget } from './metadata-budget.ts';

const proof = proofFor({ kind: 'Population', uid: 'u' });
const read = { [ANNOTATION_SELECTED_NODE]: 'node-1', ...proof };
const ofClaim = (annotations: Record<string, string>, labels: Record<string, string> = {}) =>
  aClaim({ meta: { annotations, labels } });

describe('a cached object', () => {
  test('with few annotations and labels is kept as it is', () => {
    const claim = ofClaim({ ...read, 'example.com/mine': 'x'.repeat(1_000) }, { team: 'a' });
    expect(withinBudget(claim)).toBe(claim);
    expect(withinBudget(aClaim())).toEqual(aClaim());
  });

  test('with 256 KiB of annotations keeps those that are read', () => {
    const claim = ofClaim({ 'example.com/mine': 'x'.repeat(256 * 1024), ...read });
    expect(withinBudget(claim)).toEqual(ofClaim(read));
  });

  test('keeps no long value, whatever its name is, and all that proves beside it', () => {
    const claim = ofClaim({ [ANNOTATION_SELECTED_NODE]: 'x'.repeat(200_000), ...proof });
    expect(withinBudget(claim)).toEqual(ofClaim(proof));
  });

  test('keeps the pinned source of a prime beside other annotations of any size', () => {
    const pinned = { [ANNOTATION_PINNED_SOURCE]: 'x'.repeat(MAX_RECORDED_SOURCE_BYTES + 512) };
    expect(withinBudget(ofClaim({ ...pinned, ...read, other: 'x'.repeat(100_000) }))).toEqual(
      ofClaim({ ...pinned, ...read }),
    );
  });

  test('with ten thousand labels keeps those that are read', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`label-${index}`, 'x']));
    const claim = ofClaim(read, { ...many, [LABEL_MANAGED_BY]: 'volprime' });
    expect(withinBudget(claim)).toEqual(ofClaim(read, { [LABEL_MANAGED_BY]: 'volprime' }));
  });

  test('is bounded and loses nothing else, whatever it had', () => {
    const name = fc.oneof(fc.constantFrom(...Object.keys(read), ANNOTATION_PINNED_SOURCE), fc.string());
    const entries = fc.dictionary(
      name,
      fc.nat(10_000).map((length) => 'x'.repeat(length)),
    );
    const characters = (kept: object | undefined) => JSON.stringify(Object.entries(kept ?? {}).flat()).length;
    fc.assert(
      fc.property(entries, entries, (annotations, labels) => {
        const claim = ofClaim(annotations, labels);
        const { metadata, ...rest } = withinBudget(claim);
        const bound = Math.max(WHOLE_CHARACTERS, READ_CHARACTERS) * 7;
        expect(characters(metadata.annotations)).toBeLessThan(bound);
        expect(characters(metadata.labels)).toBeLessThan(bound);
        const others = (each: typeof metadata) => ({ ...each, annotations: {}, labels: {} });
        expect({ ...rest, metadata: others(metadata) }).toEqual({ ...claim, metadata: others(claim.metadata) });
      }),
    );
  });
});
