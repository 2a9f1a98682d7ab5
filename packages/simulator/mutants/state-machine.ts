/** Defects of leases, watches and locks: the last part of the list. */
import { inReplica, inServer, type Mutant, replicaTest, serverTest } from './mutant.js';

export const stateMachine: readonly Mutant[] = [
  {
    bug: 71,
    name: 'lease-ends-by-name',
    planted: 'store: a lease that is named as due ends, though it was renewed before that was decided',
    kind: 'safety',
    edits: [
      inReplica(
        'store/control',
        'return info === undefined || info.deadlineMs > this.timeMs ? undefined : this.leases.keys(lease);',
        'return info === undefined ? undefined : this.leases.keys(lease);',
      ),
    ],
    test: replicaTest('store/lease'),
  },
  {
    bug: 71,
    name: 'no-grace-after-a-standstill',
    planted: 'lessor: a leader that stood still ends leases before it has heard the renewals that wait at its door',
    kind: 'safety',
    edits: [inReplica('replica/lessor', 'passedMs > STANDSTILL_HEARTBEATS * heartbeatTicks * tickMs', 'passedMs < 0')],
    test: replicaTest('replica/store-duties'),
  },
  {
    bug: 72,
    name: 'progress-is-the-store-s',
    planted: 'watch: a watcher claims to have seen everything that was published, also while it is behind',
    kind: 'safety',
    edits: [
      inReplica(
        'watch/watcher-set',
        'return Math.min(this.standing - 1, this.owner.frontier());',
        'return this.owner.frontier();',
      ),
    ],
    test: replicaTest('watch/hub.property'),
  },
  {
    bug: 73,
    name: 'watch-begins-again-after-a-snapshot',
    planted: 'watch: when a snapshot has replaced the store, all watchers begin again',
    kind: 'safety',
    edits: [
      inReplica(
        'watch/hub',
        'set.isSynced = false;',
        `set.isSynced = false;
            set.position = Math.max(store.compactRevision, 1);
            for (const watcher of set.all())
                watcher.next = set.position;`,
      ),
    ],
    test: replicaTest('watch/hub.property'),
  },
  {
    bug: 74,
    name: 'slow-watch-skips',
    planted: 'watch: a watcher that wanted no more for a while goes on with the present',
    kind: 'safety',
    edits: [
      inReplica(
        'watch/hub',
        'if (this.#paused.delete(watcher)) {\n            this.#place(watcher);',
        'if (this.#paused.delete(watcher)) {\n            watcher.next = this.#frontier + 1;\n            this.#place(watcher);',
      ),
    ],
    test: replicaTest('watch/hub.property'),
  },
  {
    bug: 79,
    name: 'slow-watch-is-told-twice',
    planted: 'watch: the events with which a watcher says that it wants no more come again',
    kind: 'safety',
    edits: [
      inReplica(
        'watch/hub',
        'if (!wantsMore) {\n',
        'if (!wantsMore) {\n            watcher.next = events[0].keyValue.modRevision;\n',
      ),
    ],
    test: replicaTest('watch/hub.property'),
  },
  {
    bug: 80,
    name: 'future-start-at-a-lagging-member',
    planted: 'watch: a start beyond what the member has is taken for the present',
    kind: 'safety',
    edits: [
      inReplica(
        'watch/hub',
        ': startRevision;\n',
        ': Math.min(startRevision, Math.max(store.revision, this.#frontier) + 1);\n',
      ),
    ],
    test: replicaTest('watch/hub.property'),
  },
  {
    bug: 82,
    name: 'lock-of-a-dead-session',
    planted: 'lock service: who has waited has the lock when its turn comes, whether or not its session is still alive',
    kind: 'safety',
    edits: [
      inServer(
        'etcd/lock',
        `else if (outcome.value === undefined)
                this.#reply.fail(etcdFailure('SessionExpired'));
            else`,
        'else',
      ),
    ],
    test: serverTest('etcd/locks'),
    outOfReach:
      'a lock is a key with a lease, and those are simulated (see 71); the service that waits for one and hands it out stands above the simulated part',
  },
  {
    bug: 'own',
    name: 'time-lags-by-each-stamp',
    planted: 'cluster time: a leader sets its time back to each stamp of its own when that is applied',
    kind: 'liveness',
    edits: [inReplica('replica/cluster-time', 'if (isOwn)\n            return;\n', '')],
    test: replicaTest('replica/cluster-time'),
  },
];
