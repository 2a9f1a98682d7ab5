/** What must hold of a keyspace between commands. Tests and the simulator check it after every step. */
import { KEY_OVERHEAD_BYTES, type Keyspace, VERSION_OVERHEAD_BYTES } from './keyspace.js';
import { RecordReader } from './record.js';
import { CHANGE_BYTES, isCurrentAt } from './revision-index.js';
import type { Slab } from './slabs.js';
import { NODE_ITEMS_MAX, type Node } from './tree.js';
import { type Key, type LeaseId, NO_LEASE } from './types.js';
import { isTombstone, NO_VERSION, type Version } from './versions.js';

function check(condition: boolean, message: string): asserts condition {
  if (!condition) {
    throw new Error(`the store's invariant is broken: ${message}`);
  }
}

interface Account {
  bytes: number;
  historyBytes: number;
  readonly liveBytes: Map<Slab, number>;
  readonly record: RecordReader;
  /** All that are reached. */
  readonly versions: Version[];
}

/** Throws an Error that names the first broken invariant. */
export function checkKeyspace(
  keyspace: Keyspace,
  revision: number,
  compactRevision: number,
  detached: readonly Version[],
): void {
  check(revision >= 1 && compactRevision >= 0 && compactRevision <= revision, 'revisions');
  const { versions } = keyspace;
  const record = new RecordReader(versions);
  const account: Account = { bytes: 0, historyBytes: 0, liveBytes: new Map(), record, versions: [] };
  const changes: Change[] = [];
  const attached = keyspace.leases.attached();
  checkNode(keyspace.tree.root, undefined, undefined, (key, head) => {
    checkChain(key, head, revision, account);
    checkLease(key, head, attached, account.record);
    gatherChanges(key, head, compactRevision, changes, account.record);
  });
  check(attached.size === 0, 'no lease holds a key that does not name it');
  keyspace.leases.check();
  checkChanges(keyspace, compactRevision, changes);
  for (const chain of detached) {
    for (let version = chain; version !== NO_VERSION; version = versions.previous(version)) {
      charge(version, account);
      account.historyBytes += versionBytes(version, account);
    }
  }
  check(account.bytes === keyspace.bytes, `bytes are ${account.bytes}, on the account ${keyspace.bytes}`);
  check(
    account.historyBytes === keyspace.historyBytes,
    `history bytes are ${account.historyBytes}, on the account ${keyspace.historyBytes}`,
  );
  versions.check(account.versions);
  checkSlabs(keyspace, account);
}

/** Keys in [low, high) in order, leaves at one depth, sizes, and live counts. Returns the height. */
function checkNode(
  node: Node,
  low: Key | undefined,
  high: Key | undefined,
  visit: (key: Key, head: Version) => void,
): number {
  check(node.items <= NODE_ITEMS_MAX, `a node of ${node.items} items`);
  let before: Key | undefined;
  for (const key of node.keys) {
    check(before === undefined || before < key, 'keys of a node are in order');
    check((low === undefined || key >= low) && (high === undefined || key < high), 'keys are within their separators');
    before = key;
  }
  if (node.children === undefined) {
    check(node.keys.length === node.versions.length, 'a leaf has a version per key');
    node.keys.forEach((key, index) => visit(key, node.versions[index] as Version));
    check(node.live === node.versions.filter((version) => !isTombstone(version)).length, 'live keys of a leaf');
    return 0;
  }
  check(node.children.length === node.keys.length + 1, 'an inner node has a separator between each two children');
  let live = 0;
  const heights = new Set<number>();
  node.children.forEach((child, index) => {
    check(child.items > 0, 'no node below the root is empty');
    heights.add(checkNode(child, node.keys[index - 1] ?? low, node.keys[index] ?? high, visit));
    live += child.live;
  });
  check(node.live === live, 'live keys of an inner node');
  check(heights.size === 1, 'all leaves are at one depth');
  return 1 + Math.max(...heights);
}

