/**
 * HTTP requests by route, method and status, and how long they took. Observing one costs two array look-ups and a few additions: no
 * labels are made into text before someone scrapes.
 */
import { histogramSamples, type Sample, type ScrapedMetric } from './scraped.js';

const ROUTES = [
  '/key',
  '/key/{key}',
  '/register-follower',
  '/hello',
  '/cluster',
  '/health',
  '/livez',
  '/readyz',
  '/metrics',
  '/version',
  '/v3',
  'other',
] as const;
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'other'] as const;

/** Seconds. From 0.1 ms, which a local read takes, to 30 s, the default of ROUTER_REQUEST_TIMEOUT. */
const BOUNDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

class Cell {
  readonly route: string;
  readonly method: string;
  /** By status; 0: the client went away before the answer. */
  readonly counts: Map<number, number> = new Map();
  /** Per bound, not cumulative; one more for what is above all. */
  readonly buckets: number[] = Array.from({ length: BOUNDS.length + 1 }, () => 0);
  sum = 0;

  constructor(route: string, method: string) {
    this.route = route;
    this.method = method;
  }

  observe(status: number, seconds: number): void {
    this.counts.set(status, (this.counts.get(status) ?? 0) + 1);
    let index = 0;
    while (index < BOUNDS.length && seconds > (BOUNDS[index] ?? 0)) index += 1;
    this.buckets[index] = (this.buckets[index] ?? 0) + 1;
    this.sum += seconds;
  }
}

export class RequestMetrics {
  private readonly cells: readonly Cell[] = ROUTES.flatMap((route) => METHODS.map((method) => new Cell(route, method)));

  observe(method: string, path: string, status: number, seconds: number): void {
    this.cells[routeIndex(path) * METHODS.length + methodIndex(method)]?.observe(status, seconds);
  }

  metrics(): readonly ScrapedMetric[] {
    const durationName = 'quorate_http_request_duration_seconds';
    return [
      {
        name: 'quorate_http_requests_total',
        help: 'HTTP requests by route, method and status code (0: the client went away before the answer).',
        type: 'counter',
        read: () => this.used().flatMap((cell) => counts(cell)),
      },
      {
        name: durationName,
        help: 'Time from the head of an HTTP request to its answer.',
        type: 'histogram',
        read: () => this.used().flatMap((cell) => durations(durationName, cell)),
      },
    ];
  }

  private used(): readonly Cell[] {
    return this.cells.filter((cell) => cell.counts.size > 0);
  }
}

function counts(cell: Cell): readonly Sample[] {
  const { route, method } = cell;
  return [...cell.counts].map(([code, value]) => ({ value, labels: { route, method, code } }));
}

function durations(name: string, cell: Cell): readonly Sample[] {
  const { route, method, sum } = cell;
  let running = 0;
  const cumulative = cell.buckets.map((count) => (running += count));
  return histogramSamples(name, { bounds: BOUNDS, cumulative, sum }, { route, method });
}

const OTHER_ROUTE = ROUTES.length - 1;
const KEY_ROUTE = 0;
const ONE_KEY_ROUTE = 1;

/** Of the raw path, with its query. Unknown paths are one route: their number must not grow with what clients ask. */
function routeIndex(path: string): number {
  if (path.startsWith('/key/')) return ONE_KEY_ROUTE;
  if (path === '/key') return KEY_ROUTE;
  const mark = path.indexOf('?');
  const bare = mark === -1 ? path : path.slice(0, mark);
  const slash = bare.indexOf('/', 1);
  const index = (ROUTES as readonly string[]).indexOf(slash === -1 ? bare : bare.slice(0, slash));
  return index === -1 ? OTHER_ROUTE : index;
}

function methodIndex(method: string): number {
  const index = (METHODS as readonly string[]).indexOf(method);
  return index === -1 ? METHODS.length - 1 : index;
}
