/**
 * The one truth of this package: every message and enumeration of etcd's API. Codecs, JSON and the services are built from these
 * tables; the types in `messages/` are written beside them and held to them by the compiler (`agreement.ts`).
 */

import { AUTH_MESSAGES } from './auth.js';
import { CLUSTER_MESSAGES } from './cluster.js';
import { ELECTION_MESSAGES } from './election.js';
import { HEALTH_ENUMS, HEALTH_MESSAGES } from './health.js';
import { KV_ENUMS, KV_MESSAGES } from './kv.js';
import { LEASE_MESSAGES } from './lease.js';
import { LOCK_MESSAGES } from './lock.js';
import { MAINTENANCE_ENUMS, MAINTENANCE_MESSAGES } from './maintenance.js';
import { PERMISSIONS_ENUMS, PERMISSIONS_MESSAGES } from './permissions.js';
import { RANGE_ENUMS, RANGE_MESSAGES } from './range.js';
import { TXN_ENUMS, TXN_MESSAGES } from './txn.js';
import { WATCH_ENUMS, WATCH_MESSAGES } from './watch.js';

export type MessageTable = typeof KV_MESSAGES &
  typeof RANGE_MESSAGES &
  typeof TXN_MESSAGES &
  typeof WATCH_MESSAGES &
  typeof LEASE_MESSAGES &
  typeof CLUSTER_MESSAGES &
  typeof MAINTENANCE_MESSAGES &
  typeof PERMISSIONS_MESSAGES &
  typeof AUTH_MESSAGES &
  typeof LOCK_MESSAGES &
  typeof ELECTION_MESSAGES &
  typeof HEALTH_MESSAGES;

export type EnumTable = typeof KV_ENUMS &
  typeof RANGE_ENUMS &
  typeof TXN_ENUMS &
  typeof WATCH_ENUMS &
  typeof MAINTENANCE_ENUMS &
  typeof PERMISSIONS_ENUMS &
  typeof HEALTH_ENUMS;

/** Every message by its full name, its fields by their proto names, in the order of their numbers. */
export const MESSAGES: MessageTable = {
  ...KV_MESSAGES,
  ...RANGE_MESSAGES,
  ...TXN_MESSAGES,
  ...WATCH_MESSAGES,
  ...LEASE_MESSAGES,
  ...CLUSTER_MESSAGES,
  ...MAINTENANCE_MESSAGES,
  ...PERMISSIONS_MESSAGES,
  ...AUTH_MESSAGES,
  ...LOCK_MESSAGES,
  ...ELECTION_MESSAGES,
  ...HEALTH_MESSAGES,
};

/** Every enumeration by its full name. */
export const ENUMS: EnumTable = {
  ...KV_ENUMS,
  ...RANGE_ENUMS,
  ...TXN_ENUMS,
  ...WATCH_ENUMS,
  ...MAINTENANCE_ENUMS,
  ...PERMISSIONS_ENUMS,
  ...HEALTH_ENUMS,
};
