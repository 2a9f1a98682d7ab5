/** A snapshot's way from one member to another: whole, resumed after losses, refused after restarts, held to its rate. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_MEMBER } from '@quorate/raft';
import { nodePlatform } from '../../src/adapters/platform.js';
import { type ArrivedSnapshot, SnapshotReceiver } from '../../src/replica/snapshot-receiver.js';
import { SnapshotSender } from '../../src/replica/snapshot-sender.js';
import { StateMachine } from '../../src/replica/state-machine.js';
import { noTrace } from '../../src/seams/index.js';
import { encodeCommand, putOf } from '../../src/store/index.js';
import { MemoryDisk } from '../../src/testing/index.js';
import type { PeerMessage } from '../../src/wire/index.js';
import { Scheduler, seededRandom } from '../wal/support.js';

const SENDER = 1;
const RECEIVER = 2;
const KEYS = 50;
const CHUNK_BYTES = 1_000;
const RESEND_TICKS = 5;
const GIVE_UP_TICKS = 50;

function machine(): StateMachine {
  const state = new StateMachine(nodePlatform);
  for (let index = 1; index <= KEYS; index++) {
    const operation = putOf(`key${index}`, new Uint8Array(500).fill(index));
    const data = encodeCommand(nodePlatform, { operation, limits: undefined });
    state.applyNormal({ index, term: 1, type: 'normal', data });
  }
  return state;
}

function chunksOf(state: StateMachine): number {
  const source = state.freeze().chunks();
  let chunks = 0;
  while (source.next(CHUNK_BYTES) !== undefined) chunks += 1;
  return chunks;
}

/** A sender and a receiver, joined by two lists of messages that a test may tamper with. */
class Pair {
  readonly state = machine();
  readonly toReceiver: PeerMessage[] = [];
  readonly toSender: PeerMessage[] = [];
  readonly outcomes: string[] = [];
  readonly arrived: ArrivedSnapshot[] = [];
  readonly scheduler = new Scheduler(seededRandom(1));
  readonly disk = new MemoryDisk({ schedule: this.scheduler.schedule, random: seededRandom(2) });
  readonly sender: SnapshotSender;
  receiver: SnapshotReceiver;
  turnRequested = false;

  constructor(bytesPerTickMax = 1_000_000) {
    this.sender = new SnapshotSender({
      bytesPerTickMax,
      chunkBytes: CHUNK_BYTES,
      firstTransferId: 7,
      resendTicks: RESEND_TICKS,
      giveUpTicks: GIVE_UP_TICKS,
      trace: noTrace,
      send: (_to, message) => void this.toReceiver.push(message),
      finished: (to, outcome) => void this.outcomes.push(`${to} ${outcome}`),
    });
    this.receiver = this.restartedReceiver();
  }

  restartedReceiver(): SnapshotReceiver {
    return new SnapshotReceiver({
      disk: this.disk,
      platform: nodePlatform,
      ids: { clusterId: 1, memberId: RECEIVER },
      giveUpTicks: GIVE_UP_TICKS,
      trace: noTrace,
      send: (_to, message) => void this.toSender.push(message),
      arrived: (snapshot) => {
        this.arrived.push(snapshot);
        snapshot.done('installed');
      },
      failed: (error) => assert.fail(error),
      requestTurn: () => {
        this.turnRequested = true;
      },
    });
  }

  /** Delivers everything under way, both ways, until nothing moves. `deliver` false loses a message. */
  run(deliver: (message: PeerMessage) => boolean = () => true): void {
    for (;;) {
      this.scheduler.drain();
      while (this.turnRequested) {
        this.turnRequested = false;
        this.receiver.turn();
      }
      const toReceiver = this.toReceiver.splice(0);
      const toSender = this.toSender.splice(0);
      if (toReceiver.length + toSender.length === 0) return;
      for (const message of toReceiver) {
        if (!deliver(message)) continue;
        if (message.kind === 'snapshot-begin') this.receiver.begin(SENDER, message);
        else if (message.kind === 'snapshot-chunk') this.receiver.chunk(SENDER, message);
      }
      for (const message of toSender) {
        if (message.kind === 'snapshot-ack' && deliver(message)) this.sender.acknowledge(RECEIVER, message);
      }
    }
  }

  ticks(count: number): void {
    for (let i = 0; i < count; i++) this.sender.tick();
  }

  /** The one snapshot that arrived holds the sender's state. */
  checkArrived(): void {
    assert.deepEqual(this.outcomes, [`${RECEIVER} finished`]);
    assert.equal(this.arrived.length, 1);
    const [snapshot] = this.arrived as [ArrivedSnapshot];
    assert.deepEqual(snapshot.metadata, this.state.position);
    assert.deepEqual(snapshot.state.store.hash(), this.state.store.hash());
    assert.equal(this.sender.active, 0);
  }
}

