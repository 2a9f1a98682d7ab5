/** Where a request stands while it is under way, and how each of them ends. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { outcomeUnknown } from '../../src/replica/failure.js';
import { WAITING_REQUESTS_MAX } from '../../src/replica/limits.js';
import { RecentRequests } from '../../src/replica/recent-requests.js';
import {
  type CommandOwner,
  CommandRequest,
  type CommandWaiter,
  type Request,
  Requests,
} from '../../src/replica/requests.js';

const FAR = 1_000;

function command(ends: string[], name = 'request', deadlineTick = FAR): Request {
  const waiter: CommandWaiter = {
    done: (result) => ends.push(`${name} ${result.ok ? 'done' : `${result.code}/${result.outcome}`}`),
  };
  return new CommandRequest(new Uint8Array(1), waiter, deadlineTick, false, {
    resubmit: () => {},
    faulted: assert.fail,
  });
}

function proposed(ends: string[], name: string, term: number, deadlineTick = FAR) {
  return {
    term,
    deadlineTick,
    applied: () => void ends.push(`${name} applied`),
    overwritten: () => void ends.push(`${name} overwritten`),
    fail: ({ code }: { code: string }) => void ends.push(`${name} ${code}`),
  };
}

describe('RecentRequests', () => {
  it('[R6] takes a forwarded request once, from each sender', () => {
    const recent = new RecentRequests();
    assert.equal(recent.take(2, 7), true);
    assert.equal(recent.take(2, 7), false);
    assert.equal(recent.take(3, 7), true);
    recent.forgetAllBut(new Set([3]));
    assert.equal(recent.take(3, 7), false);
  });

  it('remembers as many as a sender can have under way, and no more', () => {
    const recent = new RecentRequests();
    for (let id = 0; id <= WAITING_REQUESTS_MAX; id++) recent.take(2, id);
    assert.equal(recent.take(2, WAITING_REQUESTS_MAX), false);
    assert.equal(recent.take(2, 1), false);
    assert.equal(recent.take(2, 0), true);
  });
});

describe('Requests', () => {
  it('[R4] answers a proposal by the entry of its own term only', () => {
    const ends: string[] = [];
    const requests = new Requests();
    requests.propose(5, proposed(ends, 'a', 2));
    requests.propose(6, proposed(ends, 'b', 2));
    requests.applied(5, 2, undefined);
    requests.applied(6, 3, undefined);
    assert.deepEqual(ends, ['a applied', 'b overwritten']);
    assert.equal(requests.pending, 0);
  });

  it('[R4] tells a put that was applied without a response to whoever waits for it, in as few words as that one wants', () => {
    const heard: unknown[] = [];
    const requests = new Requests();
    const owner: CommandOwner = {
      resubmit: ({ data }) => void heard.push(['again', data[0]]),
      faulted: assert.fail,
    };
    const propose = (index: number, waiter: CommandWaiter): void => {
      const request = new CommandRequest(Uint8Array.of(index), waiter, FAR, false, owner);
      request.term = 2;
      requests.propose(index, request);
    };
    const done = (result: unknown): void => void heard.push(result);
    const put = (revision: number): void => void heard.push(revision);
    for (const index of [5, 7]) propose(index, { done });
    for (const index of [6, 8, 9]) propose(index, { done, put });
    requests.appliedPut(5, 2, 10);
    requests.appliedPut(6, 2, 11);
    requests.appliedPut(7, 3, 12);
    requests.appliedPut(8, 3, 13);
    requests.failUndecided();
    requests.appliedPut(9, 2, 14);
    const value = { kind: 'put', revision: 10, previous: undefined };
    assert.deepEqual(heard, [{ ok: true, value }, 11, ['again', 7], ['again', 8], outcomeUnknown]);
    assert.equal(requests.pending, 0);
  });

  it('[R5] calls the outcome unknown where another proposal takes the index before anything is applied there', () => {
    const ends: string[] = [];
    const requests = new Requests();
    requests.propose(5, proposed(ends, 'a', 2));
    requests.propose(5, proposed(ends, 'b', 4));
    assert.deepEqual(ends, ['a outcome-unknown']);
    requests.applied(5, 4, undefined);
    assert.deepEqual(ends, ['a outcome-unknown', 'b applied']);
  });

  it('[R5] calls the outcome unknown for what a snapshot jumped over', () => {
    const ends: string[] = [];
    const requests = new Requests();
    requests.propose(5, proposed(ends, 'a', 2));
    requests.propose(9, proposed(ends, 'b', 2));
    requests.skippedTo(7);
    assert.deepEqual(ends, ['a outcome-unknown']);
    assert.equal(requests.pending, 1);
  });

  it('[R5] calls the outcome unknown for what was forwarded over a connection that broke', () => {
    const ends: string[] = [];
    const requests = new Requests();
    requests.forward(command(ends, 'a'), 2);
    const id = requests.forward(command(ends, 'b'), 3);
    requests.unreachable(2);
    assert.deepEqual(ends, ['a outcome-unknown/unknown']);
    assert.ok(id !== undefined && requests.takeForwarded(id, 3));
  });

  it('takes an answer only from the member that was asked, and once', () => {
    const requests = new Requests();
    const id = requests.forward(command([]), 2) ?? 0;
    assert.equal(requests.takeForwarded(id, 3), undefined);
    assert.ok(requests.takeForwarded(id, 2));
    assert.equal(requests.takeForwarded(id, 2), undefined);
  });

  it('gives a former leader only a moment more to answer', () => {
    const ends: string[] = [];
    const requests = new Requests();
    requests.forward(command(ends, 'a'), 2);
    requests.forward(command(ends, 'b'), 3);
    requests.leaderChanged(3, 10);
    requests.expire(10);
    assert.deepEqual(ends, ['a outcome-unknown/unknown']);
  });

  it('ends what waits as surely not applied, what was proposed as unknown', () => {
    const ends: string[] = [];
    const requests = new Requests();
    requests.wait(command(ends, 'waiting', 10));
    requests.propose(5, proposed(ends, 'proposed', 2, 10));
    requests.expire(9);
    assert.deepEqual(ends, []);
    requests.expire(10);
    assert.deepEqual(ends, ['waiting no-leader/rejected', 'proposed outcome-unknown']);
    assert.equal(requests.failedTotal, 2);
  });
});
