/** What a server that stands in etcd's place has besides its configuration. */
import type { OpenOptions } from '@quorate/replica';
import type { EtcdSettings } from './etcd/backend.js';

/** Handed to the member as it is. */
export type PlaceOptions = Pick<
  OpenOptions,
  | 'clientUrls'
  | 'cluster'
  | 'forceNewCluster'
  | 'learnersMax'
  | 'quotaBytes'
  | 'historyMode'
  | 'historyRetentionMs'
  | 'historyRetentionRevisions'
  | 'historyBytesMax'
>;

export interface EtcdPlace {
  /** host:port of further interfaces for clients, besides SERVER_ADDRESS. */
  readonly clientAddresses: readonly string[];
  /** host:port of interfaces that serve health and metrics only. */
  readonly metricsAddresses: readonly string[];
  /** host:port of further interfaces for members, besides SERVICE_RAFT_ADDR. */
  readonly peerAddresses: readonly string[];
  readonly settings: Omit<EtcdSettings, 'electionMs'>;
  readonly member: PlaceOptions;
}
