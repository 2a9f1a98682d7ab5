/** Many watchers on one member, and one that does not read. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SERVICES, type WatchRequest, type WatchResponse } from '@quorate/proto';
import { GrpcClient, type GrpcStream } from './support/grpc-client.js';
import { type ForeignMember, ForeignSystem } from './support/systems.js';
import { until } from './support/until.js';

const { Watch } = SERVICES['etcdserverpb.Watch'];
const { Put } = SERVICES['etcdserverpb.KV'];
const MEBIBYTE = 1024 * 1024;
const TEXT = new TextEncoder();

/** One stream with many watches, and how many events each of them has told. */
class Watchers {
  readonly stream: GrpcStream<WatchRequest, WatchResponse>;
  readonly told = new Map<number, number>();
  /** Events that did not come in the order of their revisions, each once. */
  disordered = 0;
  readonly #last = new Map<number, number>();

  constructor(client: GrpcClient, key: Uint8Array, watches: number) {
    const stream = client.stream(Watch, (response) => this.#take(response));
    this.stream = stream;
    for (let i = 0; i < watches; i++) stream.send({ createRequest: { key } });
  }

  get created(): number {
    return this.told.size;
  }

  /** Watches that have told at least so many. */
  withEvents(count: number): number {
    return [...this.told.values()].filter((told) => told >= count).length;
  }

  #take({ watchId, created, events }: WatchResponse): void {
    if (created) this.told.set(watchId, 0);
    this.told.set(watchId, (this.told.get(watchId) ?? 0) + events.length);
    for (const { kv } of events) {
      const revision = kv?.modRevision ?? 0;
      const last = this.#last.get(watchId);
      if (last !== undefined && revision !== last + 1) this.disordered += 1;
      this.#last.set(watchId, revision);
    }
  }
}

describe('watchers of one member', () => {
  let system: ForeignSystem;
  let member: ForeignMember;

  before(async () => {
    system = await ForeignSystem.start('quorate');
    [member] = system.members as [ForeignMember];
  });
  after(() => system.stop());

  it('all 10,000 are told of one write, each once', async () => {
    const clients = Array.from({ length: 4 }, () => new GrpcClient(member.endpoint));
    try {
      const key = TEXT.encode('many');
      const streams = Array.from({ length: 100 }, (_, i) => new Watchers(clients[i % 4] as GrpcClient, key, 100));
      await until('10,000 watches', () => streams.every(({ created }) => created === 100));
      const { code } = await (clients[0] as GrpcClient).call(Put, { key, value: TEXT.encode('x') });
      assert.equal(code, 0);
      await until('10,000 events', () => streams.every((stream) => stream.withEvents(1) === 100));
      assert.equal(
        streams.reduce((sum, stream) => sum + stream.withEvents(2), 0),
        0,
      );
    } finally {
      for (const client of clients) client.close();
    }
  });

  it('one that stops reading costs bounded memory, and nobody else waits; it misses nothing', async () => {
    const WATCHES = 100;
    const WRITES = 400;
    const VALUE_BYTES = 8192;
    // What the stuck stream would take if its events were held for it: far more than is allowed.
    const GROWTH_MAX_BYTES = 160 * MEBIBYTE;
    assert.ok(WATCHES * WRITES * VALUE_BYTES > 1.9 * GROWTH_MAX_BYTES);
    const [stuckClient, client] = [new GrpcClient(member.endpoint, 65_535), new GrpcClient(member.endpoint)];
    try {
      const key = TEXT.encode('stuck');
      const stuck = new Watchers(stuckClient, key, WATCHES);
      const others = new Watchers(client, key, 1);
      await until('the watches', () => stuck.created === WATCHES && others.created === 1);
      stuck.stream.pause();
      const before = member.residentBytes();
      const value = new Uint8Array(VALUE_BYTES);
      for (let i = 0; i < WRITES; i++) {
        const { code } = await client.call(Put, { key, value });
        assert.equal(code, 0);
      }
      await until('all events elsewhere', () => others.withEvents(WRITES) === 1);
      assert.equal(stuck.withEvents(WRITES), 0);
      const after = member.residentBytes();
      if (before !== undefined && after !== undefined) {
        const growth = after - before;
        assert.ok(growth < GROWTH_MAX_BYTES, `resident memory grew by ${(growth / MEBIBYTE).toFixed(0)} MiB`);
      }
      stuck.stream.resume();
      await until('all events at last', () => stuck.withEvents(WRITES) === WATCHES);
      assert.equal(stuck.withEvents(WRITES + 1), 0);
      assert.equal(stuck.disordered, 0);
    } finally {
      stuckClient.close();
      client.close();
    }
  });
});
