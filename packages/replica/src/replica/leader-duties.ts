/**
 * What only the leader does about the cluster besides replicating: decide requests about the membership, and promote learners that
 * have caught up. What it does about the store: store-duties.ts.
 */
import { type ConfigChange, isLearner, isVoter, type MemberId, NO_MEMBER, type Raft } from '@quorate/raft';
import type { RandomStream, Trace } from '../seams/index.js';
import type { AdminAnswer } from './admin.js';
import { encodePublication, type Publication } from './directory.js';
import { type Failure, failure, success } from './failure.js';
import type { NeededRevisions } from './history.js';
import {
  type AddPlan,
  type ChangePlan,
  type ClusterView,
  planAdd,
  planAdmit,
  planPromote,
  planRemove,
  planUpdate,
} from './membership.js';
import type { Peers } from './peers.js';
import type { Proposed, Request, Requests } from './requests.js';
import type { StateMachine } from './state-machine.js';

export interface LeaderDutiesOptions {
  readonly memberId: MemberId;
  readonly clusterId: number;
  /** More learners are not admitted by their URLs. */
  readonly learnersMax: number;
  readonly electionTicks: number;
}

export interface LeaderDutiesPort {
  readonly raft: Raft;
  readonly state: () => StateMachine;
  readonly requests: Requests;
  readonly peers: Peers;
  readonly identifiers: RandomStream;
  readonly trace: Trace;
  /** Watchers of that member need history from the revision on. */
  hold(member: MemberId, needed: NeededRevisions): void;
  /** Submits a request again, at whoever leads now. */
  resubmit(request: Request): void;
  requestTurn(): void;
}

export type AdminRequest = Extract<Request, { kind: 'admin' }>;

/** A learner is promoted when what it lacks is less than this many entries: it will have them in the next round trip. */
const CAUGHT_UP_ENTRIES = 1_000;

const late: Failure = failure('timeout', 'rejected', 'the cluster did not get to it in time');

export class LeaderDuties {
  readonly #options: LeaderDutiesOptions;
  readonly #port: LeaderDutiesPort;
  /** Refused because another change is under way: tried again each tick. */
  #retries: AdminRequest[] = [];
  /** Wait for another member to lead. */
  #transfers: AdminRequest[] = [];
  /** To be submitted again when this member leads no more. */
  #handOvers: AdminRequest[] = [];
  #nowTick = 0;
  #leaderSinceTick = 0;

  constructor(options: LeaderDutiesOptions, port: LeaderDutiesPort) {
    this.#options = options;
    this.#port = port;
  }

  perform(request: AdminRequest): void {
    const { operation } = request;
    switch (operation.kind) {
      case 'add':
        this.#add(request, planAdd(this.#view(), operation.request, this.#newMemberId()));
        break;
      case 'admit':
        this.#add(request, planAdmit(this.#view(), operation.request, this.#newMemberId(), this.#options.learnersMax));
        break;
      case 'update':
        this.#update(request, operation.id, operation.peerUrls);
        break;
      case 'promote': {
        const { id, learnerOnly } = operation;
        this.#change(request, planPromote(this.#view(), id, this.#progress(id), learnerOnly), id);
        break;
      }
      case 'remove':
        this.#change(request, planRemove(this.#view(), operation.id), operation.id);
        break;
      case 'transfer':
        this.#transfer(request, operation.target);
        break;
      case 'publish':
        this.#publish(request, operation.publication);
        break;
      case 'hold':
        this.#port.hold(operation.member, operation);
        this.#succeed(request, operation.member);
        break;
    }
  }

  /** What was asked for here and is not proposed: it has no place among the requests that wait, are proposed or forwarded. */
  get pending(): number {
    return this.#retries.length + this.#transfers.length + this.#handOvers.length;
  }

