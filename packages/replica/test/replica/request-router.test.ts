/** What the leader takes from other members, and from whom it takes nothing any more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePlatform } from '../../src/adapters/platform.js';
import { RequestRouter, type RequestRouterPort } from '../../src/replica/request-router.js';
import { Requests } from '../../src/replica/requests.js';
import { encodeCommand, putOf } from '../../src/store/index.js';
import type { Forward } from '../../src/wire/index.js';

function forwardOf(requestId: number): Forward {
  const command = encodeCommand(nodePlatform, {
    operation: putOf('key', new Uint8Array(1)),
    limits: undefined,
  });
  const body = new Uint8Array(command.length + 1);
  body.set(command, 1);
  return { kind: 'forward', requestId, body };
}

describe('RequestRouter', () => {
  it('[R6] takes nothing from a member that has left: what it had taken from it is forgotten', () => {
    const removed = new Set<number>();
    let proposed = 0;
    const raft = {
      role: 'leader',
      leader: 1,
      propose: () => ({ accepted: true, index: ++proposed, term: 1 }),
    };
    const router = new RequestRouter({
      raft,
      requests: new Requests(),
      peers: { isUnreachable: () => false },
      platform: nodePlatform,
      refusal: () => undefined,
      isRemoved: (member: number) => removed.has(member),
      admit: () => undefined,
      stampMs: () => 0,
      nowTick: () => 0,
      deadlineTick: () => 100,
      send: () => {},
      perform: () => {},
      requestTurn: () => {},
    } as unknown as RequestRouterPort);
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
});
