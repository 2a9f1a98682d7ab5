/**
 * The part of the state machine beside the keys: cluster time, leases (contract section 6) and alarms (sections 7.38, 2).
 *
 * Time moves first, with the stamp of every command that carries one, whatever becomes of the command: a stamp is the leader's
 * knowledge of the time and stays true. It never goes back. What has expired is decided by it alone, so all members agree; a
 * lease whose deadline has passed still lives, and may be renewed, until a command ends it.
 */
import { unreachable } from './bytes.js';
import type { ControlOperation } from './control-codec.js';
import type { FrozenGrants } from './grant-order.js';
import { LEASE_TTL_SECONDS_MAX, LEASES_MAX, type Leases } from './leases.js';
import {
  type Alarm,
  type AlarmKind,
  type AlarmOperation,
  type Key,
  type LeaseGrantOperation,
  type LeaseId,
  type LeaseInfo,
  NO_LEASE,
  type Operation,
  type StoreErrorCode,
} from './types.js';

/** Alarms at one time. Members are few; an alarm beyond it is not raised. */
export const ALARMS_MAX = 1024;

/** What a snapshot has of it. */
export interface ControlState {
  readonly timeMs: number;
  /** By member, then by alarm. */
  readonly alarms: readonly Alarm[];
  /** In the order of their grants. */
  readonly leases: FrozenGrants;
}

export class Control {
  readonly leases: Leases;
  /** Cluster time, in milliseconds. */
  timeMs: number;
  /** Replaced, never changed. */
  alarms: readonly Alarm[];

  /** `leases` are the keyspace's. */
  constructor(leases: Leases, timeMs: number, alarms: readonly Alarm[]) {
    this.leases = leases;
    this.timeMs = timeMs;
    this.alarms = alarms;
  }

  get state(): ControlState {
    return { timeMs: this.timeMs, alarms: this.alarms, leases: this.leases.freeze() };
  }

  /** To be called first with every operation: the clock. */
  advance(operation: ControlOperation): void {
    if ('timeMs' in operation) {
      this.timeMs = Math.max(this.timeMs, operation.timeMs);
    }
  }

  /** In etcd's order; TTLs below one second count as one (raising them further is the doors' business: section 6.27). */
  grant(operation: LeaseGrantOperation): LeaseInfo | StoreErrorCode {
    const { lease } = operation;
    if (lease === NO_LEASE) {
      return 'lease-not-found';
    }
    if (operation.ttlSeconds > LEASE_TTL_SECONDS_MAX) {
      return 'lease-ttl-too-large';
    }
    if (this.leases.has(lease)) {
      return 'lease-exists';
    }
    if (this.leases.size >= LEASES_MAX) {
      return 'no-space';
    }
    const info = this.lasting(lease, Math.max(1, operation.ttlSeconds));
    this.leases.grant(info);
    return info;
  }

  renew(lease: LeaseId): LeaseInfo | StoreErrorCode {
    const before = this.leases.get(lease);
    if (before === undefined) {
      return 'lease-not-found';
    }
    const info = this.lasting(lease, before.ttlSeconds);
    this.leases.renew(info);
    return info;
  }

  private lasting(lease: LeaseId, ttlSeconds: number): LeaseInfo {
    return { lease, ttlSeconds, deadlineMs: this.timeMs + 1000 * ttlSeconds };
  }

  /** The keys of a lease that is due and now ends; undefined if it stays or is not there. */
  expiredKeys(lease: LeaseId): readonly Key[] | undefined {
    const info = this.leases.get(lease);
    return info === undefined || info.deadlineMs > this.timeMs ? undefined : this.leases.keys(lease);
  }

  /** What is raised, or was cleared: an alarm that did not stand clears nothing. */
  setAlarm({ action, alarm, member }: AlarmOperation): readonly Alarm[] {
    const others = this.alarms.filter((standing) => standing.alarm !== alarm || standing.member !== member);
    const stood = others.length < this.alarms.length;
    const subject: Alarm = { member, alarm };
    switch (action) {
      case 'activate':
        if (!stood && others.length >= ALARMS_MAX) {
          return [];
        }
        this.alarms = [...others, subject].toSorted(compareAlarms);
        return [subject];
      case 'deactivate':
        this.alarms = others;
        return stood ? [subject] : [];
      default:
        return unreachable(action);
    }
  }

  hasAlarm(kind: AlarmKind): boolean {
    return this.alarms.some(({ alarm }) => alarm === kind);
  }
}

/** By member, then by alarm: the one order in which alarms are kept. */
export function compareAlarms(left: Alarm, right: Alarm): number {
  if (left.member !== right.member) {
    return left.member - right.member;
  }
  return left.alarm === right.alarm ? 0 : left.alarm === 'no-space' ? -1 : 1;
}

/**
 * Would it put, whichever way it goes? As etcd judges it while the no-space alarm stands, not by the branch that would be
 * taken; but a put in a nested transaction, which etcd overlooks, counts too.
 */
export function mayPut(operation: Operation): boolean {
  switch (operation.kind) {
    case 'put':
      return true;
    case 'txn':
      return operation.success.some(mayPut) || operation.failure.some(mayPut);
    case 'delete':
    case 'range':
      return false;
    default:
      return unreachable(operation);
  }
}
