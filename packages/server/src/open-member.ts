/** The one place where the server meets the package that a member comes from. */
import type { JoinRequest, JoinResult, Member } from '@quorate/replica';
import type { ServeModules } from './cli/serve.js';
import type { OpenMember, OpenMemberOptions } from './serve.js';
import { type TraceSink, traceToLog } from './trace-log.js';

/** What of `@quorate/replica` is used here. */
interface Replica {
  readonly open: (options: {
    readonly dir: string;
    readonly name: string;
    readonly peer: { readonly listen: string; readonly advertise: string };
    readonly clientAddress: string;
    /** Without it a fresh folder founds a cluster. */
    readonly join?: (request: JoinRequest) => Promise<JoinResult>;
    readonly heartbeatMs: number;
    readonly electionMs: number;
    readonly requestTimeoutMs: number;
    readonly trace: TraceSink;
  }) => Promise<Member>;
  readonly openStandalone: (options: { readonly name: string; readonly clientAddress: string }) => Member;
}

/** Loaded when a server is started, so that the other commands start quickly. */
export async function loadMemberModules(): Promise<ServeModules> {
  const replica = (await import('@quorate/replica')) as unknown as Replica;
  return {
    openMember: openWith(replica),
    openStandalone: ({ name, clientAddress }) => Promise.resolve(replica.openStandalone({ name, clientAddress })),
  };
}

/**
 * `open` founds a cluster in a fresh folder exactly if it has no `join`. So a founder with addresses to ask opens with one that
 * fails once they have said that there is no cluster, and then again without; a folder that has data never asks.
 */
export function openWith(replica: Pick<Replica, 'open'>): OpenMember {
  return async (options) => {
    const { join, found } = options;
    if (join === undefined) return replica.open(found ? shared(options) : { ...shared(options), join: refuse });
    let nobody = false;
    const joinOrFail = async (request: JoinRequest): Promise<JoinResult> => {
      const result = await join(request);
      if (result !== undefined) return result;
      nobody = true;
      throw new Error('there is no cluster to join');
    };
    try {
      return await replica.open({ ...shared(options), join: joinOrFail });
    } catch (error) {
      if (!nobody) throw error;
    }
    options.log.info('no member knows of a cluster: founding one');
    return replica.open(shared(options));
  };
}

function shared(options: OpenMemberOptions): Parameters<Replica['open']>[0] {
  const { dir, name, peer, clientAddress, heartbeatMs, electionMs, requestTimeoutMs, log } = options;
  return { dir, name, peer, clientAddress, heartbeatMs, electionMs, requestTimeoutMs, trace: traceToLog(log) };
}

function refuse(): Promise<JoinResult> {
  const reason =
    'the data folder is empty, SERVICE_RAFT_LEADER is false and SERVICE_RAFT_JOIN_ADDR names nobody: ' +
    'set one of them to found or to join a cluster';
  return Promise.reject(new Error(reason));
}