  /** Of every member: a transfer that has begun waits for the next leader also when this one leads no more, and there may be none. */
  tick(nowTick: number): void {
    this.#nowTick = nowTick;
    if (this.pending > 0) this.#endIf(({ deadlineTick }) => deadlineTick <= nowTick, late);
    if (this.#port.raft.role !== 'leader') return;
    const retries = this.#retries;
    this.#retries = [];
    for (const request of retries) this.perform(request);
    this.#promoteCaughtUp();
  }

  leaderChanged(leader: MemberId, nowTick: number): void {
    const { memberId: self } = this.#options;
    this.#nowTick = nowTick;
    if (leader === self) {
      this.#leaderSinceTick = nowTick;
      return;
    }
    if (leader !== NO_MEMBER) for (const request of this.#transfers.splice(0)) this.#succeed(request, leader);
    // Not proposed anywhere: they wait for the next leader where all such requests do.
    for (const request of [...this.#handOvers.splice(0), ...this.#retries.splice(0)]) this.#port.resubmit(request);
  }

  /** This member stops. */
  failAll(reason: Failure): void {
    this.#endIf(() => true, reason);
  }

  #add(request: AdminRequest, plan: AddPlan): void {
    switch (plan.kind) {
      case 'exists':
        this.#succeed(request, plan.member.id);
        break;
      case 'refused':
        this.#refuse(request, plan);
        break;
      case 'change': {
        const { member, replaces } = plan;
        const event = replaces === undefined ? 'member-added' : 'member-replaced';
        this.#propose(request, plan.change, member.id, () =>
          this.#port.trace.event(event, { name: member.name, id: member.id, replaces, address: member.peerAddress }),
        );
        break;
      }
    }
  }

  #change(request: AdminRequest, plan: ChangePlan, about: MemberId): void {
    switch (plan.kind) {
      case 'done':
        this.#succeed(request, about);
        break;
      case 'refused':
        this.#refuse(request, plan);
        break;
      case 'hand-over':
        this.#handOver(request);
        break;
      case 'change':
        this.#propose(request, plan.change, about, () => this.#port.trace.event(plan.event, { id: about }));
        break;
    }
  }

  /** A leader that has just been elected has not heard from everybody yet: what that would refuse is tried again. */
  #refuse(request: AdminRequest, plan: { readonly failure: Failure; readonly transient: boolean }): void {
    if (plan.transient && this.#isNew) this.#retries.push(request);
    else this.#port.requests.end(request, plan.failure);
  }

  /** It may not have heard yet from everybody who is up. */
  get #isNew(): boolean {
    return this.#nowTick - this.#leaderSinceTick < this.#options.electionTicks;
  }

