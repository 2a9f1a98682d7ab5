/**
 * One member of the simulated cluster: a name, a disk that outlives it, and lives, one after the other.
 *
 *   down -> starting (identity, found or join, recovery, log settled) -> up -> down (crash, kill, halt) -> ...
 *
 * Everything that reaches the replica comes in through enter(): there it is dropped if the life is over, put aside while the
 * member is paused, and followed by the checks. A crash within a call (at a crash point) cannot unwind the call; from that
 * moment on nothing that it does gets out: no frame, no disk operation, no answer. That is as good as never having gone on.
 */
import { type ConfigChange, type MemberId, NO_MEMBER } from '@quorate/raft';
import {
  type AdminAnswer,
  type AdminOperation,
  type Channel,
  COMMIT_NOTICE_PAUSE_MS,
  type DiskError,
  type Failure,
  type Identity,
  type MemoryDisk,
  type NetworkInput,
  type PeerAddress,
  type RecoveredState,
  Replica,
  type Response,
  type Result,
  readIdentity,
  recover,
  settleFolder,
  type Trace,
  WalError,
  writeIdentity,
} from '@quorate/replica/internal';
import { require, Violation } from '../checks/violation.js';
import { type Damage, type DamageKind, damageDisk } from './damage.js';
import { GatedDisk } from './gated-disk.js';
import { Inbox } from './inbox.js';
import { Life } from './life.js';
import { replicaOptions } from './member-options.js';
import type { SeededRandom, Stream } from './random.js';
import { SkewedClock } from './skewed-clock.js';
import { Stall } from './stall.js';
import type { World } from './world.js';

/** A process takes some time to start. */
const START_MS = 5;
/** Who asked to join and got no answer asks again after so many ticks. */
const JOIN_RETRY_TICKS = 20;
/** An event that the trace names is a crash point with this probability: they are few, and what follows them is delicate. */
const TRACE_CRASH_CHANCE = 0.03;
/** A member that halted, or stops, and cannot finish, is killed after so many ticks. */
const STOP_TICKS = 100;

export type CrashKind = 'power' | 'kill';
export type TraceListener = (name: string, data: Readonly<Record<string, unknown>>) => void;

/** The data folder was refused. */
class StartRefused extends Error {}

