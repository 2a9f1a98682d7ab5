/** One life of a member: from the start of its process to the crash. What is over stays over. */
import type { MemberId } from '@quorate/raft';
import type { MemoryEndpoint, Replica } from '@quorate/replica/internal';
import type { Inbox } from './inbox.js';

export class Life {
  readonly number: number;
  memberId: MemberId = 0;
  replica: Replica | undefined;
  endpoint: MemoryEndpoint | undefined;
  inbox: Inbox | undefined;
  /** Nothing that it does from now on gets out. */
  over = false;
  turnRequested = false;
  noticesRequested = false;
  turn: () => void = () => {};
  tickMs = 0;
  tick: () => void = () => {};
  /** A call into it is under way. */
  entered = false;
  closing = false;
  /** Operations until it crashes; undefined: it does not. */
  operationsLeft: number | undefined;

  constructor(number: number) {
    this.number = number;
  }
}
