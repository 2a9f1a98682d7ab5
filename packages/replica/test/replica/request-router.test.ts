/** What the leader takes from other members, and from whom it takes nothing any more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePlatform } from '../../src/adapters/platform.js';
import { TCP_LIMITS } from '../../src/adapters/tcp-limits.js';
import { decodeFailure } from '../../src/replica/admin.js';
import { FORWARD_ANSWER_BYTES_MAX } from '../../src/replica/limits.js';
import { RequestRouter, type RequestRouterPort } from '../../src/replica/request-router.js';
import { Requests } from '../../src/replica/requests.js';
import { encodeCommand, putOf } from '../../src/store/index.js';
import type { Forward, ForwardReply, PeerMessage } from '../../src/wire/index.js';

function forwardOf(requestId: number): Forward {
  const command = encodeCommand(nodePlatform, {
    operation: putOf('key', new Uint8Array(1)),
    limits: undefined,
  });
  const body = new Uint8Array(command.length + 1);
  body.set(command, 1);
  return { kind: 'forward', requestId, body };
}

function routerAtLeader(port: Partial<RequestRouterPort>): RequestRouter {
  return new RequestRouter({
    requests: new Requests(),
    peers: { isUnreachable: () => false },
    platform: nodePlatform,
    refusal: () => undefined,
    isRemoved: () => false,
    admit: () => undefined,
    stampMs: () => 0,
    nowTick: () => 0,
    deadlineTick: () => 100,
    send: () => {},
    perform: () => {},
    requestTurn: () => {},
    faulted: assert.fail,
    ...port,
  } as RequestRouterPort);
}

function leader(propose: () => number): RequestRouterPort['raft'] {
  const raft = { role: 'leader', leader: 1, propose: () => ({ accepted: true, index: propose(), term: 1 }) };
  return raft as unknown as RequestRouterPort['raft'];
}

describe('RequestRouter', () => {
  it('[R6] takes nothing from a member that has left: what it had taken from it is forgotten', () => {
    const removed = new Set<number>();
    let proposed = 0;
    const router = routerAtLeader({
      raft: leader(() => ++proposed),
      isRemoved: (member: number) => removed.has(member),
    });
    router.receive(2, forwardOf(7));
    router.receive(2, forwardOf(7));
    assert.equal(proposed, 1, 'a frame that arrives twice is one write');
    removed.add(2);
    router.membersChanged(new Set([1, 3]));
    router.receive(2, forwardOf(7));
    assert.equal(proposed, 1, 'also when its sender has left meanwhile');
    router.receive(3, forwardOf(7));
    assert.equal(proposed, 2);
  });

  it('says of an answer that no frame could carry that the write was applied', () => {
    assert.ok(FORWARD_ANSWER_BYTES_MAX + 1024 < TCP_LIMITS.frameBytesMax);
    const sent: PeerMessage[] = [];
    const requests = new Requests();
    const router = routerAtLeader({ raft: leader(() => 1), requests, send: (_to, message) => sent.push(message) });
    router.receive(2, forwardOf(7));
    const value = new Uint8Array(1024 * 1024);
    const keyValue = { key: 'k', value, createRevision: 1, modRevision: 1, version: 1, lease: 0n };
    const previous = Array.from({ length: 40 }, () => keyValue);
    requests.applied(1, 1, { kind: 'delete', revision: 5, deleted: previous.length, previous });
    const [reply] = sent as [ForwardReply];
    assert.deepEqual([reply.requestId, reply.status, reply.reason], [7, 'unknown', 'answer-too-large']);
    assert.match(decodeFailure(reply.body).message, /^applied, but its answer has 419\d+ bytes.* 32505856/);
  });
});
