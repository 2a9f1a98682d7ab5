/**
 * Requests about the membership: they are decided at the leader, and travel there as JSON because they are rare.
 */
import type { MemberId } from '@quorate/raft';
import type { DirectoryMember, Publication } from './directory.js';
import type { Failure } from './failure.js';
import type { NeededRevisions } from './history.js';
import type { AddRequest, AdmitRequest } from './membership.js';

export type AdminOperation =
  | { readonly kind: 'add'; readonly request: AddRequest }
  | { readonly kind: 'admit'; readonly request: AdmitRequest }
  | { readonly kind: 'update'; readonly id: MemberId; readonly peerUrls: readonly string[] }
  | { readonly kind: 'promote'; readonly id: MemberId; readonly learnerOnly?: boolean }
  | { readonly kind: 'remove'; readonly id: MemberId }
  /** `target` 0: whoever has most of the log. */
  | { readonly kind: 'transfer'; readonly target: MemberId }
  | { readonly kind: 'publish'; readonly publication: Publication }
  /** Watchers of `member` that are behind need history from there on. */
  | ({ readonly kind: 'hold'; readonly member: MemberId } & NeededRevisions);

/** `memberId`: the member that the operation was about. */
export interface AdminAnswer {
  readonly clusterId: number;
  readonly memberId: MemberId;
  readonly members: readonly DirectoryMember[];
}

export function encodeJson(value: AdminOperation | AdminAnswer | Failure): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

export function decodeOperation(bytes: Uint8Array): AdminOperation {
  return JSON.parse(new TextDecoder().decode(bytes)) as AdminOperation;
}

export function decodeAnswer(bytes: Uint8Array): AdminAnswer {
  return JSON.parse(new TextDecoder().decode(bytes)) as AdminAnswer;
}

export function decodeFailure(bytes: Uint8Array): Failure {
  return JSON.parse(new TextDecoder().decode(bytes)) as Failure;
}
