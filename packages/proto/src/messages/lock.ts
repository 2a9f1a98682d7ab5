/** Service Lock: package v3lockpb. */
import { codecOf } from '../codec/registry.js';
import type { Codec } from '../codec/types.js';
import type { ResponseHeader } from './range.js';

export interface LockRequest {
  name: Uint8Array;
  /** Lease that the lock lives with, 0n for one of the server's. */
  lease: bigint;
}
export const LockRequest: Codec<LockRequest> = codecOf('v3lockpb.LockRequest');

export interface LockResponse {
  header: ResponseHeader | undefined;
  /** Exists for as long as the lock is held. */
  key: Uint8Array;
}
export const LockResponse: Codec<LockResponse> = codecOf('v3lockpb.LockResponse');

export interface UnlockRequest {
  key: Uint8Array;
}
export const UnlockRequest: Codec<UnlockRequest> = codecOf('v3lockpb.UnlockRequest');

export interface UnlockResponse {
  header: ResponseHeader | undefined;
}
export const UnlockResponse: Codec<UnlockResponse> = codecOf('v3lockpb.UnlockResponse');
