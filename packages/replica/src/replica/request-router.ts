/**
 * Where a request goes: into this member's log, to the leader, or into the waiting room until there is one.
 *
 * A request is forwarded once, over the connection to the leader, and the leader's answer decides it. It may go another time
 * only if it surely had no effect: the leader refused it before proposing it, or the proposal was overwritten.
 */
import { type MemberId, NO_MEMBER, type Raft } from '@quorate/raft';
import type { Platform } from '../seams/index.js';
import {
  carriesTime,
  decodeResponse,
  type ErrorResponse,
  encodeResponse,
  type Response,
  stampTime,
} from '../store/index.js';
import { copyBytes, type Forward, type ForwardReply, type PeerMessage } from '../wire/index.js';
import { type AdminAnswer, decodeAnswer, decodeFailure, decodeOperation, encodeJson } from './admin.js';
import { answerTooLarge, type Failure, failure, noLeader, type Result, success } from './failure.js';
import type { AdminRequest } from './leader-duties.js';
import { FORWARD_ANSWER_BYTES_MAX } from './limits.js';
import type { Peers } from './peers.js';
import { RecentRequests } from './recent-requests.js';
import { type CommandOwner, CommandRequest, type CommandWaiter, type Request, type Requests } from './requests.js';

/** A forwarded body begins with what it is. */
const FORWARD_COMMAND = 0;
const FORWARD_ADMIN = 1;
/** The leader's answer to what it would have to pass on itself. */
const NOT_LEADER = 'not-leader';

export interface RequestRouterPort {
  readonly raft: Raft;
  readonly requests: Requests;
  readonly peers: Peers;
  readonly platform: Platform;
  /** Why no request can be taken now, if so. */
  refusal(): Failure | undefined;
  /** That member has left the cluster, for good. */
  isRemoved(member: MemberId): boolean;
  nowTick(): number;
  /** When a request that begins now ends at the latest. */
  deadlineTick(): number;
  send(to: MemberId, message: PeerMessage): void;
  /** At the leader: a request about the membership. */
  perform(request: AdminRequest): void;
  /** At the leader: the cluster time for a command's stamp; undefined until an entry of its own term is applied (cluster-time.ts). */
  stampMs(): number | undefined;
  /** At the leader: why the store has no room for this command, if so. */
  admit(data: Uint8Array): ErrorResponse | undefined;
  requestTurn(): void;
  /** See ReplicaHost. */
  faulted(error: unknown): void;
}

export class RequestRouter {
  readonly #port: RequestRouterPort;
  readonly #recent = new RecentRequests();

  constructor(port: RequestRouterPort) {
    this.#port = port;
  }

