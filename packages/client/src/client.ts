/** A client of one cluster: etcd's API typed, and above it keys, leases, watches, members. */
import type { MessageInit, Method } from '@quorate/proto';
import { type CallOptions, Calls } from './calls.js';
import { Cluster } from './cluster.js';
import { Kv } from './kv.js';
import { Leases } from './leases.js';
import { Maintenance } from './maintenance.js';
import type { ClientOptions } from './options.js';
import type { ClientStream } from './stream.js';
import { Watch, type WatchOptions } from './watch.js';

/**
 * Connects when it is first used. Every method that fails rejects with a ClientError. Close it: an open connection keeps the
 * process alive.
 */
export class Client {
  readonly kv: Kv;
  readonly leases: Leases;
  readonly cluster: Cluster;
  readonly maintenance: Maintenance;
  readonly #calls: Calls;

  /** Throws a ClientError `invalid` if the options are of no use. */
  constructor(options: ClientOptions) {
    this.#calls = new Calls(options);
    this.kv = new Kv(this.#calls);
    this.leases = new Leases(this.#calls);
    this.cluster = new Cluster(this.#calls);
    this.maintenance = new Maintenance(this.#calls);
  }

  /** Any unary method: `client.call(SERVICES['etcdserverpb.KV'].Range, { key }, { deadlineMs: 500 })`. */
  call<Request, Response>(
    method: Method<Request, Response, 'unary'>,
    request: MessageInit<Request>,
    options?: CallOptions,
  ): Promise<Response> {
    return this.#calls.call(method, request, options);
  }

  /** Any other method. Resolves when the stream is open; nothing is resumed or repeated after that. */
  stream<Request, Response>(
    method: Method<Request, Response, 'server-stream' | 'duplex'>,
    options?: CallOptions,
  ): Promise<ClientStream<Request, Response>> {
    return this.#calls.stream(method, options);
  }

  /** What changes: `for await (const event of client.watch({ prefix: 'jobs/' }))`. Begins when it is iterated. */
  watch(options: WatchOptions = {}): Watch {
    return new Watch(this.#calls, options);
  }

  /** Ends all calls, streams, watches and renewals. Resolves when no socket and no timer is left. Idempotent. */
  close(): Promise<void> {
    return this.#calls.close();
  }
}
