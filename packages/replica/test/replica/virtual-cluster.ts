/**
 * A cluster of replicas in virtual time, over the virtual disk and network: members can be stopped, killed, cut off and held still, and
 * what follows from it is the same in each run.
 */
import assert from 'node:assert/strict';
import { nodePlatform } from '../../src/adapters/platform.js';
import { settleFolder } from '../../src/replica/bootstrap.js';
import type { Result } from '../../src/replica/failure.js';
import { COMMIT_NOTICE_PAUSE_MS } from '../../src/replica/limits.js';
import { recover } from '../../src/replica/recovery.js';
import { Replica } from '../../src/replica/replica.js';
import type { RecoveredState, ReplicaOptions } from '../../src/replica/replica-options.js';
import { restoredBatch, restoredState } from '../../src/replica/restore.js';
import { StateMachine } from '../../src/replica/state-machine.js';
import { noTrace, type Random } from '../../src/seams/index.js';
import { type Command, encodeCommand, type LeaseId, putOf, type Response, type Store } from '../../src/store/index.js';
import { MemoryDisk } from '../../src/testing/memory-disk.js';
import { type MemoryEndpoint, MemoryNetwork } from '../../src/testing/memory-network.js';
import { SnapshotWriter } from '../../src/wal/snapshot-file.js';

export const TICK_MS = 20;
export const HEARTBEAT_MS = 100;
export const ELECTION_MS = 500;
const CLUSTER_ID = 99;
const SEGMENT_BYTES = 1024 * 1024;

type Settings = Partial<ReplicaOptions>;

/** A linear congruential generator is random enough for latencies and elections. */
function randomOf(seed: number): Random {
  let state = seed;
  const integer = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  return { stream: () => ({ integer }) };
}

export class VirtualCluster {
  readonly members: readonly VirtualMember[];
  readonly network: MemoryNetwork;
  readonly random: Random;
  nowMs = 0;
  /** Told what waiters and watchers throw. */
  faulted: (error: unknown) => void = (error) => {
    throw error;
  };
  #events: { readonly atMs: number; readonly run: () => void }[] = [];

  constructor(size: number, settings: Settings = {}, seed = 1) {
    this.random = randomOf(seed);
    this.network = new MemoryNetwork({ schedule: this.after, random: this.random.stream('network') });
    this.network.setLatency(1, 5);
    const ids = Array.from({ length: size }, (_, n) => n + 1);
    this.members = ids.map((id) => new VirtualMember(this, id, ids, settings));
    for (const member of this.members) member.settle();
    for (const member of this.members) this.until(() => member.isSettled);
    for (const member of this.members) member.start();
    this.until(() => this.leader !== undefined);
  }

