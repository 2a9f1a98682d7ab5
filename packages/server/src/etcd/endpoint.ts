/**
 * The etcd side of a server: the services over its member, carried by gRPC and by the JSON gateway. gRPC connections that come
 * before the member is open are closed at once; clients try again.
 */
import type { Socket } from 'node:net';
import { type GrpcServer, HealthService, ServingStatus } from '@quorate/grpc';
import type { Member } from '@quorate/replica';
import type { EtcdBackend, EtcdSettings } from './backend.js';
import { CallCounts } from './call-counts.js';
import { Gateway, type GatewayOptions } from './gateway.js';
import { grpcServer } from './grpc-binding.js';
import { Headers } from './header.js';
import type { Served } from './service.js';
import { etcdServices } from './services.js';

/** gRPC's own limit on requests lies this much above etcd's, so that it is etcd's error that a client meets first (contract 15). */
const RECEIVE_SLACK_BYTES = 512 * 1024;

export interface EtcdEndpointOptions extends Omit<GatewayOptions, 'messageBytesMax' | 'requestBytesMax' | 'counts'> {
  readonly settings: EtcdSettings;
  readonly connectionsMax: number;
}

export class EtcdEndpoint {
  /** For requests of HTTP/1.1. */
  readonly gateway: Gateway;
  readonly counts: CallCounts = new CallCounts();
  readonly #options: EtcdEndpointOptions;
  readonly #stopListeners = new Set<() => void>();
  #server: GrpcServer | undefined;
  #health: HealthService | undefined;
  #services: readonly Served[] = [];
  #isStopping = false;

  constructor(options: EtcdEndpointOptions) {
    this.#options = options;
    const { requestBytesMax } = options.settings;
    this.gateway = new Gateway({
      ...options,
      requestBytesMax,
      messageBytesMax: this.#messageBytesMax,
      counts: this.counts,
    });
  }

  get #messageBytesMax(): number {
    return this.#options.settings.requestBytesMax + RECEIVE_SLACK_BYTES;
  }

  /** Bytes of gRPC connections since the start. */
  get grpcBytes(): { readonly read: number; readonly written: number } {
    const stats = this.#server?.stats();
    return { read: stats?.bytesRead ?? 0, written: stats?.bytesWritten ?? 0 };
  }

  /** Every method that is served; none before attach(). */
  get services(): readonly Served[] {
    return this.#services;
  }

  attach(member: Member): void {
    const { settings, connectionsMax, onFault } = this.#options;
    const { door, cluster } = member;
    const backend: EtcdBackend = {
      door,
      cluster,
      headers: new Headers(door),
      settings,
      onStop: (listener) => this.#onStop(listener),
    };
    door.onStop(() => this.beginStop());
    this.#services = etcdServices(backend);
    this.#server = grpcServer(this.#services, this.counts, {
      messageBytesMax: this.#messageBytesMax,
      connectionsMax,
      onHandlerError: onFault,
    });
    this.#health = new HealthService(this.#server);
    this.#health.set('', ServingStatus.serving);
    this.gateway.serve(this.#services);
  }

  /** `head`: what was read of the connection so far. */
  accept(socket: Socket, head: Buffer): void {
    if (this.#server === undefined || this.#isStopping) socket.destroy();
    else this.#server.accept(socket, head);
  }

  /** Ends the streams that would go on for ever; calls under way are finished. */
  beginStop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#health?.set('', ServingStatus.notServing);
    for (const listener of this.#stopListeners) listener();
    this.#stopListeners.clear();
    this.gateway.beginStop();
  }

  /** Resolves when every connection is closed: at the latest after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.beginStop();
    await this.#server?.close(graceMs);
  }

  #onStop(listener: () => void): () => void {
    if (this.#isStopping) listener();
    else this.#stopListeners.add(listener);
    return () => this.#stopListeners.delete(listener);
  }
}
