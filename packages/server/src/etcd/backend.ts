/** What the services stand on. */
import type { Cluster, MemberDoor } from '@quorate/replica';
import type { Headers } from './header.js';

/** Settings of etcd's that services look at, in their units. */
export interface EtcdSettings {
  /** Most operations in a transaction (contract 10), at most TXN_OPERATIONS_CEILING. */
  readonly txnOperationsMax: number;
  /** Largest request that may go into the log, in bytes (contract 15). */
  readonly requestBytesMax: number;
  /** The election timeout in milliseconds: the shortest lease is one and a half of it (contract 27). */
  readonly electionMs: number;
  /** How often an idle watcher that asked for it is told of progress, in milliseconds (contract 23). */
  readonly progressIntervalMs: number;
}

export const ETCD_DEFAULTS: EtcdSettings = {
  txnOperationsMax: 128,
  requestBytesMax: 1_572_864,
  electionMs: 1_000,
  progressIntervalMs: 600_000,
};

/** What the store takes at all members (its TXN_OPERATIONS_MAX): no setting can be above it. Here so that flags are read without the store. */
export const TXN_OPERATIONS_CEILING = 16_384;

export interface EtcdBackend {
  readonly door: MemberDoor;
  readonly cluster: Cluster;
  readonly headers: Headers;
  readonly settings: EtcdSettings;
  /** Called once, when the server or its member begins to stop (at once if it has begun): streams end then. Returns the way to end it. */
  onStop(listener: () => void): () => void;
}