  readonly after = (delayMs: number, run: () => void): void => {
    const atMs = this.nowMs + delayMs;
    // Most of it is due soon: from the end is quick enough.
    let at = this.#events.length;
    while (at > 0 && (this.#events[at - 1]?.atMs ?? 0) > atMs) at -= 1;
    this.#events.splice(at, 0, { atMs, run });
  };

  run(forMs: number): void {
    const untilMs = this.nowMs + forMs;
    for (let first = this.#events[0]; first !== undefined && first.atMs <= untilMs; first = this.#events[0]) {
      this.#events.shift();
      this.nowMs = first.atMs;
      first.run();
    }
    this.nowMs = untilMs;
  }

  /** Runs until that is so; returns the time it took. */
  until(condition: () => boolean, limitMs = 60_000): number {
    const beganMs = this.nowMs;
    while (!condition()) {
      assert.ok(this.nowMs - beganMs < limitMs, `it has not come true in ${limitMs} ms of virtual time`);
      this.run(1);
    }
    return this.nowMs - beganMs;
  }

  /** Who leads the highest term, and has applied an entry of it. */
  get leader(): VirtualMember | undefined {
    return this.members
      .filter(({ replica }) => replica?.raft.role === 'leader' && replica.state.position.term === replica.raft.term)
      .toSorted((a, b) => (b.replica?.raft.term ?? 0) - (a.replica?.raft.term ?? 0))[0];
  }

  get theLeader(): VirtualMember {
    this.until(() => this.leader !== undefined);
    return this.leader as VirtualMember;
  }

  get followers(): readonly VirtualMember[] {
    const leader = this.theLeader;
    return this.members.filter((member) => member !== leader);
  }

  /** Until every running member has applied what the leader has. */
  settle(): void {
    this.until(() => {
      const index = this.leader?.replica?.raft.commit ?? Number.NaN;
      return this.members.every(({ replica }) => replica === undefined || replica.state.appliedIndex >= index);
    });
  }
}

export class VirtualMember {
  readonly id: number;
  readonly #cluster: VirtualCluster;
  readonly #ids: readonly number[];
  readonly #settings: Settings;
  #disk: MemoryDisk;
  #endpoint: MemoryEndpoint | undefined;
  #life = 0;
  #turnRequested = false;
  #noticesRequested = false;
  #isHeld = false;
  #backlog: (() => void)[] = [];
  isSettled = false;
  /** How long a turn that was asked for waits. */
  turnDelayMs = 0;
  /** How many it has taken. */
  turns = 0;
  replica: Replica | undefined;

  constructor(cluster: VirtualCluster, id: number, ids: readonly number[], settings: Settings) {
    this.#cluster = cluster;
    this.id = id;
    this.#ids = ids;
    this.#settings = settings;
    this.#disk = new MemoryDisk({ schedule: cluster.after, random: cluster.random.stream('disk') });
  }

  get store(): Store {
    assert.ok(this.replica, `member ${this.id} is up`);
    return this.replica.state.store;
  }

  /** Makes the folder of a member of a cluster that has nothing in it yet. */
  settle(): void {
    const members = this.#ids.map((id) => ({
      id,
      name: `n${id}`,
      peerAddress: `member-${id}:1`,
      clientAddress: '',
      instance: '',
      promoteWhenCaughtUp: false,
    }));
    const state = restoredState(nodePlatform, new StateMachine(nodePlatform), members, 0);
    const identity = { clusterId: CLUSTER_ID, memberId: this.id, name: `n${this.id}`, instance: 'x' };
    const frozen = state.freeze();
    const writer = new SnapshotWriter(this.#disk, nodePlatform, identity, frozen.metadata);
    const source = frozen.chunks();
    for (let chunk = source.next(65_536); chunk !== undefined; chunk = source.next(65_536)) {
      writer.write(chunk, () => {});
    }
    writer.finish((error) => {
      assert.equal(error, undefined);
      settleFolder({ disk: this.#disk, platform: nodePlatform }, identity, SEGMENT_BYTES, restoredBatch(), (failed) => {
        assert.equal(failed, undefined);
        this.isSettled = true;
      });
    });
  }

