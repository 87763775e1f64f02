/**
 * A registry of Prometheus metrics. Each room names its own series; asking twice for a name gives the same series, so that several
 * controllers or informers share one. Labels are kinds, results and reasons, never the name of an object.
 */
import * as prometheus from 'prom-client';

export type Labels = Readonly<Record<string, string>>;

export interface SeriesOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** The only words of a label that words from outside of this process reach; each other word is counted as `Other`. */
  readonly words?: Readonly<Record<string, ReadonlySet<string>>>;
}

/** Of a label whose word is not among the known ones. */
const OTHER = 'Other';

export interface Counter {
  inc(labels?: Labels, by?: number): void;
  /** Makes the series visible at zero: an alert on its rate then also sees the first increment. */
  zero(labels?: Labels): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
  inc(labels?: Labels, by?: number): void;
  /** Computes the value when it is scraped. */
  observe(read: () => number, labels?: Labels): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
  zero(labels?: Labels): void;
}

export interface Metrics {
  counter(series: SeriesOptions): Counter;
  gauge(series: SeriesOptions): Gauge;
  histogram(series: SeriesOptions & { readonly buckets: readonly number[] }): Histogram;
  /** The exposition text, and the content type that goes with it. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(): Metrics {
  const registry = new prometheus.Registry();
  prometheus.collectDefaultMetrics({ register: registry });
  const known = new Map<string, unknown>();
  const once = <S>(name: string, make: () => S): S => {
    if (!known.has(name)) known.set(name, make());
    return known.get(name) as S;
  };
  return {
    counter: (series) => once(series.name, () => counterOf(registry, series)),
    gauge: (series) => once(series.name, () => gaugeOf(registry, series)),
    histogram: (series) => once(series.name, () => histogramOf(registry, series)),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function counterOf(registry: prometheus.Registry, series: SeriesOptions): Counter {
  const counter = new prometheus.Counter({ ...definition(series), registers: [registry] });
  return {
    inc: (labels = {}, by = 1) => counter.inc(bounded(series, labels), by),
    zero: (labels = {}) => counter.inc(bounded(series, labels), 0),
  };
}

function gaugeOf(registry: prometheus.Registry, series: SeriesOptions): Gauge {
  const readers: { labels: Labels; read: () => number }[] = [];
  const gauge = new prometheus.Gauge({
    ...definition(series),
    registers: [registry],
    collect() {
      for (const { labels, read } of readers) this.set(labels, read());
    },
  });
  return {
    set: (value, labels = {}) => gauge.set(bounded(series, labels), value),
    inc: (labels = {}, by = 1) => gauge.inc(bounded(series, labels), by),
    observe: (read, labels = {}) => {
      readers.push({ labels: bounded(series, labels), read });
    },
  };
}

function histogramOf(
  registry: prometheus.Registry,
  series: SeriesOptions & { readonly buckets: readonly number[] },
): Histogram {
  const histogram = new prometheus.Histogram({
    ...definition(series),
    buckets: [...series.buckets],
    registers: [registry],
  });
  return {
    observe: (value, labels = {}) => histogram.observe(bounded(series, labels), value),
    zero: (labels = {}) => histogram.zero(bounded(series, labels)),
  };
}

/** Without it one pod that reports a new word each time makes a new series each time. */
function bounded({ words = {} }: SeriesOptions, labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).map(([name, word]) => [name, words[name]?.has(word) === false ? OTHER : word]),
  );
}

function definition(series: SeriesOptions): { name: string; help: string; labelNames: string[] } {
  return { name: series.name, help: series.help, labelNames: [...(series.labels ?? [])] };
}
