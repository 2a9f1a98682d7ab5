/** Keys, values and events: package mvccpb. */
import { codecOf } from '../codec/registry.js';
import type { Codec, UnknownEnum } from '../codec/types.js';

export type EventType = 'PUT' | 'DELETE' | UnknownEnum;

/** One key with its value, as of one revision. */
export interface KeyValue {
  key: Uint8Array;
  /** Revision that created the key's present generation. */
  createRevision: number;
  /** Revision of the last change. */
  modRevision: number;
  /** Number of puts since the creation: 1 for a new key. */
  version: number;
  value: Uint8Array;
  /** Lease that the key is attached to, 0n for none. */
  lease: bigint;
}
export const KeyValue: Codec<KeyValue> = codecOf('mvccpb.KeyValue');

/** One change of one key. */
export interface Event {
  type: EventType;
  /** The pair after the change; of a deletion only key and mod_revision. */
  kv: KeyValue | undefined;
  /** The pair before the change, if asked for and still there. */
  prevKv: KeyValue | undefined;
}
export const Event: Codec<Event> = codecOf('mvccpb.Event');
