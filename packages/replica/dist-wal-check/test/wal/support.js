/** A member's log on a virtual disk, for tests: a scheduler that can be stepped, and recovery in one call. */
import assert from 'node:assert/strict';
import { nodePlatform } from '../../src/adapters/platform.js';
import { MemoryDisk } from '../../src/testing/memory-disk.js';
import { recoverWal } from '../../src/wal/wal.js';
/** Mulberry32: small, and the same everywhere. */
export function seededRandom(seed) {
    let state = seed >>> 0;
    return {
        integer: (bound) => {
            state = (state + 0x6d2b79f5) >>> 0;
            let mixed = Math.imul(state ^ (state >>> 15), state | 1);
            mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
            return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
        },
    };
}
/** What is due, run in random order (delays are only a hint): every interleaving is possible. */
export class Scheduler {
    #due = [];
    #random;
    constructor(random) {
        this.#random = random;
    }
    schedule = (_delayMs, run) => {
        this.#due.push(run);
    };
    step() {
        if (this.#due.length === 0)
            return false;
        const [run] = this.#due.splice(this.#random.integer(this.#due.length), 1);
        run?.();
        return true;
    }
    drain() {
        while (this.step())
            ;
    }
}
export class World {
    random;
    scheduler;
    operations = [];
    disk;
    constructor(seed = 1) {
        this.random = seededRandom(seed);
        this.scheduler = new Scheduler(this.random);
        this.disk = new MemoryDisk({
            schedule: this.scheduler.schedule,
            random: this.random,
            latencyMs: (operation, path, bytes) => {
                this.operations.push({ operation, path, bytes });
                return 0;
            },
        });
    }
    /** Runs the operation and everything else that is due. */
    finish(operation) {
        let outcome;
        operation((error) => {
            assert.equal(outcome, undefined, 'answered twice');
            outcome = { error };
        });
        this.scheduler.drain();
        assert.ok(outcome !== undefined, 'never answered');
        return outcome.error;
    }
    succeed(operation) {
        assert.equal(this.finish(operation), undefined);
    }
    recover(options = {}, snapshot = ORIGIN) {
        const recovered = recover(this.disk, options, snapshot);
        return recovered;
    }
    /** Recovers and waits for the log's start. */
    open(options = {}, snapshot = ORIGIN) {
        const recovered = this.recover(options, snapshot);
        this.succeed((done) => recovered.wal.whenStarted(done));
        return recovered;
    }
    append(wal, batch) {
        this.succeed((done) => wal.append(makeBatch(batch), done));
    }
}
export const ORIGIN = { index: 0, term: 0 };
export const OPTIONS = { segmentBytes: 16 * 1024, clusterId: 77, memberId: 5 };
export function recover(disk, options, snapshot) {
    const recovery = recoverWal(disk, nodePlatform, { ...OPTIONS, ...options }, snapshot);
    const final = [];
    for (;;) {
        const step = recovery.next();
        if (step.done === true) {
            const all = [...final, ...step.value.entries];
            for (const [i, found] of all.entries())
                assert.equal(found.index, snapshot.index + i + 1, 'contiguous');
            return { ...step.value, all, finalCount: final.length };
        }
        final.push(...step.value);
    }
}
export function makeBatch(batch) {
    return { hardState: undefined, entries: [], reset: undefined, mustSync: true, ...batch };
}
export function entry(index, term, text = `entry ${index}`) {
    return { index, term, type: 'normal', data: new TextEncoder().encode(text) };
}
export function entries(first, last, term, bytes = 20) {
    return Array.from({ length: last - first + 1 }, (_, i) => entry(first + i, term, `${first + i}.${term} `.padEnd(bytes, 'x')));
}
export function hardState(term, vote, commit) {
    return { term, vote, commit };
}
/** Entries as text, for comparison. */
export function show(list) {
    return list.map(({ index, term, type, data }) => `${index}@${term} ${type} ${Buffer.from(data).toString('base64')}`);
}
//# sourceMappingURL=support.js.map