  submitCommand(data: Uint8Array, waiter: CommandWaiter, isForwarded: boolean): void {
    this.submit(new CommandRequest(data, waiter, this.#port.deadlineTick(), isForwarded, this.#owner));
  }

  submit(request: Request): void {
    const { raft, requests, peers } = this.#port;
    const refusal = this.#port.refusal();
    if (refusal !== undefined) {
      requests.end(request, refusal);
    } else if (raft.role === 'leader') {
      this.#submitAtLeader(request);
    } else if (request.isForwarded === true) {
      // Surely not proposed: the member that it came from sends it to the next leader.
      requests.end(request, failure(NOT_LEADER, 'rejected', 'this member leads no more'));
    } else if (raft.leader === NO_MEMBER || peers.isUnreachable(raft.leader)) {
      // Surely not sent anywhere: it may wait for the next leader.
      requests.wait(request);
    } else {
      this.#forward(request, raft.leader);
    }
  }

  /** Only `members` can still send something. */
  membersChanged(members: ReadonlySet<MemberId>): void {
    this.#recent.forgetAllBut(members);
  }

  submitWaiting(): void {
    for (const request of this.#port.requests.takeWaiting()) this.submit(request);
  }

  /** At the leader, for another member. What it cannot propose itself it refuses: nothing is passed on a second time. */
  receive(from: MemberId, forward: Forward): void {
    const { requestId } = forward;
    // What was taken from one that has left is forgotten: a frame of its that arrives twice would be taken twice.
    if (this.#port.isRemoved(from) || !this.#recent.take(from, requestId)) return;
    const reply = (status: ForwardReply['status'], reason: string, body: Uint8Array): void =>
      this.#port.send(from, { kind: 'forward-reply', requestId, status, reason, body });
    if (this.#port.raft.role !== 'leader') {
      reply('refused', NOT_LEADER, new Uint8Array(0));
      return;
    }
    const refuse = (reason: Failure): void =>
      reply(reason.outcome === 'unknown' ? 'unknown' : 'refused', reason.code, encodeJson(reason));
    const answer = <T>(encode: (value: T) => Uint8Array) => {
      return (result: Result<T>): void => {
        if (!result.ok) {
          refuse(result);
          return;
        }
        const body = encode(result.value);
        if (body.length <= FORWARD_ANSWER_BYTES_MAX) reply('ok', '', body);
        else refuse(answerTooLarge(body.length, FORWARD_ANSWER_BYTES_MAX));
      };
    };
    const payload = copyBytes(this.#port.platform, forward.body.subarray(1));
    if (forward.body[0] === FORWARD_ADMIN) {
      const deadlineTick = this.#port.deadlineTick();
      const done = answer<AdminAnswer>(encodeJson);
      this.submit({ kind: 'admin', operation: decodeOperation(payload), done, deadlineTick, isForwarded: true });
      return;
    }
    const done = answer<Response>((response) => encodeResponse(this.#port.platform, response));
    this.submitCommand(payload, { done }, true);
  }

  receiveReply(from: MemberId, reply: ForwardReply): void {
    const { requests, platform } = this.#port;
    const request = requests.takeForwarded(reply.requestId, from);
    if (request === undefined) return;
    if (reply.status !== 'ok') {
      if (reply.reason === NOT_LEADER) this.#resubmit(request);
      else requests.end(request, decodeFailure(reply.body));
      return;
    }
    const body = copyBytes(platform, reply.body);
    if (request.kind === 'command') request.done(success(decodeResponse(platform, body)));
    else request.done(success(decodeAnswer(body)));
  }

  #submitAtLeader(request: Request): void {
    const { raft, requests } = this.#port;
    if (request.kind === 'admin') {
      this.#port.perform(request);
      this.#port.requestTurn();
      return;
    }
    const refusal = this.#port.admit(request.data);
    if (refusal !== undefined) {
      request.done(success(refusal));
      return;
    }
    if (carriesTime(request.data)) {
      const timeMs = this.#port.stampMs();
      if (timeMs === undefined) {
        requests.wait(request);
        return;
      }
      // Over the bytes that are about to become the log's. Members that forward leave them alone: their time is not the leader's.
      stampTime(request.data, timeMs);
    }
    const result = raft.propose(request.data);
    if (result.accepted) {
      request.term = result.term;
      requests.propose(result.index, request);
      this.#port.requestTurn();
    } else if (result.reason === 'full') {
      requests.end(request, failure('busy', 'rejected', 'too much is waiting to be committed'));
    } else {
      requests.wait(request);
    }
  }

  readonly #owner: CommandOwner = {
    // A copy: the log, or a frame on its way, may still hold these bytes, and another stamp may be written over them.
    resubmit: (request) => {
      request.data = request.data.slice();
      this.#resubmit(request);
    },
    faulted: (error) => this.#port.faulted(error),
  };

  /** For a request that surely had no effect and will have none. */
  #resubmit(request: Request): void {
    if (request.deadlineTick <= this.#port.nowTick()) this.#port.requests.end(request, noLeader);
    else this.#port.requests.wait(request);
  }

  #forward(request: Request, leader: MemberId): void {
    const requestId = this.#port.requests.forward(request, leader);
    if (requestId === undefined) return;
    const payload = request.kind === 'command' ? request.data : encodeJson(request.operation);
    const body = new Uint8Array(payload.length + 1);
    body[0] = request.kind === 'command' ? FORWARD_COMMAND : FORWARD_ADMIN;
    body.set(payload, 1);
    this.#port.send(leader, { kind: 'forward', requestId, body });
  }
}
