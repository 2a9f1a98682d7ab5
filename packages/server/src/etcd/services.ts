/** All services of the etcd door, over one member. */
import { AuthService } from './auth.js';
import type { EtcdBackend } from './backend.js';
import { ClusterService } from './cluster.js';
import { ElectionService } from './election.js';
import { guarded } from './guard.js';
import { KvService } from './kv.js';
import { LeaseService } from './lease.js';
import { LockService } from './lock.js';
import { MaintenanceService } from './maintenance.js';
import type { Served } from './service.js';
import { WatchService } from './watch.js';

export function etcdServices(backend: EtcdBackend): readonly Served[] {
  return guarded(backend, [
    ...new KvService(backend).methods(),
    ...new LeaseService(backend).methods(),
    ...new WatchService(backend).methods(),
    ...new ClusterService(backend).methods(),
    ...new MaintenanceService(backend).methods(),
    ...new AuthService(backend).methods(),
    ...new LockService(backend).methods(),
    ...new ElectionService(backend).methods(),
  ]);
}
