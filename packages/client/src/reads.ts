/** Which requests only read, so that they may be repeated at another endpoint (the rule of etcd's own clients). */
import type { AlarmRequest, AnyMethod, MessageInit, TxnRequest } from '@quorate/proto';

const READS: ReadonlySet<string> = new Set([
  '/etcdserverpb.KV/Range',
  '/etcdserverpb.KV/RangeStream',
  '/etcdserverpb.Watch/Watch',
  '/etcdserverpb.Lease/LeaseTimeToLive',
  '/etcdserverpb.Lease/LeaseLeases',
  '/etcdserverpb.Cluster/MemberList',
  '/etcdserverpb.Maintenance/Status',
  '/etcdserverpb.Maintenance/Hash',
  '/etcdserverpb.Maintenance/HashKV',
  '/etcdserverpb.Maintenance/Snapshot',
  '/etcdserverpb.Auth/AuthStatus',
  '/etcdserverpb.Auth/Authenticate',
  '/etcdserverpb.Auth/UserGet',
  '/etcdserverpb.Auth/UserList',
  '/etcdserverpb.Auth/RoleGet',
  '/etcdserverpb.Auth/RoleList',
  '/v3electionpb.Election/Leader',
  '/v3electionpb.Election/Observe',
  '/grpc.health.v1.Health/Check',
  '/grpc.health.v1.Health/Watch',
]);

/** Nested transactions count as writes beyond this: nobody nests reads so deep. */
const DEPTH_MAX = 8;

export function isRead(method: Pick<AnyMethod, 'path'>, request: unknown): boolean {
  if (method.path === '/etcdserverpb.KV/Txn') return isReadOnly(request as MessageInit<TxnRequest>, 0);
  if (method.path === '/etcdserverpb.Maintenance/Alarm') {
    return ((request as MessageInit<AlarmRequest>).action ?? 'GET') === 'GET';
  }
  return READS.has(method.path);
}

function isReadOnly({ success = [], failure = [] }: MessageInit<TxnRequest>, depth: number): boolean {
  return [...success, ...failure].every(
    ({ requestPut, requestDeleteRange, requestTxn }) =>
      requestPut === undefined &&
      requestDeleteRange === undefined &&
      (requestTxn === undefined || (depth < DEPTH_MAX && isReadOnly(requestTxn, depth + 1))),
  );
}