function checkChain(key: Key, head: Version, revision: number, account: Account): void {
  const { versions } = account.record;
  check(versions.modRevision(head) <= revision, 'no version is of the future');
  const keyBytes = KEY_OVERHEAD_BYTES + key.length;
  account.bytes += keyBytes;
  account.historyBytes += isTombstone(head) ? keyBytes + VERSION_OVERHEAD_BYTES : 0;
  charge(head, account);
  let newer = head;
  for (let version = versions.previous(head); version !== NO_VERSION; version = versions.previous(version)) {
    const newerBy = versions.modRevision(newer) - versions.modRevision(version);
    const inTurns = isTombstone(newer) !== isTombstone(version);
    check(newerBy > 0 || (newerBy === 0 && inTurns), 'a chain goes from new to old');
    check(!(isTombstone(version) && isTombstone(newer)), 'what is deleted is not deleted again');
    charge(version, account);
    account.historyBytes += versionBytes(version, account);
    newer = version;
  }
}

/** Takes the key's attachment away from `attached`. */
function checkLease(key: Key, head: Version, attached: Map<Key, LeaseId>, record: RecordReader): void {
  record.read(head);
  check(
    (attached.get(key) ?? NO_LEASE) === record.lease,
    'a key is attached to the lease that its newest version names',
  );
  attached.delete(key);
}

interface Change {
  readonly key: Key;
  readonly version: Version;
  readonly revision: number;
  readonly order: number;
}

function gatherChanges(
  key: Key,
  head: Version,
  compactRevision: number,
  changes: Change[],
  record: RecordReader,
): void {
  const { versions } = record;
  for (let version = head; version !== NO_VERSION; version = versions.previous(version)) {
    record.read(version);
    const { modRevision: revision, order } = record;
    if (revision >= compactRevision) {
      changes.push({ key, version, revision, order });
    }
    if (revision <= compactRevision) {
      return;
    }
  }
}

/** The index of changes holds the very versions of the chains, in order. */
function checkChanges(keyspace: Keyspace, compactRevision: number, changes: Change[]): void {
  changes.sort(compareChanges);
  const expected = changes.values();
  let count = 0;
  const cursor = keyspace.changes.cursor(compactRevision);
  for (let version = cursor.version; version !== NO_VERSION; cursor.next(), version = cursor.version) {
    count++;
    if (isCurrentAt(keyspace.tree, keyspace.versions, cursor, compactRevision)) {
      const { value: change } = expected.next();
      const isEqual = version === change?.version && cursor.key === change.key && cursor.revision === change.revision;
      check(isEqual, 'the index of changes follows the chains');
    }
  }
  check(expected.next().done === true, 'the index of changes has all of them');
  check(keyspace.changes.bytes === count * CHANGE_BYTES, 'memory of the index of changes');
}

function compareChanges(left: Change, right: Change): number {
  if (left.revision !== right.revision) {
    return left.revision - right.revision;
  }
  if (left.order !== right.order) {
    return left.order - right.order;
  }
  return left.key < right.key ? -1 : 1;
}

function versionBytes(version: Version, account: Account): number {
  account.record.read(version);
  return VERSION_OVERHEAD_BYTES + account.record.recordBytes;
}

function charge(version: Version, account: Account): void {
  const bytes = versionBytes(version, account);
  account.bytes += bytes;
  account.versions.push(version);
  if (!isTombstone(version)) {
    const { versions } = account.record;
    const slab = versions.slab(version);
    check(
      versions.offset(version) + account.record.recordBytes <= slab.usedBytes,
      'a record lies in the used part of its slab',
    );
    account.liveBytes.set(slab, (account.liveBytes.get(slab) ?? 0) + account.record.recordBytes);
  }
}

function checkSlabs(keyspace: Keyspace, account: Account): void {
  let allocatedBytes = 0;
  let liveBytes = 0;
  const known = new Set<Slab>(keyspace.slabs.all());
  keyspace.slabs.all().forEach((slab) => {
    check(keyspace.slabs.byNumber[slab.number] === slab, 'a slab knows its number');
    check(slab.liveBytes === (account.liveBytes.get(slab) ?? 0), 'live bytes of a slab');
    check(slab.liveBytes <= slab.usedBytes && slab.usedBytes <= slab.bytes.length, 'a slab is not overfull');
    allocatedBytes += slab.bytes.length;
    liveBytes += slab.liveBytes;
  });
  for (const slab of account.liveBytes.keys()) {
    check(known.has(slab), 'a slab in use is on the list');
  }
  check(keyspace.slabs.allocatedBytes === allocatedBytes, 'memory of all slabs');
  check(keyspace.slabs.liveBytes === liveBytes, 'live bytes of all slabs');
}
