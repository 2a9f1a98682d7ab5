/**
 * The checks can fail: defects planted between a member and its seams, or in a client's notes, are found. (Defects inside the
 * rooms of the product are another matter.)
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RunResult, run, type Scenario, type Tamper } from '../src/index.js';

const SEEDS_MAX = 40;
/** What values are filled up with: 'x'. */
const PADDING = 0x78;

/** Tries seeds until one fails. */
function detect(
  tamper: Tamper,
  change: Partial<Scenario>,
): { readonly seeds: number; readonly failure: NonNullable<RunResult['failure']> } {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const { failure } = run({ seed, change, tamper });
    if (failure !== undefined) return { seeds: seed, failure };
  }
  throw new assert.AssertionError({ message: `not detected in ${SEEDS_MAX} seeds` });
}

const STORMY: Partial<Scenario> = { members: 3, faults: { crash: 2, partition: 1 }, powerLoss: 1, clients: 4, keys: 2 };

test('a disk that confirms syncs without syncing is found', () => {
  const { failure } = detect(
    {
      disk: (disk) => ({
        list: (directory) => disk.list(directory),
        size: (path) => disk.size(path),
        read: (path, offset, length) => disk.read(path, offset, length),
        makeDirectory: (directory, done) => disk.makeDirectory(directory, done),
        create: (path, sizeBytes, done) => disk.create(path, sizeBytes, done),
        write: (path, offset, chunks, done) => disk.write(path, offset, chunks, done),
        writeSynced: (path, offset, chunks, done) => disk.write(path, offset, chunks, done),
        sync: (path, done) => disk.write(path, 0, [], done),
        truncate: (path, sizeBytes, done) => disk.truncate(path, sizeBytes, done),
        rename: (from, to, done) => disk.rename(from, to, done),
        remove: (path, done) => disk.remove(path, done),
        syncDirectory: (directory, done) => disk.syncDirectory(directory, done),
      }),
    },
    STORMY,
  );
  assert.match(failure.rule, /kept promises|recovery/);
});

test('a network that tells one sender for another is found', () => {
  const seen = new Map<number, number[]>();
  const { failure } = detect(
    {
      input: (input, to, random) => {
        const known = seen.get(to) ?? [];
        seen.set(to, known);
        return {
          ...input,
          frame: (from, channel, frame) => {
            if (!known.includes(from)) known.push(from);
            input.frame(random.chance(0.2) ? random.pick(known) : from, channel, frame);
          },
        };
      },
    },
    STORMY,
  );
  assert.match(
    failure.rule,
    /assertion|durable quorum|election safety|kept promises|leader completeness|matched log|state machine safety/,
  );
});

test('a network that alters what it carries is found', () => {
  const { failure } = detect(
    {
      input: (input, _to, random) => ({
        ...input,
        frame: (from, channel, frame) => {
          // The end of a frame of entries that is the padding of a value: still well-formed, but another one.
          const last = frame.length - 1;
          if (channel === 'append' && frame[last] === PADDING && random.chance(0.2)) frame[last] = PADDING + 1;
          input.frame(from, channel, frame);
        },
      }),
    },
    STORMY,
  );
  assert.equal(failure.rule, 'state machine safety');
});

test('a read that sees the value before the last one is found', () => {
  const before = new Map<string, string | null>();
  const { failure } = detect(
    {
      operation: (operation, random) => {
        if (operation.outcome !== 'ok') return;
        const { kind, key, found } = operation;
        if (kind === 'get' && random.chance(0.05)) operation.found = before.get(key) ?? null;
        else if (kind === 'put' && found !== undefined) before.set(key, found);
      },
    },
    { ...STORMY, gets: 4, puts: 4 },
  );
  assert.equal(failure.rule, 'linearizability');
});

test('a write that is acknowledged and was refused is found', () => {
  const { failure } = detect(
    {
      operation: (operation, random) => {
        if (operation.outcome === 'rejected' && operation.kind === 'put' && random.chance(0.5))
          operation.outcome = 'ok';
      },
    },
    STORMY,
  );
  assert.match(failure.rule, /linearizability|stale revision/);
});

test('a refusal of a write that took place is found', () => {
  const { failure } = detect(
    {
      operation: (operation, random) => {
        if (operation.outcome === 'ok' && operation.kind === 'put' && random.chance(0.1))
          operation.outcome = 'rejected';
      },
    },
    STORMY,
  );
  assert.equal(failure.rule, 'linearizability');
});
