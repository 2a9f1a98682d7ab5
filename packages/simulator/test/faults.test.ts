/** The parts that do harm: frames that are held or come twice, damage to a disk, and the plans. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDisk } from '@quorate/replica/internal';
import { run, SeededRandom } from '../src/index.js';
import { damageDisk } from '../src/world/damage.js';
import { Inbox } from '../src/world/inbox.js';
import { PLAN_NAMES } from '../src/world/scenario.js';
import { Schedule } from '../src/world/schedule.js';

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

test('frames pass, wait until they are let go, and come again in their order', () => {
  const delivered: number[] = [];
  const inbox = new Inbox((_from, _channel, frame) => void delivered.push(frame[0] ?? -1));
  inbox.frame(1, 'append', bytes(1));
  inbox.remember();
  inbox.hold((_from, channel) => channel === 'append');
  const lent = bytes(2);
  inbox.frame(1, 'append', lent);
  lent.fill(0xa5);
  inbox.frame(1, 'control', bytes(3));
  assert.deepEqual(delivered, [1, 3]);
  inbox.release();
  assert.deepEqual(delivered, [1, 3, 2]);
  inbox.repeat();
  inbox.repeat();
  assert.deepEqual(delivered, [1, 3, 2, 2, 3]);
});

function fail(error: Error | undefined): void {
  assert.equal(error, undefined);
}

/** Two begun segments, one that was made ahead, and an identity. */
function diskOfAMember(): MemoryDisk {
  const schedule = new Schedule();
  const random = new SeededRandom(1);
  const disk = new MemoryDisk({ schedule: schedule.after, random: random.stream('disk') });
  const settle = (): void => {
    while (schedule.next(Number.POSITIVE_INFINITY));
  };
  disk.makeDirectory('wal', fail);
  settle();
  for (const [path, content] of [
    ['wal/0000000000000001.log', 7],
    ['wal/0000000000000002.log', 8],
    ['wal/0000000000000003.log', 0],
    ['identity.json', 9],
  ] as const) {
    disk.create(path, 1024, fail);
    settle();
    disk.write(path, 0, [new Uint8Array(600).fill(content)], fail);
    settle();
    disk.sync(path, fail);
    settle();
  }
  disk.syncDirectory('wal', fail);
  disk.syncDirectory('', fail);
  settle();
  return disk;
}

test('a lost log leaves the identity; a lost segment is never the last one that was begun', () => {
  const random = new SeededRandom(1).stream('damage');
  const disk = diskOfAMember();
  assert.deepEqual(damageDisk(disk, 'lost-segment', random)?.mustBeRefused, false);
  assert.deepEqual(disk.list('wal'), ['0000000000000002.log', '0000000000000003.log']);
  assert.equal(damageDisk(disk, 'lost-segment', random), undefined);
  assert.deepEqual(damageDisk(disk, 'lost-log', random)?.mustBeRefused, true);
  assert.deepEqual(disk.list('wal'), []);
  assert.deepEqual(disk.crash().list(''), ['identity.json', 'wal']);
  assert.equal(damageDisk(disk, 'bit-rot', random), undefined);
});

test('bits rot in what was written, and a sector is lost nowhere in the last segment', () => {
  const random = new SeededRandom(2).stream('damage');
  for (let i = 0; i < 50; i += 1) {
    const what = damageDisk(diskOfAMember(), 'bit-rot', random)?.what ?? '';
    assert.match(
      what,
      /^a bit of byte \d+ of (?:wal\/000000000000000[12]\.log|identity\.json)(?:, whose last byte is 599,)? has flipped$|^wal\/0000000000000001\.log reads as zeros/,
    );
  }
});

for (const plan of PLAN_NAMES) {
  test(`the plan ${plan} is gone through, and breaks nothing`, () => {
    const { failure, faults } = run({
      seed: 1,
      change: { plan, members: 5, clients: 4, keys: 4, clockSkew: 0, stormMs: 5_000 },
    });
    assert.equal(failure, undefined, failure?.message);
    assert.ok((faults[plan] ?? 0) > 0);
  });
}
