/** Clusters of real processes, and clients for them. */
export { CONDITION_TIMEOUT_MS, type ConditionOptions, ConditionTimeout, waitUntil } from './conditions.js';
export { EtcdServers, type EtcdServersOptions } from './etcd-servers.js';
export { freePorts } from './free-ports.js';
export { hasWritten, historyLines, type Operation, type OperationKind, type OperationOutcome } from './history.js';
export { type HttpCall, type HttpResult, httpCall } from './http-call.js';
export { type AddMemberOptions, ProcessCluster, type ProcessClusterOptions } from './process-cluster.js';
export { type ProcessExit, ProcessMember, type ProcessMemberOptions } from './process-member.js';
export { type HistoryJudge, Workload, type WorkloadOptions } from './workload.js';