  start(): void {
    this.#life += 1;
    const life = this.#life;
    const recovered = this.#recover();
    recovered.wal.whenStarted(() => {
      if (life === this.#life) this.#begin(recovered, life);
    });
  }

  /** Its process is gone; its disk stays. */
  kill(): void {
    this.#life += 1;
    this.replica = undefined;
    this.#endpoint?.close();
    this.#backlog = [];
    this.#isHeld = false;
    this.#disk = this.#disk.kill();
  }

  /** It stands still until release(): what comes in waits, ticks are missed. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Timers come first, as in any process that was stopped; then what has come in. */
  release(): void {
    this.#isHeld = false;
    this.replica?.tick();
    for (const run of this.#backlog.splice(0)) run();
  }

  /** The answer appears in the returned object. */
  execute(operation: Command['operation']): { result?: Result<Response> } {
    const answer: { result?: Result<Response> } = {};
    this.#enter(() =>
      this.replica?.execute(encodeCommand(nodePlatform, { operation, limits: undefined }), (result) => {
        answer.result = result;
      }),
    );
    return answer;
  }

  /** Executes and waits for the store's response. */
  ask(operation: Command['operation']): Response {
    const answer = this.execute(operation);
    this.#cluster.until(() => answer.result !== undefined);
    assert.ok(answer.result?.ok, answer.result?.ok === false ? answer.result.message : '');
    return answer.result.value;
  }

  put(key: string, value: string, lease: LeaseId = 0n): Response {
    return this.ask(putOf(key, Buffer.from(value), { lease }));
  }

  grant(lease: LeaseId, ttlSeconds: number): Response {
    return this.ask({ kind: 'lease-grant', lease, ttlSeconds, timeMs: 0 });
  }

  #enter(run: () => void): void {
    if (this.#isHeld) this.#backlog.push(run);
    else run();
  }

  #recover(): RecoveredState {
    const options = { clusterId: CLUSTER_ID, memberId: this.id, segmentBytes: SEGMENT_BYTES, mustExist: true };
    const recovery = recover({ disk: this.#disk, platform: nodePlatform, trace: noTrace }, options);
    for (;;) {
      const step = recovery.next();
      if (step.done === true) return step.value;
    }
  }

  #begin(recovered: RecoveredState, life: number): void {
    const cluster = this.#cluster;
    const address = `member-${this.id}:1`;
    const endpoint = cluster.network.endpoint(this.id, { address, clusterId: CLUSTER_ID });
    this.#endpoint = endpoint;
    const replica = new Replica(
      this.#options(address),
      {
        clock: { nowMs: () => cluster.nowMs },
        disk: this.#disk,
        network: endpoint,
        random: cluster.random,
        trace: noTrace,
        platform: nodePlatform,
      },
      recovered,
      {
        requestTurn: () => this.#requestTurn(life),
        requestCommitNotices: () => this.#requestCommitNotices(life),
        halted: (reason) => assert.fail(`member ${this.id} halts: ${reason.message}`),
        faulted: (error) => cluster.faulted(error),
      },
    );
    this.replica = replica;
    const ifAlive = (run: () => void): void => {
      if (life === this.#life) this.#enter(run);
    };
    endpoint.start({
      frame: (from, channel, frame) => {
        const kept = frame.slice();
        ifAlive(() => replica.frame(from, channel, kept));
      },
      unreachable: (peer) => ifAlive(() => replica.unreachable(peer)),
      introduced: (peer) => ifAlive(() => replica.introduced(peer)),
      refused: (peer, reason) => ifAlive(() => replica.refused(peer, reason)),
    });
    this.#tickLater(life);
  }

  #options(peerAddress: string): ReplicaOptions {
    return {
      clusterId: CLUSTER_ID,
      memberId: this.id,
      name: `n${this.id}`,
      peerAddress,
      clientAddress: '',
      initialPeers: [],
      tickMs: TICK_MS,
      heartbeatTicks: HEARTBEAT_MS / TICK_MS,
      electionTicks: ELECTION_MS / TICK_MS,
      requestTimeoutTicks: 250,
      reads: 'safe',
      priority: 100,
      quotaBytes: -1,
      historyMode: 'off',
      historyRetentionMs: 1_000,
      historyRetentionRevisions: 100,
      historyBytesMax: 64 * 1024 * 1024,
      snapshotLogBytesMin: 32 * 1024 * 1024,
      snapshotBytesPerSecondMax: 128 * 1024 * 1024,
      ...this.#settings,
    };
  }

  #requestTurn(life: number): void {
    if (this.#turnRequested && life === this.#life) return;
    this.#turnRequested = true;
    this.#cluster.after(this.turnDelayMs, () => {
      if (life !== this.#life) return;
      this.#enter(() => {
        this.#turnRequested = false;
        this.turns += 1;
        this.replica?.turn();
      });
    });
  }

  #requestCommitNotices(life: number): void {
    if (this.#noticesRequested && life === this.#life) return;
    this.#noticesRequested = true;
    this.#cluster.after(COMMIT_NOTICE_PAUSE_MS, () => {
      if (life !== this.#life) return;
      this.#enter(() => {
        this.#noticesRequested = false;
        this.replica?.tellCommits();
      });
    });
  }

  #tickLater(life: number): void {
    this.#cluster.after(TICK_MS, () => {
      if (life !== this.#life) return;
      if (!this.#isHeld) this.replica?.tick();
      this.#tickLater(life);
    });
  }
}
