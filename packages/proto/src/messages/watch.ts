/** Service Watch. */
import { codecOf } from '../codec/registry.js';
import type { Codec, Empty, UnknownEnum } from '../codec/types.js';
import type { Event } from './kv.js';
import type { ResponseHeader } from './range.js';

export type FilterType = 'NOPUT' | 'NODELETE' | UnknownEnum;

/** At most one of the three is set. */
export interface WatchRequest {
  createRequest: WatchCreateRequest | undefined;
  cancelRequest: WatchCancelRequest | undefined;
  progressRequest: WatchProgressRequest | undefined;
}
export const WatchRequest: Codec<WatchRequest> = codecOf('etcdserverpb.WatchRequest');

export interface WatchCreateRequest {
  key: Uint8Array;
  /** As in RangeRequest. */
  rangeEnd: Uint8Array;
  /** First revision to tell of, 0 for what comes next. */
  startRevision: number;
  /** Tell the revision now and then when nothing happens. */
  progressNotify: boolean;
  /** Kinds of events to leave out. */
  filters: FilterType[];
  prevKv: boolean;
  /** Wanted ID, 0 to get one. */
  watchId: number;
  /** Large replies may be split. */
  fragment: boolean;
}
export const WatchCreateRequest: Codec<WatchCreateRequest> = codecOf('etcdserverpb.WatchCreateRequest');

export interface WatchCancelRequest {
  watchId: number;
}
export const WatchCancelRequest: Codec<WatchCancelRequest> = codecOf('etcdserverpb.WatchCancelRequest');

/** Asks for the stream's progress at once. */
export type WatchProgressRequest = Empty;
export const WatchProgressRequest: Codec<WatchProgressRequest> = codecOf('etcdserverpb.WatchProgressRequest');

export interface WatchResponse {
  header: ResponseHeader | undefined;
  /** -1 for progress of the whole stream and for refused creations. */
  watchId: number;
  created: boolean;
  canceled: boolean;
  /** Not 0 when the watch ended because its start is compacted: the oldest revision still to be had. */
  compactRevision: number;
  cancelReason: string;
  /** More of the same revision follows in the next reply. */
  fragment: boolean;
  events: Event[];
}
export const WatchResponse: Codec<WatchResponse> = codecOf('etcdserverpb.WatchResponse');
