import { expect, test } from '@jest/globals';
import { Pace } from './pace.ts';

test('a claim alone tidies up at once, also right after its own last step', () => {
  const pace = new Pace();
  expect(pace.shouldYield('a', 0)).toBe(false);
  pace.moved('b', 100);
  expect(pace.shouldYield('b', 101)).toBe(false);
});

test('remains wait while another claim is on its way', () => {
  const pace = new Pace();
  pace.moved('b', 1_000);
  expect(pace.shouldYield('a', 1_100)).toBe(true);
  expect(pace.shouldYield('b', 1_200)).toBe(false);
  expect(pace.shouldYield('a', 1_300)).toBe(false);
});

test('a claim that waits for something slow holds nobody back', () => {
  const pace = new Pace();
  pace.moved('b', 1_000);
  pace.moved('c', 2_000);
  expect(pace.shouldYield('a', 6_500)).toBe(true);
  expect(pace.shouldYield('a', 7_000)).toBe(false);
});

test('patience ends, also when the others never rest', () => {
  const pace = new Pace();
  const yielded = [];
  for (let now = 0; now <= 40_000; now += 1_000) {
    pace.moved('b', now);
    if (pace.shouldYield('a', now)) yielded.push(now);
  }
  expect(yielded.at(-1)).toBe(29_000);
});

test('what is forgotten begins anew and holds nobody back', () => {
  const pace = new Pace();
  pace.shouldYield('a', 0);
  pace.forget('a');
  pace.moved('b', 60_000);
  expect(pace.shouldYield('a', 60_000)).toBe(true);
  pace.forget('b');
  expect(pace.shouldYield('a', 60_001)).toBe(false);
});
