import { expect, test } from '@jest/globals';
import { Pace } from './pace.ts';

test('a claim alone tidies up at once, also right after its own last step', () => {
  const pace = new Pace();
  expect(pace.shouldYield('a', 0)).toBe(false);
  pace.moved('a', 100);
  expect(pace.shouldYield('a', 101)).toBe(false);
});

test('remains wait while another claim moves, and no longer', () => {
  const pace = new Pace();
  pace.moved('b', 1_000);
  expect(pace.shouldYield('a', 1_100)).toBe(true);
  expect(pace.shouldYield('a', 1_500)).toBe(false);
});

test('patience ends, also when the others never rest', () => {
  const pace = new Pace();
  const yielded = [];
  for (let now = 0; now <= 12_000; now += 250) {
    pace.moved('b', now);
    if (pace.shouldYield('a', now)) yielded.push(now);
  }
  expect(yielded.at(-1)).toBe(9_750);
});

test('what is forgotten begins anew', () => {
  const pace = new Pace();
  pace.shouldYield('a', 0);
  pace.forget('a');
  pace.moved('b', 20_000);
  expect(pace.shouldYield('a', 20_000)).toBe(true);
});
