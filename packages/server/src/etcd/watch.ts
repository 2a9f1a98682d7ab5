/** Service Watch (contract section 5): one session for each stream. */
import { SERVICES, type WatchRequest, type WatchResponse } from '@quorate/proto';
import type { EtcdBackend } from './backend.js';
import { etcdFailure } from './errors.js';
import { type CallContext, type Duplex, type RpcFailure, type Served, stream } from './service.js';
import { WatchSession } from './watch-session.js';

/** Without a leader for so many election timeouts a stream that asked for one ends (contract 24). */
const LEADERLESS_ELECTIONS = 3;

export class WatchService {
  readonly #backend: EtcdBackend;

  constructor(backend: EtcdBackend) {
    this.#backend = backend;
  }

  methods(): readonly Served[] {
    return [stream(SERVICES['etcdserverpb.Watch'].Watch, (watches, call) => this.#watch(watches, call))];
  }

  #watch(watches: Duplex<WatchRequest, WatchResponse>, call: CallContext): void {
    const { door } = this.#backend;
    const needsLeader = call.metadata('hasleader') === 'true';
    if (needsLeader && !door.hasLeader()) {
      watches.end(etcdFailure('NoLeader'));
      return;
    }
    const ends: (() => void)[] = [];
    const close = (): void => {
      session.close();
      for (const end of ends.splice(0)) end();
    };
    const fail = (failure: RpcFailure): void => {
      close();
      watches.end(failure);
    };
    const session = new WatchSession(this.#backend, watches, fail);
    call.onCancel(close);
    ends.push(this.#backend.onStop(() => fail(etcdFailure('Stopped'))));
    if (needsLeader) ends.push(this.#whenLeaderless(() => fail(etcdFailure('NoLeader'))));
  }

  /** Calls `lost` once there was no leader for too long. Returns the way to end it. */
  #whenLeaderless(lost: () => void): () => void {
    const { door, settings } = this.#backend;
    let timer: NodeJS.Timeout | undefined;
    const end = door.onLeaderChange((leaderId) => {
      clearTimeout(timer);
      timer = leaderId === 0 ? setTimeout(lost, LEADERLESS_ELECTIONS * settings.electionMs) : undefined;
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }
}
