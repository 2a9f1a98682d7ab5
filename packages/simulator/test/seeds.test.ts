/**
 * Fixed seeds: some that never found anything, and every one that ever failed. What a seed draws changes with every fault that is added,
 * so a seed alone is no memory: each defect of the product that one found is a mutant as well, which `make mutants` plants again to see
 * the simulator find it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutants } from '../mutants/catalogue.js';
import { run } from '../src/index.js';

const SEEDS = 30;

/** The seed that found it first; what it was; the mutant that brings it back. */
const FOUND: readonly (readonly [number, string, string])[] = [
  [11, 'a forwarded request that arrives twice is executed twice', 'forwarded-request-taken-twice'],
  [246, 'the chunks of two snapshots are mixed when their sender has restarted', 'transfers-numbered-anew'],
  [1042, 'a segment whose first write failed makes the member refuse to start', 'failed-first-write-refused'],
  [1351, 'a snapshot that waits for its own rate limit gives itself up', 'transfer-given-up-for-its-own-limit'],
  [2332, 'an answer to a former life is taken for the answer to another request', 'requests-numbered-anew'],
  [2854, 'the same, with the answer to a request about the membership', 'requests-numbered-anew'],
  [
    10591,
    'only a member that lost its disk knew that a configuration is committed',
    'configuration-known-in-memory-only',
  ],
  [21571, 'a segment that lost its first frame goes on without the hard state', 'bare-segment-without-hard-state'],
  [70281, 'a segment whose first write ended within the checksum of its header', 'failed-first-write-refused'],
  [112300344, 'a forward of a removed member that arrives twice is executed twice', 'removed-member-forwards-twice'],
  [
    1795989460,
    'a log was begun after a snapshot whose name was not durable yet',
    'snapshot-name-taken-for-durable-at-start',
  ],
  [
    1796055117,
    'a member that had restarted did not know any more who is started, and let one found itself that had lost its disk',
    'forgets-who-was-started',
  ],
];

for (const [seed, bug, name] of FOUND) {
  test(`a mutant brings back what seed ${seed} found: ${bug}`, () => {
    assert.ok(mutants.some((mutant) => mutant.name === name));
  });
}

/** Seeds that failed though the product was right, and what was wrong with the simulator. */
const FOUND_IN_THE_SIMULATOR: readonly (readonly [number, string])[] = [
  [
    434085379,
    'a watcher was told of an entry by a member that died in the step in which it applied it, before the oracle knew it',
  ],
  [
    1796001395,
    'a deposed leader heard late of an entry that its follower was overwriting, in a later term, when it died',
  ],
  [
    1796030332,
    'a change of the voters waited for a leader that stood still, and came when another voter had lost its disk',
  ],
  [1796032341, 'the same, with a damaged disk'],
  [1796043657, 'a founder that was alone on its list lost its disk: nobody could tell it that it had been started'],
  [1796071409, 'a cluster of one had grown to nine, and its calm was over before eight snapshots could have been sent'],
  [94455936, 'clients of a slow calm gave up and asked anew, and kept it overloaded until it was over'],
  [
    63242191,
    'one of two gave up founding the cluster that the other had founded, and which could add nobody without it',
  ],
];

const RUN_AGAIN = [...FOUND, ...FOUND_IN_THE_SIMULATOR].map(([seed, bug]) => [seed, bug] as const);

for (const [seed, bug] of RUN_AGAIN) {
  test(`seed ${seed}, which once found that ${bug}, runs without a violation`, () => {
    const { failure } = run({ seed });
    assert.equal(failure, undefined, failure?.message);
  });
}

test(`${SEEDS} seeds run without a violation`, () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { failure } = run({ seed });
    assert.equal(failure, undefined, `seed ${seed}: ${failure?.message}`);
  }
});
