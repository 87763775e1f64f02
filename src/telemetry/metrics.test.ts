import { describe, expect, test } from '@jest/globals';
import { createMetrics } from './metrics.ts';

const series = { name: 'things_total', help: 'Things.', labels: ['kind'] };

describe('createMetrics', () => {
  test('asking twice for a series gives the same one', async () => {
    const metrics = createMetrics();
    metrics.counter(series).inc({ kind: 'a' });
    metrics.counter(series).inc({ kind: 'a' }, 2);
    expect(await metrics.text()).toContain('things_total{kind="a"} 3');
  });

  test('a series set to zero is there before anything happened', async () => {
    const metrics = createMetrics();
    metrics.counter(series).zero({ kind: 'b' });
    metrics.histogram({ name: 'seconds', help: 'Seconds.', labels: ['kind'], buckets: [1] }).zero({ kind: 'b' });
    const text = await metrics.text();
    expect(text).toContain('things_total{kind="b"} 0');
    expect(text).toContain('seconds_count{kind="b"} 0');
  });

  test('an observed gauge is read when it is scraped', async () => {
    const metrics = createMetrics();
    let depth = 1;
    metrics.gauge({ name: 'depth', help: 'Depth.' }).observe(() => depth);
    depth = 7;
    expect(await metrics.text()).toContain('depth 7');
  });

  test('two registries know nothing of each other', async () => {
    createMetrics().counter(series).inc({ kind: 'a' });
    expect(await createMetrics().text()).not.toContain('things_total');
  });
});
