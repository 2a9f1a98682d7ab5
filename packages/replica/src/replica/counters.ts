/** What a replica has applied since it started, counted for metrics. */
import type { AppliedCommand } from './state-machine.js';

export interface ReplicaCounters {
  leaderChanges: number;
  puts: number;
  deletes: number;
  txns: number;
  compactions: number;
  leasesGranted: number;
  leasesRenewed: number;
  leasesRevoked: number;
  leasesExpired: number;
}

export function zeroCounters(): ReplicaCounters {
  return {
    leaderChanges: 0,
    puts: 0,
    deletes: 0,
    txns: 0,
    compactions: 0,
    leasesGranted: 0,
    leasesRenewed: 0,
    leasesRevoked: 0,
    leasesExpired: 0,
  };
}

/** Refusals count for nothing. */
export function count(counters: ReplicaCounters, { kind, response }: AppliedCommand): void {
  if (response.kind === 'error') return;
  switch (kind) {
    case 'put':
      counters.puts += 1;
      break;
    case 'delete':
      counters.deletes += 1;
      break;
    case 'txn':
      counters.txns += 1;
      break;
    case 'compact':
      counters.compactions += 1;
      break;
    case 'lease-grant':
      counters.leasesGranted += 1;
      break;
    case 'lease-renew':
      counters.leasesRenewed += 1;
      break;
    case 'lease-revoke':
      counters.leasesRevoked += 1;
      break;
    case 'lease-expire':
      if (response.kind === 'lease-end') counters.leasesExpired += response.ended.length;
      break;
    case 'alarm':
      break;
  }
}
