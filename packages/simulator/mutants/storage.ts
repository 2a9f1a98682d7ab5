/** Defects of the log on disk and of the start. */
import { inRaft, inReplica, type Mutant, replicaTest } from './mutant.js';

export const storage: readonly Mutant[] = [
  {
    bug: 32,
    name: 'cut-tail-comes-back',
    planted: 'log: at the start an entry that replaces another one leaves those after it',
    kind: 'safety',
    edits: [
      inReplica(
        'wal/entry-run',
        'list.length = length;',
        '(this.tails ??= []).push(list.splice(length, list.length).slice(1));',
      ),
      inReplica(
        'wal/entry-run',
        'this.#ends.push(end);',
        `this.#ends.push(end);
        const lists = [this.#terms, this.#types, this.#payloads, this.#starts, this.#ends];
        this.tails?.forEach((tail, i) => lists[i].push(...tail));
        this.tails = undefined;`,
      ),
    ],
    test: replicaTest('wal/replay'),
  },
  {
    bug: 35,
    name: 'wiped-member-keeps-its-name',
    planted:
      'membership: who asks to join under a known name gets the id of the member that had it, whatever its folder',
    kind: 'safety',
    edits: [inReplica('replica/membership', 'return present.instance === request.instance;', 'return true;')],
  },
  {
    bug: 35,
    name: 'founds-itself-again',
    planted:
      'founding: a member that has lost its folder founds itself once more under the id of the list, though the others know that it was started',
    kind: 'safety',
    edits: [
      inReplica(
        'replica/founding',
        'if (!view.members.some(({ id, isStarted }) => id === memberId && isStarted))',
        'if (true)',
      ),
      inReplica(
        'replica/publishing',
        'return isSaid && known.instance === instance ?',
        'return isSaid && known.instance !== "" ?',
      ),
      inReplica('replica/standing', "if (taken === '' || taken === folderOfGivenId)", 'if (taken !== undefined)'),
    ],
    test: replicaTest('replica/founding'),
  },
  {
    bug: 35,
    name: 'forgets-who-was-started',
    planted:
      'founding: whoever answers a member with an empty folder goes by what it has applied, and not by what stands in its log',
    kind: 'safety',
    edits: [inReplica('replica/peer-view', 'return found;', 'return [];')],
    test: replicaTest('replica/peer-view'),
  },
  {
    bug: 35,
    name: 'stray-follows-strangers',
    planted: 'replica: whoever has founded a cluster alone, and again with an empty folder, follows those added since',
    kind: 'safety',
    edits: [
      inReplica(
        'replica/replica',
        'if (this.#halted || isStranger(from, this.#options.memberId, this.#state))',
        'if (this.#halted)',
      ),
    ],
    test: replicaTest('replica/standing'),
  },
  {
    bug: 35,
    name: 'stray-stays-alone',
    planted:
      'standing: whoever has founded a cluster alone, and again with an empty folder, goes on beside those added since',
    kind: 'liveness',
    edits: [inReplica('replica/standing', 'if (!isStranger(id, self, state))', 'if (id !== self)')],
    test: replicaTest('replica/standing'),
  },
  {
    bug: 35,
    name: 'lost-log-taken-for-a-new-one',
    planted: 'log: a member that has had a log starts with an empty one',
    kind: 'safety',
    edits: [
      inReplica(
        'wal/recovery',
        'if (this.#options.mustExist === true || this.#snapshot.index > 0) {',
        'if (path === undefined) {',
      ),
    ],
    test: replicaTest('wal/wal'),
  },
  {
    bug: 37,
    name: 'acknowledged-before-the-sync',
    planted: 'log: what must be synced is only written',
    kind: 'safety',
    edits: [
      inReplica(
        'wal/log',
        'this.#disk.writeSynced(path, offset, [bytes], written);',
        'this.#disk.write(path, offset, [bytes], written);',
      ),
    ],
  },
  {
    bug: 38,
    name: 'damage-taken-for-the-end',
    planted: "log: a damaged frame is taken for the log's end",
    kind: 'safety',
    edits: [
      inReplica(
        'wal/recovery',
        "if (reading.kind === 'damaged')",
        "if (reading.kind === 'damaged')\n                return;\n            if (reading.kind === 'none')",
      ),
    ],
    test: replicaTest('wal/damage'),
  },
  {
    bug: 54,
    name: 'votes-need-no-sync',
    planted: 'core: a change of term or vote alone need not be durable before messages leave',
    kind: 'safety',
    edits: [
      inRaft('ready', 'core.hardStateTold.term !== told.term ||', ''),
      inRaft('ready', 'core.hardStateTold.vote !== told.vote ||', ''),
    ],
  },
  {
    bug: 'own',
    name: 'segment-begun-on-unsynced-ground',
    planted:
      'log: a new segment begins though the end of the one before is not synced; and commit indexes are written at once, without a sync',
    kind: 'safety',
    edits: [
      inReplica('wal/log', 'this.#syncUnsynced((error) => {', '((next) => next(undefined))((error) => {'),
      // Otherwise a member writes nothing without a sync but its last word.
      inReplica(
        'replica/replica',
        'this.#lazyHardState = ready.hardState ?? this.#lazyHardState;',
        `const { hardState } = ready;
            if (hardState !== undefined) {
                this.#wal.append({ hardState, entries: [], reset: undefined, mustSync: false }, (error) => {
                    if (error !== undefined)
                        this.#halt(error);
                });
            }`,
      ),
    ],
    test: replicaTest('wal/wal'),
  },
  {
    bug: 'own',
    name: 'segment-name-not-synced',
    planted: 'log: a prepared segment is used though its name may get lost',
    kind: 'safety',
    edits: [inReplica('wal/preparer', '(next) => this.#disk.syncDirectory(WAL_DIRECTORY, next),', '')],
    test: replicaTest('wal/wal'),
  },
  {
    bug: 'own',
    name: 'released-behind-a-bare-header',
    planted: 'log: the segments before the last one are removed when that has only its header, and no hard state',
    kind: 'safety',
    edits: [inReplica('wal/log', 'this.#syncedBytes > SEGMENT_HEADER_BYTES;', 'this.#syncedBytes > 0;')],
    test: replicaTest('wal/wal'),
  },
  {
    bug: 'own',
    name: 'failed-first-write-refused',
    planted: 'log: a segment whose first write failed, or was torn within its header, is taken for a damaged one',
    kind: 'crash',
    edits: [
      inReplica(
        'wal/recovery',
        'if (!isWholeHeader(this.#platform, first) && this.#endsWithin(path, SEGMENT_HEADER_BYTES))',
        'if (sequence < 0)',
      ),
    ],
    test: replicaTest('wal/wal'),
  },
  {
    bug: 'own',
    name: 'bare-segment-without-hard-state',
    planted:
      'log: the hard state is written at the beginning of a segment only, not behind a header that a crash left alone',
    kind: 'safety',
    edits: [
      inReplica(
        'wal/log',
        'if (offset <= SEGMENT_HEADER_BYTES && sequence > 1 && !isReset)',
        'if (offset === 0 && sequence > 1 && !isReset)',
      ),
    ],
    test: replicaTest('wal/wal'),
  },
  {
    bug: 'own',
    name: 'torn-tail-not-zeroed',
    planted: "log: what a crash left behind the log's end stays there",
    kind: 'safety',
    edits: [
      inReplica(
        'wal/recovery',
        'const bytes = new Uint8Array(dirtyEnd - this.#syncedBytes);',
        'const bytes = new Uint8Array(this.#offset - this.#syncedBytes);',
      ),
    ],
    test: replicaTest('wal/wal'),
  },
  {
    bug: 'own',
    name: 'write-goes-on-after-a-failed-sync',
    planted: 'log: after a failed write or sync the next one is tried as if nothing had happened',
    kind: 'safety',
    edits: [
      inReplica(
        'wal/log',
        'this.#failure ??= error;\n        this.#refuse(gathered, error);',
        'this.#succeed(gathered);\n        return;',
      ),
    ],
    test: replicaTest('wal/wal'),
  },
];
