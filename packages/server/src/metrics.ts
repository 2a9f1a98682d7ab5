/** `/metrics`: everything that a scrape shows, in Prometheus' text format. */
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Health } from './http/health.js';
import { type CallSource, callMetrics } from './metrics/calls.js';
import { healthMetrics, type MemberSource, memberMetrics } from './metrics/member.js';
import { RequestMetrics } from './metrics/requests.js';
import { register } from './metrics/scraped.js';
import { ETCD_CLUSTER_VERSION, ETCD_VERSION, QUORATE_VERSION } from './version.js';

export class Metrics {
  readonly requests: RequestMetrics = new RequestMetrics();
  readonly contentType: string;
  readonly #registry: Registry = new Registry();

  /** `process: false` leaves out memory, processor, garbage collection and event loop, whose monitors are per process. */
  constructor(member: MemberSource, options: { readonly process?: boolean } = {}) {
    this.contentType = this.#registry.contentType;
    for (const metric of memberMetrics(member)) register(this.#registry, metric);
    for (const metric of this.requests.metrics()) register(this.#registry, metric);
    register(this.#registry, {
      name: 'etcd_server_version',
      type: 'gauge',
      help: 'The etcd version whose contract is met, as a label.',
      read: () => [{ value: 1, labels: { server_version: ETCD_VERSION } }],
    });
    register(this.#registry, {
      name: 'etcd_cluster_version',
      type: 'gauge',
      help: "Major and minor version of the cluster's contract, as a label.",
      read: () => [{ value: 1, labels: { cluster_version: ETCD_CLUSTER_VERSION.split('.', 2).join('.') } }],
    });
    register(this.#registry, {
      name: 'quorate_info',
      type: 'gauge',
      help: "Quorate's version, as a label.",
      read: () => [{ value: 1, labels: { version: QUORATE_VERSION } }],
    });
    if (options.process !== false) collectDefaultMetrics({ register: this.#registry });
  }

  addHealth(health: Health): void {
    for (const metric of healthMetrics(health)) register(this.#registry, metric);
  }

  addCalls(source: CallSource): void {
    for (const metric of callMetrics(source)) register(this.#registry, metric);
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }
}
