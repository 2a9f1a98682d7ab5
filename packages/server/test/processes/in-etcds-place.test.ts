/** Members started as etcd is, by flags and ETCD_* variables, as real processes. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { JoinResult, MemberInfo } from '@quorate/replica';
import { freePorts, httpCall, ProcessMember, waitUntil } from '@quorate/replica/testing';
import { expectStatus, membersOf, statusOf } from './support.js';

const QUORATE_ETCD = fileURLToPath(new URL('../../programs/quorate-etcd.js', import.meta.url));

interface Seat {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

/** Seats with ports and folders; members are started on them with whatever flags a test wants. */
class EtcdCluster {
  readonly folder: string = mkdtempSync(path.join(tmpdir(), 'quorate-etcd-'));
  readonly seats: readonly Seat[];
  readonly #started = new Set<ProcessMember>();

  private constructor(seats: readonly Seat[]) {
    this.seats = seats;
  }

  static async use(size: number, scenario: (cluster: EtcdCluster) => Promise<void>): Promise<void> {
    const ports = await freePorts(2 * size);
    const seats = Array.from({ length: size }, (_, i) => ({
      name: `infra${i + 1}`,
      clientPort: ports[2 * i] ?? 0,
      peerPort: ports[2 * i + 1] ?? 0,
    }));
    const cluster = new EtcdCluster(seats);
    try {
      await scenario(cluster);
    } catch (error) {
      const lines = [...cluster.#started].map((member) => member.logText(25));
      throw new Error(`${error instanceof Error ? error.stack : String(error)}\n${lines.join('\n')}`, { cause: error });
    } finally {
      await Promise.all([...cluster.#started].map((member) => member.kill('SIGKILL')));
      rmSync(cluster.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    }
  }

  seat(number: number): Seat {
    const seat = this.seats[number - 1];
    assert.ok(seat !== undefined);
    return seat;
  }

  /** What a unit file for etcd says. */
  settings(seat: Seat, seats: readonly Seat[] = this.seats): Record<string, string> {
    return {
      name: seat.name,
      'data-dir': path.join(this.folder, seat.name),
      'listen-peer-urls': peerUrl(seat),
      'initial-advertise-peer-urls': peerUrl(seat),
      'listen-client-urls': clientUrl(seat),
      'advertise-client-urls': clientUrl(seat),
      'initial-cluster': seats.map((one) => `${one.name}=${peerUrl(one)}`).join(','),
      'log-format': 'console',
      'heartbeat-interval': '50',
      'election-timeout': '400',
    };
  }

  start(number: number, settings: Readonly<Record<string, string>> = {}, seats = this.seats): ProcessMember {
    const seat = this.seat(number);
    const all = { ...this.settings(seat, seats), ...settings };
    return this.run(
      seat,
      Object.entries(all).map(([flag, value]) => `--${flag}=${value}`),
    );
  }

  run(seat: Seat, flags: readonly string[], env: Readonly<Record<string, string>> = {}): ProcessMember {
    const member = new ProcessMember({
      name: seat.name,
      address: `127.0.0.1:${seat.clientPort}`,
      peerAddress: `127.0.0.1:${seat.peerPort}`,
      dataFolder: path.join(this.folder, seat.name),
      command: [process.execPath, QUORATE_ETCD, ...flags],
      workingFolder: this.folder,
      env,
    });
    this.#started.add(member);
    member.start();
    return member;
  }
}

function peerUrl(seat: Seat): string {
  return `http://127.0.0.1:${seat.peerPort}`;
}

function clientUrl(seat: Seat): string {
  return `http://127.0.0.1:${seat.clientPort}`;
}

async function put(member: ProcessMember, key: string, value = 'value'): Promise<void> {
  expectStatus(await member.call({ method: 'POST', path: '/key', body: { key, value }, timeoutMs: 20_000 }), 201);
}

async function holds(member: ProcessMember, key: string): Promise<void> {
  expectStatus(await member.call({ method: 'GET', path: `/key/${key}`, timeoutMs: 20_000 }), 200);
}

/** Resolves when so many members are such, as this member sees it. */
async function waitMembers(
  member: ProcessMember,
  count: number,
  what: string,
  isSuch: (info: MemberInfo) => boolean,
): Promise<void> {
  await waitUntil(
    async () => [...(await membersOf(member)).values()].filter(isSuch).length === count,
    `${count} members ${what}`,
    { evidence: () => member.logText(20) },
  );
}

/** They have published their client URLs. */
function waitPublished(member: ProcessMember, count: number): Promise<void> {
  return waitMembers(member, count, 'have published themselves', ({ clientUrls }) => clientUrls.length > 0);
}

async function addMember(via: ProcessMember, seat: Seat): Promise<JoinResult> {
  const body = { peerUrls: [peerUrl(seat)] };
  const answer = await via.call({ method: 'POST', path: '/cluster/members', body, timeoutMs: 20_000 });
  expectStatus(answer, 200);
  return JSON.parse(answer.kind === 'answer' ? answer.body : '') as JoinResult;
}

/** It loses its folder, is started again as it was, and ends. */
async function startWithoutFolder(member: ProcessMember): Promise<void> {
  await member.kill('SIGKILL');
  member.wipe();
  member.start();
  const exit = await member.waitExit();
  assert.equal(exit.code, 1);
}

describe('quorate-etcd', () => {
  it('founds a cluster of three with two, takes the third in an hour later, and all of them back after kill -9', () =>
    EtcdCluster.use(3, async (cluster) => {
      const [first, second] = [cluster.start(1), cluster.start(2)];
      await Promise.all([first.waitReady(), second.waitReady()]);
      await put(first, 'a');
      const third = cluster.start(3);
      await third.waitReady();
      await holds(third, 'a');
      await waitPublished(third, 3);
      const members = [first, second, third];
      await Promise.all(members.map((member) => member.kill('SIGKILL')));
      for (const member of members) member.start();
      await Promise.all(members.map((member) => member.waitReady()));
      await put(second, 'b');
      await holds(third, 'b');
      const ids = await Promise.all(members.map(async (member) => (await statusOf(member)).clusterId));
      assert.equal(new Set(ids).size, 1);
    }));

  it('refuses a member that lost its folder, and joins it after member remove and add', () =>
    EtcdCluster.use(3, async (cluster) => {
      const members = [1, 2, 3].map((number) => cluster.start(number));
      const [first, , third] = members as [ProcessMember, ProcessMember, ProcessMember];
      await Promise.all(members.map((member) => member.waitReady()));
      await put(first, 'a');
      await waitPublished(first, 3);
      await startWithoutFolder(third);
      assert.match(third.logText(10), /has already been bootstrapped/);
      // It may have been the leader.
      await first.waitReady();
      const { id } = (await membersOf(first)).get('infra3') ?? { id: 0 };
      expectStatus(await first.call({ method: 'DELETE', path: `/cluster/members/${id}`, timeoutMs: 20_000 }), 200);
      const added = await addMember(first, cluster.seat(3));
      third.wipe();
      const again = cluster.start(3, { 'initial-cluster-state': 'existing' });
      await again.waitReady();
      await holds(again, 'a');
      await waitPublished(first, 3);
      assert.equal((await membersOf(first)).get('infra3')?.id, added.memberId);
      // With the flags of its first start, too: the folder says what it is.
      await again.kill('SIGKILL');
      const restarted = cluster.start(3);
      await restarted.waitReady();
      assert.equal((await statusOf(restarted)).id, added.memberId);
    }));

  it('stops a member that founded its cluster alone, and once more when it had lost its folder', () =>
    EtcdCluster.use(3, async (cluster) => {
      const seats = [cluster.seat(1)];
      const first = cluster.start(1, {}, seats);
      await first.waitReady();
      await put(first, 'a');
      const others: ProcessMember[] = [];
      for (const number of [2, 3]) {
        await addMember(first, cluster.seat(number));
        seats.push(cluster.seat(number));
        const other = cluster.start(number, { 'initial-cluster-state': 'existing' }, seats);
        await other.waitReady();
        others.push(other);
        await waitPublished(first, seats.length);
      }
      await waitMembers(first, 3, 'vote', ({ voter }) => voter);
      await startWithoutFolder(first);
      assert.match(first.logText(10), /is alone in it: its data folder was lost .* add it again/);
      for (const member of others) {
        await member.waitReady();
        await put(member, member.name);
        await holds(member, 'a');
      }
    }));

  it('makes the last one of three a cluster of its own', () =>
    EtcdCluster.use(3, async (cluster) => {
      const members = [1, 2, 3].map((number) => cluster.start(number));
      const [first, second] = members as [ProcessMember, ProcessMember];
      await Promise.all(members.map((member) => member.waitReady()));
      await put(first, 'a');
      await holds(second, 'a');
      await Promise.all(members.map((member) => member.kill('SIGKILL')));
      const forced = cluster.start(2, { 'force-new-cluster': 'true' });
      await forced.waitReady();
      await holds(forced, 'a');
      await put(forced, 'b');
      assert.deepEqual([...(await membersOf(forced)).keys()], ['infra2']);
      first.start();
      await first.waitExit();
      assert.match(first.logText(10), /removed from the cluster/);
      await forced.kill('SIGTERM');
      const plain = cluster.start(2);
      await plain.waitReady();
      await holds(plain, 'b');
    }));

  it('is started by variables alone, on several addresses, with metrics on their own', () =>
    EtcdCluster.use(1, async (cluster) => {
      const seat = cluster.seat(1);
      const [also = 0, metrics = 0, peerAlso = 0] = await freePorts(3);
      const settings = {
        ...cluster.settings(seat),
        'listen-client-urls': `${clientUrl(seat)},http://127.0.0.1:${also}`,
        'listen-peer-urls': `${peerUrl(seat)},http://127.0.0.1:${peerAlso}`,
        'listen-metrics-urls': `http://127.0.0.1:${metrics}`,
      };
      const env = Object.fromEntries(
        Object.entries(settings).map(([flag, value]) => [`ETCD_${flag.toUpperCase().replaceAll('-', '_')}`, value]),
      );
      const member = cluster.run(seat, [], env);
      await member.waitReady();
      await put(member, 'a');
      const call = (port: number, target: string): ReturnType<typeof httpCall> =>
        httpCall({ address: `127.0.0.1:${port}`, method: 'GET', path: target });
      for (const port of [seat.clientPort, also]) expectStatus(await call(port, '/key/a'), 200);
      for (const target of ['/metrics', '/health', '/livez', '/readyz']) expectStatus(await call(metrics, target), 200);
      expectStatus(await call(metrics, '/key/a'), 404);
      assert.deepEqual((await membersOf(member)).get(seat.name)?.clientUrls, [clientUrl(seat)]);
      const exit = await member.kill('SIGTERM');
      assert.deepEqual(exit, { code: 0, signal: null });
    }));

  it('tells a service manager when it serves', () =>
    EtcdCluster.use(1, async (cluster) => {
      // In place of systemd's own: says what it was called with.
      const said = path.join(cluster.folder, 'said');
      const program = path.join(cluster.folder, 'systemd-notify');
      writeFileSync(program, `#!/bin/sh\necho "$@ $NOTIFY_SOCKET" > ${said}\n`, { mode: 0o755 });
      const flags = Object.entries(cluster.settings(cluster.seat(1))).map(([flag, value]) => `--${flag}=${value}`);
      const env = { PATH: `${cluster.folder}:${process.env['PATH'] ?? ''}`, NOTIFY_SOCKET: '/run/notify' };
      const member = cluster.run(cluster.seat(1), flags, env);
      const text = await waitUntil(
        () => existsSync(said) && readFileSync(said, 'utf8').trim(),
        'systemd-notify is called',
        { evidence: () => member.logText(20) },
      );
      assert.equal(text, `--ready --pid=${member.pid ?? 0} /run/notify`);
    }));

  it('stops when it is told to while it waits for a majority', () =>
    EtcdCluster.use(3, async (cluster) => {
      const member = cluster.start(1);
      await member.waitLog(/waiting-for-members/);
      const alive = await member.call({ method: 'GET', path: '/livez' });
      expectStatus(alive, 200);
      const exit = await member.kill('SIGTERM');
      assert.equal(exit.code, 0);
    }));
});
