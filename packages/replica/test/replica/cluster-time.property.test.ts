/** [L1] Whatever happens to the leaders, no lease ends before its time is over, counted from when it was asked for last. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Replica } from '../../src/replica/replica.js';
import { VirtualCluster, type VirtualMember } from './virtual-cluster.js';

const TTL_SECONDS = 2;

type Step =
  | { readonly kind: 'wait'; readonly ms: number }
  | {
      readonly kind: 'renew' | 'revive' | 'kill' | 'hold' | 'release' | 'isolate' | 'transfer';
      readonly member: number;
    }
  | { readonly kind: 'heal' };

const member = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 1_500 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('renew' as const), member }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('kill' as const, 'hold' as const, 'isolate' as const, 'transfer' as const),
      member,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('revive' as const, 'release' as const), member }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('heal' as const) }) },
);

type Answer = ReturnType<VirtualMember['execute']>;

/** Follows one lease after the other: when it was asked for at the latest, by a request that was answered, and that it is there as long as it must be. */
class Follower {
  readonly #cluster: VirtualCluster;
  #lease = 1n;
  #asked: { readonly atMs: number; readonly answer: Answer }[] = [];
  /** Members that have had the lease in their present life. */
  readonly #holders = new Set<Replica>();

  constructor(seed: number) {
    this.#cluster = new VirtualCluster(3, {}, seed);
    this.#ask(this.#cluster.theLeader);
  }

  /** Renews the lease or, once it is over, grants another one. */
  #ask(member: VirtualMember): void {
    if (member.replica === undefined) return;
    const isOver = [...this.#holders].some(({ state }) => state.store.lease(this.#lease) === undefined);
    if (isOver) {
      this.#lease += 1n;
      this.#asked = [];
      this.#holders.clear();
    }
    const lease = this.#lease;
    const isNew = this.#asked.every(({ answer }) => answer.result?.ok !== true);
    const answer = member.execute(
      isNew
        ? { kind: 'lease-grant', lease, ttlSeconds: TTL_SECONDS, timeMs: 0 }
        : { kind: 'lease-renew', lease, timeMs: 0 },
    );
    this.#asked.push({ atMs: this.#cluster.nowMs, answer });
  }

  take(taken: Step): void {
    const { members, network } = this.#cluster;
    if (taken.kind === 'wait') {
      for (let ms = 0; ms < taken.ms; ms += 5) {
        this.#cluster.run(5);
        this.check();
      }
      return;
    }
    if (taken.kind === 'heal') {
      network.heal();
      return;
    }
    const about = members[taken.member];
    if (about === undefined) return;
    switch (taken.kind) {
      case 'renew':
        this.#ask(about);
        break;
      case 'kill':
        if (about.replica !== undefined && members.filter(({ replica }) => replica !== undefined).length > 2)
          about.kill();
        break;
      case 'revive':
        if (about.replica === undefined) about.start();
        break;
      case 'hold':
        if (about.replica !== undefined) about.hold();
        break;
      case 'release':
        about.release();
        break;
      case 'isolate':
        network.partition([members.filter(({ id }) => id !== about.id).map(({ id }) => id)]);
        break;
      case 'transfer':
        about.replica?.administer({ kind: 'transfer', target: 0 }, () => {});
        break;
    }
  }

  check(): void {
    const { members, nowMs } = this.#cluster;
    const given = this.#asked.filter(({ answer: { result } }) => result?.ok === true && result.value.kind === 'lease');
    const untilMs = (given.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY) + 1_000 * TTL_SECONDS;
    for (const { id, replica } of members) {
      if (replica === undefined) continue;
      const isThere = replica.state.store.lease(this.#lease) !== undefined;
      if (isThere) this.#holders.add(replica);
      const isEarly = !isThere && this.#holders.has(replica) && nowMs < untilMs;
      assert.ok(!isEarly, `at ${nowMs} member ${id} has ended a lease that was to last until ${untilMs}`);
    }
  }
}

describe('cluster time', () => {
  it('[L1] ends no lease before its time', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.array(step, { minLength: 5, maxLength: 40 }), (seed, steps) => {
        const follower = new Follower(seed);
        for (const taken of steps) follower.take(taken);
      }),
      { numRuns: 100 },
    );
  });
});