  #propose(request: AdminRequest, change: ConfigChange, about: MemberId, applied: () => void): void {
    const result = this.#port.raft.proposeConfigChange(change);
    if (result.accepted) {
      this.#port.requests.propose(
        result.index,
        this.#proposed(request, result.term, () => {
          applied();
          this.#succeed(request, about);
        }),
      );
      return;
    }
    switch (result.reason) {
      case 'config-pending':
        this.#retries.push(request);
        break;
      case 'transferring':
      case 'not-leader':
        this.#port.requests.wait(request);
        break;
      case 'full':
        this.#port.requests.end(request, failure('busy', 'rejected', 'too much is waiting to be committed'));
        break;
      case 'config-invalid':
        this.#port.requests.end(request, failure('configuration-refused', 'rejected', 'the change does not fit'));
        break;
    }
  }

  #proposed(request: AdminRequest, term: number, applied: () => void): Proposed {
    return {
      term,
      deadlineTick: request.deadlineTick,
      applied,
      overwritten: () => this.#port.requests.wait(request),
      fail: (reason) => request.done(reason),
    };
  }

  /** The leader is to go: the next leader removes it, so that nobody has to lead a cluster that it is not part of. */
  #handOver(request: AdminRequest): void {
    if (this.#port.raft.transferLeadership(NO_MEMBER)) {
      this.#handOvers.push(request);
      return;
    }
    const reason = 'no other voter is up to take the leadership over';
    this.#refuse(request, { failure: failure('configuration-refused', 'rejected', reason), transient: true });
  }

  #transfer(request: AdminRequest, target: MemberId): void {
    if (target === this.#options.memberId) {
      this.#succeed(request, target);
    } else if (target !== NO_MEMBER && !isVoter(this.#port.state().config, target)) {
      const refusal = failure('bad-transferee', 'rejected', `leadership cannot move: member ${target} is no voter`);
      this.#port.requests.end(request, refusal);
    } else if (this.#port.raft.transferLeadership(target)) {
      this.#transfers.push(request);
    } else {
      const who = target === NO_MEMBER ? 'no other voter is up' : `member ${target} is not another voter that is up`;
      const refusal = failure('configuration-refused', 'rejected', `leadership cannot move: ${who}`);
      this.#refuse(request, { failure: refusal, transient: true });
    }
  }

  #update(request: AdminRequest, id: MemberId, peerUrls: readonly string[]): void {
    const plan = planUpdate(this.#view(), id, peerUrls);
    if (plan.kind === 'refused') this.#refuse(request, plan);
    else this.#publish(request, plan.publication);
  }

  #publish(request: AdminRequest, publication: Publication): void {
    const result = this.#port.raft.propose(encodePublication(publication));
    if (!result.accepted) {
      this.#port.requests.wait(request);
      return;
    }
    const applied = (): void => {
      const urls = this.#port.state().directory.get(publication.id)?.peerUrls.join(',');
      // The directory has taken everything but peer URLs that somebody else had got first.
      const isTaken = publication.peerUrls !== undefined && publication.peerUrls.join(',') !== urls;
      if (isTaken) request.done(failure('member-exists', 'rejected', 'another member has one of the URLs'));
      else this.#succeed(request, publication.id);
    };
    this.#port.requests.propose(result.index, this.#proposed(request, result.term, applied));
  }

  #promoteCaughtUp(): void {
    const { raft, state } = this.#port;
    const { config } = state();
    if (config.learners.length === 0) return;
    for (const member of state().directory.list()) {
      if (!member.promoteWhenCaughtUp || !isLearner(config, member.id)) continue;
      const progress = this.#progress(member.id);
      if (progress === undefined || !progress.active || progress.match + CAUGHT_UP_ENTRIES < progress.lastIndex)
        continue;
      if (progress.match === 0) continue;
      const change: ConfigChange = {
        changes: [{ type: 'add-voter', member: member.id }],
        transition: 'auto',
        context: new Uint8Array(0),
      };
      if (!raft.proposeConfigChange(change).accepted) return;
      this.#port.trace.event('member-promoted', { name: member.name, id: member.id });
      this.#port.requestTurn();
      return;
    }
  }

  /** For a reason that rejects: none of them was proposed. But a transfer has begun, and may come to its end without this member. */
  #endIf(isOver: (request: AdminRequest) => boolean, reason: Failure): void {
    const isLeft = (request: AdminRequest): boolean => !isOver(request);
    const untried = [...this.#retries, ...this.#handOvers].filter(isOver);
    const begun = this.#transfers.filter(isOver);
    this.#retries = this.#retries.filter(isLeft);
    this.#handOvers = this.#handOvers.filter(isLeft);
    this.#transfers = this.#transfers.filter(isLeft);
    for (const request of untried) this.#port.requests.end(request, reason);
    for (const request of begun) this.#port.requests.end(request, { ...reason, outcome: 'unknown' });
  }

  #view(): ClusterView {
    const { raft, state } = this.#port;
    const { memberId: self } = this.#options;
    const active = new Set(
      raft
        .status()
        .progress.filter((p) => p.isActive)
        .map((p) => p.member),
    );
    return {
      self,
      directory: state().directory,
      config: state().config,
      isActive: (id) => id === self || active.has(id),
      isUnreachable: (id) => this.#port.peers.isUnreachable(id),
    };
  }

  #progress(id: MemberId): { match: number; lastIndex: number; active: boolean } | undefined {
    const { lastIndex, progress } = this.#port.raft.status();
    const found = progress.find((p) => p.member === id);
    return found && { match: found.match, lastIndex, active: found.isActive };
  }

  /** Ids are drawn, not counted: an id that was given once is never given again, whatever a restored backup forgot. */
  #newMemberId(): MemberId {
    const { directory } = this.#port.state();
    for (;;) {
      const id = 1 + this.#port.identifiers.integer(Number.MAX_SAFE_INTEGER - 1);
      if (directory.get(id) === undefined && !directory.isRemoved(id)) return id;
    }
  }

  #succeed(request: AdminRequest, memberId: MemberId): void {
    const answer: AdminAnswer = {
      clusterId: this.#options.clusterId,
      memberId,
      members: this.#port.state().directory.list(),
    };
    request.done(success(answer));
  }
}