describe('a snapshot on its way', () => {
  it('arrives whole', () => {
    const pair = new Pair();
    pair.sender.start(RECEIVER, 3, pair.state.freeze());
    assert.equal(pair.sender.floorIndex, KEYS);
    pair.run();
    pair.checkArrived();
    assert.equal(pair.sender.floorIndex, Number.POSITIVE_INFINITY);
  });

  it('is the state of when it began, whatever is applied meanwhile', () => {
    const pair = new Pair(CHUNK_BYTES);
    const hash = pair.state.store.hash();
    const position = pair.state.position;
    pair.sender.start(RECEIVER, 3, pair.state.freeze());
    const operation = { kind: 'delete', key: 'key3', rangeEnd: undefined, returnPrevious: false } as const;
    const data = encodeCommand(nodePlatform, { operation, limits: undefined });
    pair.state.applyNormal({ index: KEYS + 1, term: 1, type: 'normal', data });
    for (let i = 0; i < 100; i++) {
      pair.ticks(1);
      pair.run();
    }
    assert.deepEqual(pair.arrived[0]?.state.store.hash(), hash);
    assert.deepEqual(pair.arrived[0]?.metadata, position);
  });

  it('goes on where it stands after messages were lost, and sends nothing twice that was acknowledged', () => {
    const pair = new Pair();
    pair.sender.start(RECEIVER, 3, pair.state.freeze());
    let chunks = 0;
    // The connection breaks after ten chunks, for a while.
    pair.run((message) => message.kind !== 'snapshot-chunk' || ++chunks <= 10);
    assert.deepEqual(pair.outcomes, []);
    const before = chunks;
    pair.ticks(RESEND_TICKS);
    pair.run((message) => {
      if (message.kind === 'snapshot-chunk') chunks += 1;
      return true;
    });
    pair.checkArrived();
    assert.equal(chunks - before, chunksOf(pair.state) - 10);
  });

  it('survives the loss of any single message', () => {
    let total = 0;
    const count = new Pair();
    count.sender.start(RECEIVER, 3, count.state.freeze());
    count.run(() => {
      total += 1;
      return true;
    });
    for (let lost = 0; lost < total - 1; lost++) {
      const pair = new Pair();
      pair.sender.start(RECEIVER, 3, pair.state.freeze());
      let at = 0;
      for (let round = 0; round < 4 && pair.outcomes.length === 0; round++) {
        pair.run(() => at++ !== lost);
        pair.ticks(RESEND_TICKS);
      }
      pair.run();
      if (pair.outcomes[0]?.endsWith('failed') === true) continue;
      pair.checkArrived();
    }
  });

  it('ends when the receiver has lost its half', () => {
    const pair = new Pair();
    pair.sender.start(RECEIVER, 3, pair.state.freeze());
    let chunks = 0;
    pair.run((message) => message.kind !== 'snapshot-chunk' || ++chunks <= 10);
    pair.receiver.abort();
    pair.receiver = pair.restartedReceiver();
    pair.ticks(RESEND_TICKS);
    pair.run();
    assert.deepEqual(pair.outcomes, [`${RECEIVER} failed`]);
    assert.equal(pair.arrived.length, 0);
  });

  it('is given up when nothing is heard for long', () => {
    const pair = new Pair();
    pair.sender.start(RECEIVER, 3, pair.state.freeze());
    pair.ticks(GIVE_UP_TICKS - 1);
    assert.deepEqual(pair.outcomes, []);
    pair.ticks(1);
    assert.deepEqual(pair.outcomes, [`${RECEIVER} failed`]);
  });

  it('keeps to its bytes per tick', () => {
    const pair = new Pair(CHUNK_BYTES);
    pair.sender.start(RECEIVER, 3, pair.state.freeze());
    pair.run();
    const sentPerTick: number[] = [];
    for (let tick = 0; tick < 10; tick++) {
      let bytes = 0;
      pair.ticks(1);
      pair.run((message) => {
        if (message.kind === 'snapshot-chunk') bytes += message.bytes.length;
        return true;
      });
      sentPerTick.push(bytes);
    }
    assert.ok(Math.max(...sentPerTick) <= 2 * CHUNK_BYTES, `bytes per tick: ${sentPerTick.join(' ')}`);
    assert.ok(sentPerTick.reduce((sum, bytes) => sum + bytes) >= 8 * CHUNK_BYTES);
  });

  for (const [reason, overtaken] of [
    ['has committed as much', { term: 3, commit: KEYS, leader: SENDER }],
    ['is in a later term', { term: 4, commit: 0, leader: SENDER }],
  ] as const) {
    it(`is dropped by a receiver that ${reason}`, () => {
      const pair = new Pair();
      pair.sender.start(RECEIVER, 3, pair.state.freeze());
      let chunks = 0;
      pair.run((message) => message.kind !== 'snapshot-chunk' || ++chunks <= 10);
      for (let tick = 0; tick < 2 * GIVE_UP_TICKS; tick++) {
        pair.receiver.tick({ term: 3, commit: KEYS - 1, leader: SENDER });
      }
      assert.equal(pair.receiver.active, true);
      pair.receiver.tick(overtaken);
      assert.equal(pair.receiver.active, false);
      pair.scheduler.drain();
      assert.deepEqual(pair.disk.list('snapshots'), []);
      // What still comes is refused, and begins nothing.
      pair.ticks(RESEND_TICKS);
      pair.run();
      assert.deepEqual(pair.outcomes, [`${RECEIVER} failed`]);
      assert.equal(pair.receiver.active, false);
      assert.deepEqual(pair.disk.list('snapshots'), []);
    });
  }

  it('is dropped by a receiver that has not heard of its sender as the leader for long', () => {
    const pair = new Pair();
    pair.sender.start(RECEIVER, 3, pair.state.freeze());
    let chunks = 0;
    pair.run((message) => message.kind !== 'snapshot-chunk' || ++chunks <= 10);
    const ticks = (count: number, leader: number): void => {
      for (let i = 0; i < count; i++) pair.receiver.tick({ term: 3, commit: 0, leader });
    };
    ticks(GIVE_UP_TICKS - 1, NO_MEMBER);
    // The connection was broken, and goes on.
    ticks(1, SENDER);
    ticks(GIVE_UP_TICKS - 1, NO_MEMBER);
    assert.equal(pair.receiver.active, true);
    ticks(1, NO_MEMBER);
    assert.equal(pair.receiver.active, false);
    pair.scheduler.drain();
    assert.deepEqual(pair.disk.list('snapshots'), []);
  });

  it('is not dropped any more when it has arrived as a whole: Raft decides on it', () => {
    const pair = new Pair();
    pair.sender.start(RECEIVER, 3, pair.state.freeze());
    pair.run((message) => {
      if (message.kind !== 'snapshot-chunk' || !message.last) return true;
      pair.receiver.chunk(SENDER, message);
      pair.receiver.tick({ term: 4, commit: KEYS, leader: RECEIVER });
      return false;
    });
    pair.checkArrived();
  });

  it('is refused when its bytes are damaged', () => {
    const pair = new Pair();
    pair.sender.start(RECEIVER, 3, pair.state.freeze());
    let chunks = 0;
    pair.run((message) => {
      if (message.kind === 'snapshot-chunk' && ++chunks === 5) message.bytes.fill(0xff);
      return true;
    });
    assert.deepEqual(pair.outcomes, [`${RECEIVER} failed`]);
    assert.equal(pair.arrived.length, 0);
  });

  it('does not wait behind a transfer to a member that never answers', () => {
    const silent = 3;
    const outcomes: string[] = [];
    const sent: [number, PeerMessage][] = [];
    const sender = new SnapshotSender({
      // A chunk takes longer than RESEND_TICKS: what is sent again to the silent one could take everything.
      bytesPerTickMax: CHUNK_BYTES / 40,
      chunkBytes: CHUNK_BYTES,
      firstTransferId: 7,
      resendTicks: RESEND_TICKS,
      giveUpTicks: GIVE_UP_TICKS,
      trace: noTrace,
      send: (to, message) => void sent.push([to, message]),
      finished: (to, outcome) => void outcomes.push(`${to} ${outcome}`),
    });
    const state = machine();
    sender.start(silent, 1, state.freeze());
    for (let tick = 0; tick < GIVE_UP_TICKS / 2; tick++) sender.tick();
    sender.start(RECEIVER, 1, state.freeze());
    let isFinished = false;
    for (let tick = 0; tick < 60 * GIVE_UP_TICKS && !isFinished; tick++) {
      sender.tick();
      for (const [to, message] of sent.splice(0)) {
        if (to !== RECEIVER || message.kind !== 'snapshot-chunk') continue;
        isFinished = message.last;
        const status = isFinished ? 'installed' : 'receiving';
        const offset = message.offset + message.bytes.length;
        sender.acknowledge(RECEIVER, { kind: 'snapshot-ack', transferId: message.transferId, offset, status });
      }
    }
    assert.ok(isFinished);
    for (let tick = 0; tick < GIVE_UP_TICKS; tick++) sender.tick();
    assert.deepEqual(outcomes.toSorted(), [`${RECEIVER} finished`, `${silent} failed`]);
  });

  it('ends with the membership of its receiver', () => {
    const pair = new Pair(CHUNK_BYTES);
    pair.sender.start(RECEIVER, 1, pair.state.freeze());
    pair.sender.dropAllBut(new Set([SENDER]));
    assert.equal(pair.sender.active, 0);
    assert.deepEqual(pair.outcomes, []);
  });
});
