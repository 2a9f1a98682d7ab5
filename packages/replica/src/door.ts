/** The door of a running member: callbacks over the replica, in the store's own terms (api.ts, MemberDoor). */
import { isVoter, NO_MEMBER } from '@quorate/raft';
import { nodePlatform } from './adapters/platform.js';
import type { Consistency, DoorHeader, MemberDoor, PutWaiter, StateSnapshot } from './api.js';
import { type Result, stopping, success } from './replica/failure.js';
import { SNAPSHOT_SLICE_BYTES } from './replica/limits.js';
import type { Replica } from './replica/replica.js';
import type { FrozenState } from './replica/state-machine.js';
import {
  type Command,
  type ErrorResponse,
  encodeCommand,
  type Response,
  type Store,
  type StoreHash,
} from './store/index.js';
import type { FolderIds } from './wal/snapshot-header.js';
import { SnapshotFramer } from './wal/snapshot-stream.js';
import type { Watcher, WatchOptions, WatchSink } from './watch/index.js';

export interface DoorOptions extends FolderIds {
  readonly quotaBytes: number;
  /** What a listener has thrown: the member goes on. */
  readonly faulted: (error: unknown) => void;
}

export class ReplicaDoor implements MemberDoor {
  readonly header: DoorHeader;
  readonly #replica: Replica;
  readonly #options: DoorOptions;
  readonly #leaderListeners = new Set<(leaderId: number) => void>();
  readonly #stopListeners = new Set<() => void>();
  #hasStopped = false;

  constructor(replica: Replica, options: DoorOptions) {
    this.#replica = replica;
    this.#options = options;
    const { clusterId, memberId } = options;
    this.header = {
      clusterId,
      memberId,
      get revision(): number {
        return replica.state.store.revision;
      },
      get raftTerm(): number {
        return replica.raft.term;
      },
    };
  }

  execute(command: Command, done: (result: Result<Response>) => void): void {
    this.#replica.execute(encodeCommand(nodePlatform, command), done);
  }

  put(command: Uint8Array, waiter: PutWaiter): void {
    this.#replica.submit(command, waiter);
  }

  read(consistency: Consistency, done: (result: Result<undefined>) => void): void {
    if (consistency === 'linearizable') {
      this.#replica.read(done);
      return;
    }
    this.#replica.reads.serializableTotal += 1;
    done(this.#replica.hasHalted ? stopping : success(undefined));
  }

  store(): Store {
    return this.#replica.state.store;
  }

  hash(revision: number, done: (result: Result<StoreHash | ErrorResponse>) => void): void {
    const hashing = this.store().hashInSlices(revision);
    if ('kind' in hashing) {
      done(success(hashing));
      return;
    }
    const step = (): void => {
      if (this.#hasStopped) {
        hashing.giveUp();
        done(stopping);
      } else if (hashing.step()) {
        setImmediate(step);
      } else {
        done(success(hashing.finish()));
      }
    };
    step();
  }

  watch(options: WatchOptions, sink: WatchSink): Watcher {
    return this.#replica.watches.watch(options, sink);
  }

  get canWatch(): boolean {
    return !this.#replica.watches.isFull;
  }

  timeMs(): number {
    return this.#replica.time.nowMs;
  }

  quota(): { readonly bytesMax: number; readonly bytesUsed: number } {
    return { bytesMax: this.#options.quotaBytes, bytesUsed: this.#replica.state.store.bytes };
  }

  hasLeader(): boolean {
    return !this.#hasStopped && this.#replica.raft.leader !== NO_MEMBER;
  }

  isLearner(): boolean {
    return !isVoter(this.#replica.state.config, this.header.memberId);
  }

  onLeaderChange(listener: (leaderId: number) => void): () => void {
    this.#leaderListeners.add(listener);
    return () => this.#leaderListeners.delete(listener);
  }

  onStop(listener: () => void): () => void {
    if (this.#hasStopped) listener();
    else this.#stopListeners.add(listener);
    return () => this.#stopListeners.delete(listener);
  }

  snapshot(): StateSnapshot {
    const { store } = this.#replica.state;
    return streamState(this.#options, this.#replica.freeze(), store.revision);
  }

  // ---- what the member tells -------------------------------------------------------------------------------------

  leaderChanged(leaderId: number): void {
    for (const listener of this.#leaderListeners) this.#tell(() => listener(leaderId));
  }

  /** Serving ends. */
  stopped(): void {
    if (this.#hasStopped) return;
    this.#hasStopped = true;
    const listeners = [...this.#stopListeners];
    this.#stopListeners.clear();
    for (const listener of listeners) this.#tell(listener);
  }

  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#options.faulted(error);
    }
  }
}

/** Hands faults on outside of the turn in which they came up, so that nothing that `onFault` does can reach it: by default it throws them. */
export function faultsTo(onFault: (error: unknown) => void = rethrow): (error: unknown) => void {
  return (error) => {
    setImmediate(() => onFault(error));
  };
}

function rethrow(error: unknown): never {
  throw error;
}

/** A frozen state as the bytes of a snapshot file. Releases it at the end. */
export function streamState(ids: FolderIds, state: FrozenState, revision: number): StateSnapshot {
  const framer = new SnapshotFramer(nodePlatform, ids, state.metadata);
  const source = state.chunks();
  let stage: 'header' | 'state' | 'over' = 'header';
  const release = (): void => {
    if (stage === 'over') return;
    stage = 'over';
    state.release();
  };
  return {
    revision,
    bytesEstimate: state.bytesEstimate,
    release,
    next: () => {
      if (stage === 'over') return undefined;
      if (stage === 'header') {
        stage = 'state';
        return framer.header;
      }
      const chunk = source.next(SNAPSHOT_SLICE_BYTES);
      if (chunk !== undefined) return Buffer.concat(framer.blocks(chunk));
      release();
      return framer.end();
    },
  };
}
