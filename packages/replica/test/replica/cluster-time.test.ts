/** [L1] The argument of cluster-time.ts as a model: any leaders, any delays, whole seconds of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ClusterTime } from '../../src/replica/cluster-time.js';

const MEMBERS = 3;

/** What happens next: time passes, a member applies what is next for it, the leader stamps, another one leads. */
type Event =
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'apply' | 'lead' | 'restart'; readonly member: number }
  | { readonly kind: 'stamp' };

const member = fc.nat(MEMBERS - 1);
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 5_000 }) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('apply' as const), member }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('stamp' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('lead' as const, 'restart' as const), member }) },
  ),
  { maxLength: 120 },
);

interface Stamp {
  readonly term: number;
  readonly proposedMs: number;
  /** The state's time after it. */
  readonly stateMs: number;
}

class Model {
  nowMs = 1_000;
  readonly #log: Stamp[] = [];
  readonly #applied: number[] = Array.from({ length: MEMBERS }, () => 0);
  readonly #clock = { nowMs: (): number => this.nowMs };
  readonly #times: ClusterTime[] = this.#applied.map(() => new ClusterTime(this.#clock, 0));
  #term = 1;
  #leader = 0;

  take(event: Event): void {
    switch (event.kind) {
      case 'pass':
        this.nowMs += event.ms;
        break;
      case 'apply':
        this.#apply(event.member);
        break;
      case 'lead':
        this.#leader = event.member;
        this.#term += 1;
        break;
      case 'restart':
        this.#times[event.member] = new ClusterTime(this.#clock, this.#stateMs(event.member));
        // Nobody leads on after a restart.
        if (event.member === this.#leader) this.take({ kind: 'lead', member: (event.member + 1) % MEMBERS });
        break;
      case 'stamp':
        this.#stamp();
        break;
    }
    this.#check();
  }

  #stateMs(of: number): number {
    return this.#log[(this.#applied[of] ?? 0) - 1]?.stateMs ?? 0;
  }

  #apply(by: number): void {
    const stamp = this.#log[this.#applied[by] ?? 0];
    if (stamp === undefined) return;
    this.#applied[by] = (this.#applied[by] ?? 0) + 1;
    this.#times[by]?.follow(stamp.stateMs, by === this.#leader && stamp.term === this.#term);
  }

  /** Only once everything of earlier terms is applied here. */
  #stamp(): void {
    const earlier = this.#log.findLastIndex(({ term }) => term < this.#term) + 1;
    while ((this.#applied[this.#leader] ?? 0) < earlier) this.#apply(this.#leader);
    const stampMs = this.#times[this.#leader]?.nowMs ?? 0;
    const stateMs = Math.max(this.#log.at(-1)?.stateMs ?? 0, stampMs);
    assert.equal(stateMs, stampMs, 'stamps do not go back');
    this.#log.push({ term: this.#term, proposedMs: this.nowMs, stateMs });
  }

  #check(): void {
    const last = this.#log.at(-1);
    for (const { proposedMs, stateMs } of this.#log) {
      if (last !== undefined) assert.ok(last.stateMs - stateMs <= last.proposedMs - proposedMs, 'stamps outrun time');
    }
    for (const [id, time] of this.#times.entries()) {
      for (const { proposedMs, stateMs } of this.#log.slice(0, this.#applied[id])) {
        const isAhead = time.nowMs - stateMs > this.nowMs - proposedMs;
        assert.ok(
          !isAhead,
          `member ${id} says ${time.nowMs} at ${this.nowMs}, after a stamp of ${stateMs} at ${proposedMs}`,
        );
      }
    }
  }
}

describe('ClusterTime', () => {
  it('[L1] is at no member ahead of what has passed since any stamp was proposed', () => {
    fc.assert(
      fc.property(events, (taken) => {
        const model = new Model();
        for (const event of taken) model.take(event);
      }),
      { numRuns: 500 },
    );
  });

  it('[L1] is set back by a stamp that is equal to the one before, too', () => {
    const clock = { now: 0, nowMs: (): number => clock.now };
    const time = new ClusterTime(clock, 0);
    time.follow(1_000, false);
    clock.now += 5_000;
    assert.equal(time.nowMs, 6_000);
    // The next leader applied the first stamp in the very millisecond in which it made its own.
    time.follow(1_000, false);
    assert.equal(time.nowMs, 1_000);
  });

  it('goes on at its leader undisturbed by the stamps that come back', () => {
    let nowMs = 50;
    const time = new ClusterTime({ nowMs: () => nowMs }, 1_000);
    for (let stamped = 0; stamped < 100; stamped++) {
      const stampMs = time.nowMs;
      nowMs += 7;
      time.follow(stampMs, true);
      assert.equal(time.nowMs, 1_000 + nowMs - 50);
    }
  });
});
