/** Every unary method of the API, asked with an empty request: what is wrong with one is found in the same order, and said in the same words. */
import { METHODS_BY_PATH } from '@quorate/proto';
import type { GrpcClient, Status } from '../support/grpc-client.js';

/** Those that would wait for ever, as at etcd. */
const WAITING: ReadonlySet<string> = new Set(['/v3lockpb.Lock/Lock', '/v3electionpb.Election/Campaign']);

/** Allowed differences: what 3.4 does not know yet, or answers otherwise than newer versions. */
const NEWER: ReadonlySet<string> = new Set([
  '/etcdserverpb.Maintenance/Downgrade',
  '/etcdserverpb.Auth/AuthStatus',
  // Since 3.5 a missing permission is found before a missing role.
  '/etcdserverpb.Auth/RoleGrantPermission',
  // Its compacted revision begins at -1 (see requests.ts).
  '/etcdserverpb.KV/Compact',
]);

export function emptyRequestPaths(): readonly string[] {
  const unary = [...METHODS_BY_PATH.values()].filter(({ kind }) => kind === 'unary');
  return unary.map(({ path }) => path).filter((path) => !WAITING.has(path) && !NEWER.has(path));
}

/** How each of them ends. */
export async function emptyRequestStatuses(client: GrpcClient): Promise<Readonly<Record<string, Status>>> {
  const statuses: Record<string, Status> = {};
  for (const path of emptyRequestPaths()) {
    const { code, message } = await client.callBytes(path, new Uint8Array(0));
    statuses[path] = { code, message };
  }
  return statuses;
}
