/** The one place where the server meets the package that a member comes from. */
import type { JoinResult, Member, OpenOptions } from '@quorate/replica';
import type { ServeModules } from './cli/serve.js';
import { optimizeEarly } from './early-optimization.js';
import { letSmallHeapGrow } from './heap-growth.js';
import type { OpenMember, OpenMemberOptions } from './serve.js';
import { traceToLog } from './trace-log.js';

/** Loaded when a server is started, so that the other commands start quickly. */
export async function loadMemberModules(): Promise<ServeModules> {
  // From here on the process is a server.
  letSmallHeapGrow();
  optimizeEarly();
  const { open, openStandalone } = await import('@quorate/replica');
  return { openMember: openWith(open), openStandalone: (options) => Promise.resolve(openStandalone(options)) };
}

/**
 * In a fresh folder `open` founds a cluster if it has no `join` or if that resolves with undefined. So a member that may not found
 * and has nobody to ask gets a `join` that refuses; a folder that has data never asks.
 */
export function openWith(open: (options: OpenOptions) => Promise<Member>): OpenMember {
  return (options) => {
    const mayFound = options.found || options.place?.cluster !== undefined;
    const join = options.join ?? (mayFound ? undefined : refuse);
    return open(join === undefined ? shared(options) : { ...shared(options), join });
  };
}

function shared(options: OpenMemberOptions): OpenOptions {
  const { found: _found, join: _join, place, log, ...common } = options;
  return { ...common, ...place, trace: traceToLog(log) };
}

function refuse(): Promise<JoinResult> {
  const reason =
    'the data folder is empty, SERVICE_RAFT_LEADER is false and SERVICE_RAFT_JOIN_ADDR names nobody: ' +
    'set one of them to found or to join a cluster';
  return Promise.reject(new Error(reason));
}