export class Member {
  readonly name: string;
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #faults: Stream;
  #disk: MemoryDisk;
  #life: Life | undefined;
  #lives = 0;
  #wipes = 0;
  #moves = 0;
  #backlog: (() => void)[] = [];
  #missedTicks = 0;
  #paused = false;
  readonly stall: Stall;
  /** Told of each event of its trace. */
  onTrace: TraceListener | undefined;
  /** Asked before each operation of its disk: true, and the member loses power right there. */
  onDisk: ((operation: string, path: string) => boolean) | undefined;
  /** In its next life appends wait from the first one on. */
  holdsAppends = false;
  /** Called after each of its steps. */
  onStep: (() => void) | undefined;
  /** It was told that it is no longer a member. */
  removed = false;
  /** What was done to its disk: it may refuse to start. */
  #damage: Damage | undefined;
  /** It has refused to start, or stopped as a stray: the operator replaces it. */
  refused = false;
  /** It has founded the cluster again [M6]: nobody counts on it, and it has to find out for itself. */
  #isStray = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#random = world.random.within(name);
    this.#faults = this.#random.stream('crash points');
    this.#disk = world.newDisk(this.#random.within('disk 0'));
    this.stall = new Stall(world.schedule);
  }

  get address(): string {
    return `${this.name}:${1 + this.#moves}`;
  }

  get disk(): MemoryDisk {
    return this.#disk;
  }

  get life(): Life | undefined {
    return this.#life;
  }

  get replica(): Replica | undefined {
    return this.#isStray ? undefined : this.#life?.replica;
  }

  get inbox(): Inbox | undefined {
    return this.#life?.inbox;
  }

  get memberId(): number {
    return this.#isStray ? 0 : (this.#life?.memberId ?? 0);
  }

  get isRunning(): boolean {
    return this.#life !== undefined;
  }

  get isUp(): boolean {
    return this.replica !== undefined && !this.#paused;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** When it was paused last. */
  pausedMs = 0;

  // ---- life and death --------------------------------------------------------------------------------------------

  start(): void {
    if (this.#life !== undefined || this.removed) return;
    this.#lives += 1;
    const life = new Life(this.#lives);
    this.#life = life;
    this.#drive(life);
    life.operationsLeft = this.#drawCrashPoint();
    this.#world.log.note('member', this.name, `starts, life ${life.number}`);
    this.#world.schedule.after(START_MS, () => this.enter(life, () => this.#begin(life)));
  }

  crash(kind: CrashKind, why: string): void {
    const life = this.#life;
    if (life === undefined) return;
    life.over = true;
    this.#life = undefined;
    this.#backlog = [];
    this.#paused = false;
    life.endpoint?.close();
    if (!this.#isStray) this.#world.rules.forget(life.memberId, life.entered);
    this.#disk = kind === 'power' ? this.#disk.crash() : this.#disk.kill();
    this.#world.log.note('member', this.name, `${kind === 'power' ? 'loses power' : 'is killed'}: ${why}`);
    this.#world.ended(this);
  }

  /** The disk is gone; what starts next is a new member by the old name. */
  wipe(): void {
    this.crash('power', 'loses its disk');
    this.#wipes += 1;
    this.removed = false;
    this.refused = false;
    this.#isStray = false;
    this.#damage = undefined;
    this.#disk = this.#world.newDisk(this.#random.within(`disk ${this.#wipes}`));
    this.#world.log.note('member', this.name, 'has an empty disk');
  }

  /** The process ends, and what its disk holds is damaged. False if there is nothing to damage. */
  damage(kind: DamageKind): boolean {
    this.crash('power', `its disk is to be damaged: ${kind}`);
    const damage = damageDisk(this.#disk, kind, this.#faults);
    if (damage === undefined) return false;
    this.#damage = damage;
    this.#world.log.note('member', this.name, `has a damaged disk: ${damage.what}`);
    return true;
  }

  /** The process ends; the next one will be reached under another address. */
  move(): void {
    this.crash('kill', 'moves');
    this.#moves += 1;
    this.#world.log.note('member', this.name, `has the address ${this.address}`);
  }

  pause(): void {
    if (!this.isUp) return;
    this.#paused = true;
    this.pausedMs = this.#world.schedule.nowMs;
    this.#missedTicks = 0;
    this.#world.log.note('member', this.name, 'pauses');
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#world.log.note('member', this.name, `resumes, with ${this.#backlog.length} inputs waiting`);
    const life = this.#life as Life;
    // As member.ts does it: with lease reads the ticks that were missed are made up for, before anything else comes in.
    const { reads, electionTicks } = this.#world.scenario;
    const missed = Math.min(this.#missedTicks, reads === 'lease' ? 1 + electionTicks : 1);
    for (let i = 0; i < missed; i += 1) this.enter(life, () => life.replica?.tick());
    for (const run of this.#backlog.splice(0)) run();
  }

  /** Ends well: leadership is handed over, what is under way ends, the log is closed. */
  stop(): void {
    const life = this.#life;
    if (life?.replica === undefined) return;
    this.#world.log.note('member', this.name, 'is asked to stop');
    this.enter(life, () => life.replica?.drain(() => this.#close(life)));
    this.#killLater(life, 'could not stop in time');
  }

  // ---- what comes in ---------------------------------------------------------------------------------------------

  enter(life: Life, run: () => void): void {
    if (life.over) return;
    if (this.#paused) {
      this.#backlog.push(() => this.enter(life, run));
      return;
    }
    this.#begins(life);
    try {
      run();
    } catch (error) {
      this.#failed(life, error);
    }
    this.#ended(life);
  }

  /** A frame comes in as enter() has it, but most of what comes in are frames: without a function for each. */
  #enterFrame(life: Life, from: MemberId, channel: Channel, frame: Uint8Array): void {
    if (this.#paused) {
      const kept = frame.slice();
      this.enter(life, () => life.replica?.frame(from, channel, kept));
      return;
    }
    this.#begins(life);
    try {
      life.replica?.frame(from, channel, frame);
    } catch (error) {
      this.#failed(life, error);
    }
    this.#ended(life);
  }

  #begins(life: Life): void {
    if (life.entered) throw new Violation('simulator', `${this.name} is entered twice`);
    life.entered = true;
  }

  /** Whatever a dead member still does is of no account. */
  #failed(life: Life, error: unknown): void {
    if (!life.over && !(error instanceof StartRefused)) throw error;
    life.entered = false;
    if (!life.over) this.#endRefused(error as StartRefused);
  }

  #ended(life: Life): void {
    life.entered = false;
    if (life.over || life.replica === undefined) return;
    if (this.#isStray) {
      const { leader } = life.replica.raft;
      const isAlone = leader === NO_MEMBER || leader === life.memberId;
      require(isAlone, 'stray', () => `${this.name} follows ${leader} with a folder that has forgotten everything`);
      return;
    }
    this.#world.rules.step(life.memberId);
    this.onStep?.();
  }

  execute(data: Uint8Array, done: (result: Result<Response>) => void): boolean {
    return this.#ask((life, replica) => replica.execute(data, this.#answer(life, done)));
  }

  read(done: (result: Result<undefined>, replica: Replica) => void): boolean {
    const { claims } = this.#world.rules;
    const begun = claims.highestCommit;
    return this.#ask((life, replica) =>
      replica.read(
        this.#answer(life, (result) => {
          if (result.ok) claims.read(life.memberId, begun, replica.state.appliedIndex);
          done(result, replica);
        }),
      ),
    );
  }

  administer(operation: AdminOperation, done: (result: Result<AdminAnswer>) => void): boolean {
    return this.#ask((life, replica) => replica.administer(operation, this.#answer(life, done)));
  }

  /** Its owner tells it to campaign now. */
  campaign(): void {
    this.#ask((life, replica) => {
      replica.raft.campaign();
      this.#requestTurn(life);
    });
  }

  /** At the leader: a change of the configuration that the admin calls do not offer. The index of its entry, if it is proposed. */
  reconfigure(change: ConfigChange): number | undefined {
    let index: number | undefined;
    this.#ask((life, replica) => {
      const result = replica.raft.proposeConfigChange(change);
      if (result.accepted) ({ index } = result);
      this.#requestTurn(life);
    });
    return index;
  }

  /** False if nobody is there to be asked. */
  #ask(question: (life: Life, replica: Replica) => void): boolean {
    const life = this.#life;
    const { replica } = this;
    if (life === undefined || replica === undefined) return false;
    this.enter(life, () => question(life, replica));
    return true;
  }

  /** Answers of a dead member do not get out. */
  #answer<T>(life: Life, done: (result: T) => void): (result: T) => void {
    return (result) => {
      if (!life.over) done(result);
    };
  }

  // ---- a start ---------------------------------------------------------------------------------------------------

  #begin(life: Life): void {
    const { platform } = this.#world;
    const disk = this.#gatedDisk(life);
    const present = this.#unlessRefused(() => readIdentity(disk, platform));
    if (present !== undefined) {
      this.#claimed(life, disk, present);
      return;
    }
    require(disk.list('wal').length === 0, 'recovery', () => `${this.name} holds a log but no identity`);
    const instance = `${this.name}-${this.#wipes}-${life.number}`;
    const identity: Identity = { clusterId: 0, memberId: 0, name: this.name, instance };
    writeIdentity(disk, platform, identity, (error) => {
      if (error !== undefined) this.#halted(life, error);
      else this.#claimed(life, disk, identity);
    });
  }

  #claimed(life: Life, disk: GatedDisk, identity: Identity): void {
    if (identity.memberId !== 0) {
      this.#belongs(life, disk, identity, []);
      return;
    }
    this.#isStray = false;
    this.#world.founding.begin(this, life, identity.instance, (founded) =>
      this.enter(life, () => {
        if (founded === undefined) {
          this.#join(life, disk, identity);
          return;
        }
        const { clusterId, memberId, batch, isAgain = false } = founded;
        this.#isStray = isAgain;
        this.#settle(life, disk, { ...identity, clusterId, memberId }, batch, []);
      }),
    );
  }

  #join(life: Life, disk: GatedDisk, identity: Identity): void {
    const { scenario, schedule } = this.#world;
    const again = (): void =>
      schedule.after(JOIN_RETRY_TICKS * scenario.tickMs, () =>
        this.enter(life, () => this.#join(life, disk, identity)),
      );
    const request = {
      name: this.name,
      peerAddress: this.address,
      clientAddress: '',
      instance: identity.instance,
      // Who is not promoted by itself waits for somebody to ask for it: see Nemesis.
      promoteWhenCaughtUp: !this.#world.isOn('promote') || this.#random.stream('join').chance(0.5),
    };
    this.#world.askToJoin(this, request, (answer) =>
      this.enter(life, () => {
        if (answer === undefined) {
          again();
          return;
        }
        const { clusterId, memberId } = answer;
        const peers = answer.members
          .filter((member) => member.id !== memberId)
          .map((member) => ({ id: member.id, address: member.peerAddress }));
        this.#settle(life, disk, { ...identity, clusterId, memberId }, undefined, peers);
      }),
    );
  }

  #settle(
    life: Life,
    disk: GatedDisk,
    identity: Identity,
    batch: Parameters<typeof settleFolder>[3],
    peers: readonly PeerAddress[],
  ): void {
    const { platform, scenario } = this.#world;
    settleFolder({ disk, platform }, identity, scenario.segmentBytes, batch, (error) => {
      if (error !== undefined) this.#halted(life, error);
      else this.#belongs(life, disk, identity, peers);
    });
  }

  #belongs(life: Life, disk: GatedDisk, identity: Identity, peers: readonly PeerAddress[]): void {
    const { platform, scenario, rules } = this.#world;
    const { clusterId, memberId } = identity;
    life.memberId = memberId;
    this.#world.belongs(this, clusterId);
    const recovered = this.#recover(life, disk, identity);
    const { what = '', mustBeRefused = false } = this.#damage ?? {};
    require(!mustBeRefused, 'damage', () => `${this.name} starts though it has a damaged disk: ${what}`);
    if (!this.#isStray) rules.recovered(memberId, recovered);
    recovered.wal.whenStarted((error) => {
      if (error !== undefined) {
        this.#halted(life, error);
        return;
      }
      const { network, schedule, founding } = this.#world;
      const { directory } = recovered.state;
      const isRemoved = (id: number): boolean => (life.replica?.state.directory ?? directory).isRemoved(id);
      const endpoint = network.endpoint(memberId, { address: this.address, clusterId, isRemoved });
      life.endpoint = endpoint;
      const tickMs = this.#drawTickMs();
      const place = { peerAddress: this.address, initialPeers: peers, isIdGiven: founding.lists(this) };
      life.replica = new Replica(
        replicaOptions(scenario, identity, place),
        {
          clock: new SkewedClock(schedule, scenario.tickMs, tickMs),
          disk,
          network: {
            setPeers: (all) => {
              if (!life.over) endpoint.setPeers(all);
            },
            send: (to, channel, chunks) => {
              if (!this.#isCrashPoint(life, 'a send')) endpoint.send(to, channel, chunks);
            },
            flush: () => {
              if (!life.over) endpoint.flush();
            },
          },
          random: this.#random.within(`life ${life.number}`),
          trace: this.#trace(life),
          platform,
        },
        recovered,
        {
          requestTurn: () => this.#requestTurn(life),
          requestCommitNotices: () => this.#requestCommitNotices(life),
          halted: (reason) => this.#halted(life, reason),
          faulted: (error) => {
            throw error;
          },
        },
      );
      if (life.over) return;
      const input = this.#input(life);
      endpoint.start(this.#world.tamper.input?.(input, memberId, this.#faults) ?? input);
      if (!this.#isStray) rules.watch(memberId, life.replica);
      life.tickMs = tickMs;
      this.#world.schedule.after(tickMs, life.tick);
      this.#world.log.note('member', this.name, `is up as ${memberId} at ${recovered.state.appliedIndex}`);
    });
  }

  #recover(life: Life, disk: GatedDisk, { clusterId, memberId }: Identity): RecoveredState {
    const { platform, scenario } = this.#world;
    const options = { clusterId, memberId, segmentBytes: scenario.segmentBytes, mustExist: true };
    return this.#unlessRefused(() => {
      const recovery = recover({ disk, platform, trace: this.#trace(life) }, options);
      let step = recovery.next();
      while (step.done !== true) step = recovery.next();
      return step.value;
    });
  }

  /** Only a damaged disk may be refused: any other has lost something that it must not lose. */
  #unlessRefused<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof WalError)) throw error;
      const isDamaged = this.#damage !== undefined;
      require(isDamaged, 'recovery', () => `${this.name} refuses to start: ${error.message}`);
      throw new StartRefused(error.message);
    }
  }

  #endRefused(error: StartRefused): void {
    this.refused = true;
    this.crash('kill', `refuses to start: ${error.message}`);
  }

  // ---- driving the replica ---------------------------------------------------------------------------------------

  #input(life: Life): NetworkInput {
    const { log } = this.#world;
    const inbox = new Inbox((from, channel, frame) => {
      if (life.over) return;
      log.record('frame', this.name, frame.length, () => this.#world.tellFrame(from, life.memberId, frame));
      this.#enterFrame(life, from, channel, frame);
    });
    life.inbox = inbox;
    if (this.holdsAppends) inbox.hold((_from, channel) => channel === 'append');
    return {
      frame: (from, channel, frame) => inbox.frame(from, channel, frame),
      unreachable: (peer) => this.enter(life, () => life.replica?.unreachable(peer)),
      introduced: (peer) => this.enter(life, () => life.replica?.introduced(peer)),
      refused: (peer, reason) => this.enter(life, () => life.replica?.refused(peer, reason)),
    };
  }

  #requestTurn(life: Life): void {
    if (life.turnRequested || life.over) return;
    life.turnRequested = true;
    const { scenario, schedule } = this.#world;
    schedule.after(this.#faults.between(0, scenario.turnDelayMs), life.turn);
  }

  #requestCommitNotices(life: Life): void {
    if (life.noticesRequested || life.over) return;
    life.noticesRequested = true;
    this.#world.schedule.after(COMMIT_NOTICE_PAUSE_MS, () =>
      this.enter(life, () => {
        life.noticesRequested = false;
        life.replica?.tellCommits();
      }),
    );
  }

  /** What a life does again and again: one function for all its turns, and one for all its ticks. */
  #drive(life: Life): void {
    const turn = (): void => {
      life.turnRequested = false;
      life.replica?.turn();
    };
    const tick = (): void => life.replica?.tick();
    life.turn = () => this.enter(life, turn);
    life.tick = () => {
      if (life.over) return;
      this.#world.schedule.after(life.tickMs, life.tick);
      if (this.#paused) this.#missedTicks += 1;
      else this.enter(life, tick);
    };
  }

  #drawTickMs(): number {
    const { tickMs, clockSkew } = this.#world.scenario;
    return tickMs * this.#random.stream('clock').between(1 - clockSkew, 1 + clockSkew);
  }

  // ---- crash points ----------------------------------------------------------------------------------------------

  #drawCrashPoint(): number | undefined {
    const { crashPointChance } = this.#world.scenario;
    if (!this.#world.isStorm || !this.#world.isOn('crash-point')) return undefined;
    return 1 + Math.floor((2 * this.#faults.fraction()) / crashPointChance);
  }

  /** True: the life is over, what was to follow must not. `what`, on which `path`, is what is about to happen. */
  #isCrashPoint(life: Life, what: string, path?: string, suffix: string = ''): boolean {
    if (life.over) return true;
    if (life.operationsLeft === undefined || !this.#world.isStorm) return false;
    life.operationsLeft -= 1;
    if (life.operationsLeft > 0) return false;
    const where = path === undefined ? what : `${what} ${path}${suffix}`;
    this.crash(this.#world.drawCrashKind(this.#faults), `before ${where}`);
    return true;
  }

  #gatedDisk(life: Life): GatedDisk {
    const { log, tamper } = this.#world;
    return new GatedDisk(tamper.disk?.(this.#disk, this.#faults) ?? this.#disk, {
      begin: (operation, path, bytes) => {
        if (this.#isCrashPoint(life, operation, path)) return false;
        if (this.onDisk?.(operation, path) === true) {
          this.crash('power', `before ${operation} ${path}`);
          return false;
        }
        log.record('disk', this.name, bytes, () => `${operation} ${path} ${bytes === 0 ? '' : bytes}`);
        return true;
      },
      complete: (operation, path, done) => {
        if (this.#isCrashPoint(life, operation, path, ' is answered')) return;
        this.stall.complete(path, () => this.enter(life, done));
      },
    });
  }

  #trace(life: Life): Trace {
    const { log } = this.#world;
    return {
      event: (name, data) => {
        if (life.over) return;
        log.record('trace', this.name, name.length, () => `${name} ${JSON.stringify(data)}`);
        // Frames come whole or not at all, and unaltered: what a sender has sent of a snapshot fits together.
        if (name === 'snapshot-refused')
          throw new Violation('snapshot transfer', `${this.name}: ${JSON.stringify(data)}`);
        this.onTrace?.(name, data);
        if (life.operationsLeft === undefined || !this.#world.isStorm) return;
        if (this.#faults.chance(TRACE_CRASH_CHANCE)) this.crash(this.#world.drawCrashKind(this.#faults), `at ${name}`);
      },
    };
  }

  // ---- the end of a life -----------------------------------------------------------------------------------------

  #halted(life: Life, reason: Failure | DiskError): void {
    if (life.over) return;
    const isRemoval = 'code' in reason && reason.code === 'removed';
    this.#world.log.note('member', this.name, `halts: ${reason.message}`);
    if (isRemoval) this.removed = true;
    this.refused ||= this.#isStray;
    this.#world.schedule.after(0, () => this.#close(life));
    this.#killLater(life, 'could not halt in time');
  }

  #close(life: Life): void {
    if (life.over || life.closing) return;
    life.closing = true;
    const { schedule } = this.#world;
    const end = (): void => schedule.after(0, () => this.#endIf(life, 'has stopped'));
    schedule.after(0, () => {
      if (life.replica === undefined) end();
      else this.enter(life, () => life.replica?.stop(end));
    });
  }

  #killLater(life: Life, why: string): void {
    const { schedule, scenario } = this.#world;
    schedule.after(STOP_TICKS * scenario.tickMs, () => this.#endIf(life, why));
  }

  #endIf(life: Life, why: string): void {
    if (!life.over) this.crash('kill', why);
  }
}
