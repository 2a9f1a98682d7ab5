/** What operators ask of members: status, backups, alarms, who leads. */
import { type AlarmType, GRPC_CODES, SERVICES } from '@quorate/proto';
import { bufferOf } from './bytes.js';
import type { CallOptions, Calls } from './calls.js';
import { ClientError } from './errors.js';

/** One member's own view. */
export interface Status {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly version: string;
  readonly revision: number;
  /** 0n: it knows none. */
  readonly leaderId: bigint;
  readonly raftTerm: number;
  readonly raftIndex: number;
  readonly raftAppliedIndex: number;
  readonly isLearner: boolean;
  readonly storeBytes: number;
  readonly storeBytesInUse: number;
  readonly errors: readonly string[];
}

export interface MemberAlarm {
  readonly memberId: bigint;
  readonly alarm: AlarmType;
}

export interface HashResult {
  readonly hash: number;
  readonly revision: number;
  readonly compactRevision: number;
}

/** A backup as it comes: pieces of bytes, which together end in the SHA-256 of all before (contract 37). */
export interface SnapshotPiece {
  readonly bytes: Buffer;
  /** About so many are to come. */
  readonly remainingBytes: number;
}

const METHODS = SERVICES['etcdserverpb.Maintenance'];

export class Maintenance {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** Of the member at `endpoint`, or else of whichever answers. */
  async status(options?: CallOptions): Promise<Status> {
    const answer = await this.#calls.call(METHODS.Status, {}, options);
    const { header, version, leader, raftTerm, raftIndex, raftAppliedIndex, isLearner, errors } = answer;
    return {
      clusterId: header?.clusterId ?? 0n,
      memberId: header?.memberId ?? 0n,
      version,
      revision: header?.revision ?? 0,
      leaderId: leader,
      raftTerm,
      raftIndex,
      raftAppliedIndex,
      isLearner,
      storeBytes: answer.dbSize,
      storeBytesInUse: answer.dbSizeInUse,
      errors,
    };
  }

  /** The whole state as of one moment. Never resumed: when the stream is lost, iterating throws. */
  async *snapshotPieces(options: CallOptions = {}): AsyncGenerator<SnapshotPiece, void, undefined> {
    const stream = await this.#calls.stream(METHODS.Snapshot, options);
    await stream.send({});
    stream.end();
    for await (const { blob, remainingBytes } of stream) {
      if (blob.length > 0) yield { bytes: bufferOf(blob), remainingBytes };
    }
  }

  /** The same as bytes only. */
  async *snapshot(options: CallOptions = {}): AsyncGenerator<Buffer, void, undefined> {
    for await (const { bytes } of this.snapshotPieces(options)) yield bytes;
  }

  /** Of keys and history up to a revision (default: the present), of the member that answers. */
  async hash(options: CallOptions & { readonly revision?: number } = {}): Promise<HashResult> {
    const { revision, ...call } = options;
    const { header, hash, compactRevision } = await this.#calls.call(METHODS.HashKV, { revision }, call);
    return { hash, compactRevision, revision: revision ?? header?.revision ?? 0 };
  }

  async alarms(options?: CallOptions): Promise<readonly MemberAlarm[]> {
    const { alarms } = await this.#calls.call(METHODS.Alarm, { action: 'GET' }, options);
    return alarms.map(({ memberID, alarm }) => ({ memberId: memberID, alarm }));
  }

  /** Clears alarms: that one, or all that stand. */
  async disarm(alarm?: MemberAlarm, options?: CallOptions): Promise<void> {
    const standing = alarm === undefined ? await this.alarms(options) : [alarm];
    for (const { memberId, alarm: kind } of standing) {
      await this.#calls.call(METHODS.Alarm, { action: 'DEACTIVATE', memberID: memberId, alarm: kind }, options);
    }
  }

  /** Of the member at `endpoint`; there is nothing to gain with Quorate. */
  async defragment(options?: CallOptions): Promise<void> {
    await this.#calls.call(METHODS.Defragment, {}, options);
  }

  /** Only the leader can be asked: it is looked for among the endpoints. */
  async moveLeader(targetId: bigint, options: CallOptions = {}): Promise<void> {
    const endpoint = options.endpoint ?? (await this.#leaderEndpoint(options));
    await this.#calls.call(METHODS.MoveLeader, { targetID: targetId }, { ...options, endpoint });
  }

  async #leaderEndpoint(options: CallOptions): Promise<string> {
    const reasons: string[] = [];
    for (const endpoint of this.#calls.origins) {
      try {
        const { memberId, leaderId } = await this.status({ ...options, endpoint, deadlineMs: LOOK_TIMEOUT_MS });
        if (memberId === leaderId) return endpoint;
      } catch (error) {
        if (!(error instanceof ClientError) || options.signal?.aborted === true) throw error;
        reasons.push(`${endpoint}: ${error.message}`);
      }
    }
    const message = `none of the endpoints is the leader${reasons.length > 0 ? `: ${reasons.join('; ')}` : ''}`;
    throw new ClientError(GRPC_CODES.FAILED_PRECONDITION, 'rejected', message);
  }
}

/** A member that is alive tells its status from memory. */
const LOOK_TIMEOUT_MS = 2_000;
