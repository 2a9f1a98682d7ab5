/** Clusters whose members are started with a list of each other, as etcd's are: founding, joining, amnesia, one left over. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { type Member, open, QuorateError, type StaticMember, staticIds } from '../src/index.js';
import { waitUntil } from '../src/testing/conditions.js';
import { freePorts } from '../src/testing/free-ports.js';

const root = mkdtempSync(path.join(tmpdir(), 'quorate-static-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** Computed once: a member that founds itself late, perhaps with a later version, must compute the same. */
const CLUSTER_ID = 3_764_072_658_132_413;
const MEMBER_IDS = [900_150_130_033_546, 4_346_866_036_667_896];

let clusters = 0;

/** Members that run in this process, each with a folder that outlives it. */
class StaticMembers {
  readonly #members: StaticMember[];
  readonly #folder: string;
  readonly #open = new Map<string, Member>();

  private constructor(members: StaticMember[]) {
    clusters += 1;
    this.#folder = path.join(root, `cluster${clusters}`);
    this.#members = members;
  }

  static async use(size: number, use: (members: StaticMembers) => Promise<void>): Promise<void> {
    const ports = await freePorts(size);
    const list = ports.map((port, i) => ({ name: `node${i + 1}`, peerUrls: [`http://127.0.0.1:${port}`] }));
    const members = new StaticMembers(list);
    try {
      await use(members);
    } finally {
      await Promise.all([...members.#open.values()].map((member) => member.close({ timeoutMs: 500 })));
    }
  }

  get list(): StaticMember[] {
    return this.#members;
  }

  async start(
    name: string,
    options: { state?: 'existing'; force?: boolean; list?: StaticMember[]; electionMs?: number } = {},
  ): Promise<Member> {
    const members = options.list ?? this.#members;
    const self = members.find((one) => one.name === name) as StaticMember;
    const address = (self.peerUrls[0] as string).slice('http://'.length);
    const member = await open({
      dir: path.join(this.#folder, name),
      name,
      peer: { listen: address },
      clientUrls: [`http://${name}:2379`],
      clientAddress: `${name}:2379`,
      cluster: { token: 'a token', members, state: options.state ?? 'new' },
      forceNewCluster: options.force ?? false,
      heartbeatMs: 20,
      electionMs: options.electionMs ?? 100,
      requestTimeoutMs: 5_000,
    });
    this.#open.set(name, member);
    return member;
  }

  async startAll(): Promise<Member[]> {
    const members = await Promise.all(this.#members.map(({ name }) => this.start(name)));
    await Promise.all(members.map((member) => member.ready()));
    return members;
  }

  async stop(name: string): Promise<void> {
    await this.#open.get(name)?.close({ timeoutMs: 500 });
    this.#open.delete(name);
  }

  wipe(name: string): void {
    rmSync(path.join(this.#folder, name), { recursive: true });
  }
}

/** Resolves when everybody has published itself. */
async function published(member: Member, count: number): Promise<void> {
  const isPublished = (): boolean =>
    member.cluster.status().members.filter(({ clientUrls }) => clientUrls.length > 0).length === count;
  await waitUntil(isPublished, 'everybody has published itself');
}

describe('the ids of a static cluster', () => {
  const members = [
    { name: 'a', peerUrls: ['http://10.0.0.1:2380', 'http://10.0.0.1:7001'] },
    { name: 'b', peerUrls: ['http://10.0.0.2:2380'] },
  ];
  const ids = staticIds({ token: 't', members });

  it('[M5] are the same whatever the order, and never change from one version to the next', () => {
    const turned = members.map((one) => ({ ...one, peerUrls: one.peerUrls.toReversed() })).toReversed();
    assert.deepEqual(staticIds({ token: 't', members: turned }), ids);
    assert.deepEqual([ids.clusterId, ...ids.members.map(({ id }) => id)], [CLUSTER_ID, ...MEMBER_IDS]);
  });

  it('depend on the token, the names and the URLs', () => {
    assert.notEqual(staticIds({ token: 'u', members }).clusterId, ids.clusterId);
    const renamed = staticIds({ token: 't', members: members.map((one) => ({ ...one, name: `${one.name}x` })) });
    assert.notEqual(renamed.clusterId, ids.clusterId);
    assert.deepEqual(
      renamed.members.map(({ id }) => id),
      ids.members.map(({ id }) => id),
    );
  });

  it('are refused for URLs that are none, or twice the same member', () => {
    assert.throws(() => staticIds({ token: 't', members: [{ name: 'a', peerUrls: ['https://x:1'] }] }), QuorateError);
    const twice = ['a', 'b'].map((name) => ({ name, peerUrls: ['http://x:1'] }));
    assert.throws(() => staticIds({ token: 't', members: twice }), /same peer URLs/);
  });
});

describe('a static cluster', () => {
  it('is founded by all its members at once, with nobody designated', () =>
    StaticMembers.use(3, async (cluster) => {
      const members = await cluster.startAll();
      await members[0]?.kv.put('key', 'value');
      for (const member of members) {
        assert.equal((await member.kv.get('key'))?.value.toString(), 'value');
        await published(member, 3);
      }
      const { clusterId, members: ids } = staticIds({ token: 'a token', members: cluster.list });
      const shown = members.map((member) => member.cluster.status());
      assert.deepEqual(new Set(shown.map((status) => status.clusterId)), new Set([clusterId]));
      assert.deepEqual(
        shown[0]?.members.map(({ id, name, peerUrls, clientUrls, voter }) => ({
          id,
          name,
          peerUrls,
          clientUrls,
          voter,
        })),
        ids.map((member) => ({ ...member, clientUrls: [`http://${member.name}:2379`], voter: true })),
      );
    }));

  it('has its first leader without waiting for the silence of another', () =>
    StaticMembers.use(3, async (cluster) => {
      const options = { electionMs: 60_000 };
      const members = await Promise.all(cluster.list.map(({ name }) => cluster.start(name, options)));
      await waitUntil(() => members.every((member) => member.cluster.status().leaderId !== 0), 'all know a leader');
    }));

  it('is founded by a majority; the last one may come late', () =>
    StaticMembers.use(3, async (cluster) => {
      const [first] = await Promise.all([cluster.start('node1'), cluster.start('node2')]);
      await first.ready();
      for (let i = 0; i < 20; i += 1) await first.kv.put(`key${i}`, 'value');
      const third = await cluster.start('node3');
      await third.ready();
      assert.equal((await third.kv.get('key19'))?.value.toString(), 'value');
      await published(third, 3);
    }));

  it('is a cluster of one if there is one', () =>
    StaticMembers.use(1, async (cluster) => {
      const [member] = await cluster.startAll();
      await member?.kv.put('key', 'value');
      await cluster.stop('node1');
      const again = await cluster.start('node1');
      assert.equal((await again.kv.get('key'))?.value.toString(), 'value');
    }));

  it('[M4] does not take a member back that lost its folder, and takes it as a new one', () =>
    StaticMembers.use(3, async (cluster) => {
      const [first] = (await cluster.startAll()) as [Member, Member, Member];
      await first.kv.put('key', 'value');
      await published(first, 3);
      const lost = staticIds({ token: 'a token', members: cluster.list }).members.find(({ name }) => name === 'node3');
      await cluster.stop('node3');
      cluster.wipe('node3');
      await assert.rejects(cluster.start('node3'), /has already been bootstrapped/);
      await first.cluster.remove(lost?.id as number);
      await assert.rejects(cluster.start('node3'), /permanently removed/);
      const added = await first.cluster.add({ peerUrls: lost?.peerUrls ?? [] });
      assert.equal(added.members.find(({ id }) => id === added.memberId)?.name, '');
      const again = await cluster.start('node3', { state: 'existing' });
      await again.ready();
      assert.equal((await again.kv.get('key'))?.value.toString(), 'value');
      assert.equal(again.cluster.status().id, added.memberId);
      await published(first, 3);
    }));

  it('refuses to join where it was not added, and where another member is listed', () =>
    StaticMembers.use(2, async (cluster) => {
      const [one] = cluster.list as [StaticMember];
      const first = await cluster.start('node1', { list: [one] });
      await first.ready();
      await assert.rejects(cluster.start('node2', { state: 'existing' }), /error validating peerURLs: no member/);
      assert.equal(first.cluster.status().members.length, 1);
    }));

  it('goes on as a cluster of one with all its data, if one member is forced to', () =>
    StaticMembers.use(3, async (cluster) => {
      const members = await cluster.startAll();
      for (let i = 0; i < 20; i += 1) await members[i % 3]?.kv.put(`key${i}`, 'value');
      await published(members[0] as Member, 3);
      await members[0]?.kv.get('key1');
      for (const { name } of cluster.list) await cluster.stop(name);
      const left = await cluster.start('node1', { force: true });
      await left.ready();
      assert.equal((await left.kv.range({ keysOnly: true })).count, 20);
      const { members: now, clusterId } = left.cluster.status();
      assert.deepEqual(
        now.map(({ name }) => name),
        ['node1'],
      );
      // Again, and without: nothing changes any more.
      for (const force of [true, false]) {
        await cluster.stop('node1');
        const again = await cluster.start('node1', { force });
        await again.kv.put('more', 'x');
        assert.equal(again.cluster.status().clusterId, clusterId);
        assert.equal(again.cluster.status().members.length, 1);
      }
      const former = await cluster.start('node2');
      const reason = await former.stopped;
      assert.equal(reason instanceof QuorateError && reason.code, 'removed');
    }));

  it('follows a member to other peer URLs', () =>
    StaticMembers.use(3, async (cluster) => {
      const [first] = (await cluster.startAll()) as [Member];
      await published(first, 3);
      const moved = first.cluster.status().members.find(({ name }) => name === 'node3');
      const [port = 0] = await freePorts(1);
      const peerUrls = [`http://127.0.0.1:${port}`];
      await first.cluster.update(moved?.id as number, peerUrls);
      await cluster.stop('node3');
      const list = cluster.list.map((one) => (one.name === 'node3' ? { ...one, peerUrls } : one));
      const again = await cluster.start('node3', { list });
      await again.ready();
      await first.kv.put('key', 'value');
      assert.equal((await again.kv.get('key'))?.value.toString(), 'value');
      assert.deepEqual(again.cluster.status().members.find(({ name }) => name === 'node3')?.peerUrls, peerUrls);
    }));
});
