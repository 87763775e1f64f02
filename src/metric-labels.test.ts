/** No word from outside of the process makes a new series: a label that such words reach has a list of known ones. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hostileText } from '../test/support/hostile-text.ts';
import { knownReasons } from './api/known-reasons.ts';
import { populateMetrics } from './populate/metrics.ts';
import { snapshotMetrics } from './snapshot/metrics.ts';
import { createMetrics, type Counter, type Metrics } from './telemetry/index.ts';

const idle = { count: () => 0, oldestSeconds: () => 0 };
const ofPopulate = (metrics: Metrics) => populateMetrics(metrics, idle).failures;
const ofSnapshot = (metrics: Metrics) => snapshotMetrics(metrics, ['driver'], idle).failures;

const failures: readonly [string, Readonly<Record<string, string>>, (metrics: Metrics) => Counter][] = [
  ['volprime_population_failures_total', { plugin: 'p' }, ofPopulate],
  ['volprime_snapshot_failures_total', { driver: 'driver' }, ofSnapshot],
];

async function seriesOf(metrics: Metrics, name: string): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line.startsWith(`${name}{`));
}

test.each(failures)('%s: words that are none of ours are one series', async (name, labels, make) => {
  const metrics = createMetrics();
  const counter = make(metrics);
  const words = fc.sample(fc.oneof(hostileText, fc.string()), 200).filter((word) => !knownReasons.has(word));
  for (const reason of words) counter.inc({ ...labels, reason });
  const series = await seriesOf(metrics, name);
  expect(series).toEqual([expect.stringContaining(`reason="Other"} ${words.length}`)]);
});

test.each(failures)('%s: a known reason keeps its word', async (name, labels, make) => {
  const metrics = createMetrics();
  const counter = make(metrics);
  for (const reason of knownReasons) counter.inc({ ...labels, reason });
  expect(await seriesOf(metrics, name)).toHaveLength(knownReasons.size);
});

test('a bound label is bound in every kind of series', async () => {
  const metrics = createMetrics();
  const series = { help: 'x', labels: ['word'], words: { word: new Set(['known']) } };
  const [unknown, known] = [{ word: 'x' }, { word: 'known' }];
  metrics.counter({ ...series, name: 'a' }).zero(unknown);
  metrics.counter({ ...series, name: 'b' }).inc(unknown);
  const gauge = metrics.gauge({ ...series, name: 'c' });
  gauge.set(1, unknown);
  gauge.inc(known);
  metrics.gauge({ ...series, name: 'd' }).observe(() => 1, unknown);
  const histogram = metrics.histogram({ ...series, name: 'e', buckets: [1] });
  histogram.observe(1, unknown);
  histogram.zero(unknown);
  const text = await metrics.text();
  expect(text).not.toContain('word="x"');
  for (const name of ['a', 'b', 'c', 'd', 'e_count']) expect(text).toContain(`${name}{word="Other"}`);
  expect(text).toContain('c{word="known"} 1');
});
