/**
 * Metrics that are read when they are scraped, from counters that exist anyway: they cost nothing between scrapes. A registry of
 * prom-client takes anything with `get()`.
 */
import type { HistogramSnapshot } from '@quorate/replica';
import type { Metric, Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly value: number;
  readonly labels?: Labels;
  /** For the parts of a histogram: `x_bucket`, `x_sum`, `x_count`. */
  readonly metricName?: string;
}

export interface ScrapedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly read: () => readonly Sample[];
}

export function register(registry: Registry, metric: ScrapedMetric): void {
  const { name, help, type, read } = metric;
  const source = {
    name,
    help,
    type,
    get: () => Promise.resolve({ name, help, type, values: read(), aggregator: 'sum' }),
    reset: () => {},
  };
  registry.registerMetric(source as unknown as Metric);
}

/** The samples of one histogram, in Prometheus' order. `cumulative` has one count more than `bounds`: that of all observations. */
export function histogramSamples(name: string, snapshot: HistogramSnapshot, labels: Labels = {}): readonly Sample[] {
  const { bounds, cumulative, sum } = snapshot;
  const count = cumulative[bounds.length] ?? 0;
  const buckets = bounds.map((bound, index) => ({
    metricName: `${name}_bucket`,
    labels: { le: bound, ...labels },
    value: cumulative[index] ?? 0,
  }));
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
