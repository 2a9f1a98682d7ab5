/** A watch that goes on at another member when its own is killed: every change once, in order. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Event, SERVICES } from '@quorate/proto';
import { GrpcClient } from './support/grpc-client.js';
import { type ForeignMember, ForeignSystem } from './support/systems.js';
import { until } from './support/until.js';

const { Watch } = SERVICES['etcdserverpb.Watch'];
const KV = SERVICES['etcdserverpb.KV'];
const TEXT = new TextEncoder();
const PREFIX = TEXT.encode('seq/');
const PREFIX_END = TEXT.encode('seq0');
const KILLS = 4;
const WRITES_BETWEEN = 40;

/** What a client does that resumes: it watches at one member, and after that one's end at the next, from the revision after its last. */
class ResumingWatch {
  readonly seen: string[] = [];
  #revision: number;
  #client: GrpcClient | undefined;
  #member: ForeignMember;
  resumed = 0;
  readonly #next: (lost: ForeignMember) => ForeignMember;
  #isClosed = false;

  constructor(member: ForeignMember, revision: number, next: (lost: ForeignMember) => ForeignMember) {
    this.#member = member;
    this.#revision = revision;
    this.#next = next;
    this.#begin();
  }

  get member(): ForeignMember {
    return this.#member;
  }

  close(): void {
    this.#isClosed = true;
    this.#client?.close();
  }

  #begin(): void {
    const client = new GrpcClient(this.#member.endpoint);
    this.#client = client;
    const stream = client.stream(Watch, ({ events }) => {
      for (const event of events) this.seen.push(lineOf(event));
      const last = events.at(-1)?.kv?.modRevision;
      if (last !== undefined) this.#revision = last;
    });
    stream.send({ createRequest: { key: PREFIX, rangeEnd: PREFIX_END, startRevision: this.#revision + 1 } });
    stream.status.then(
      () => this.#resume(),
      () => this.#resume(),
    );
  }

  #resume(): void {
    if (this.#isClosed) return;
    this.#client?.close();
    this.resumed += 1;
    this.#member = this.#next(this.#member);
    this.#begin();
  }
}

function lineOf({ type, kv }: Event): string {
  return `${type} ${Buffer.from(kv?.key ?? []).toString()} at ${kv?.modRevision}`;
}

describe('a watch across kill -9', () => {
  let system: ForeignSystem;

  before(async () => {
    const flags = { 'heartbeat-interval': '30', 'election-timeout': '300' };
    system = await ForeignSystem.start('quorate', { size: 3, flags });
  });
  after(() => system.stop());

  function running(): ForeignMember[] {
    return system.members.filter(({ pid }) => pid !== undefined);
  }

  /** Two keys in one revision, whatever member answers; tried again until it was done, and done once. */
  async function write(i: number): Promise<void> {
    const keys = [TEXT.encode(`seq/${i}/a`), TEXT.encode(`seq/${i}/b`)];
    await until(`write ${i}`, async () => {
      const client = new GrpcClient(running()[i % running().length]?.endpoint ?? '');
      try {
        const { code } = await client.call(KV.Txn, {
          compare: [{ target: 'CREATE', key: keys[0], createRevision: 0 }],
          success: keys.map((key) => ({ requestPut: { key, value: TEXT.encode(`${i}`) } })),
        });
        return code === 0;
      } catch {
        return false;
      } finally {
        client.close();
      }
    });
  }

  it('misses nothing and repeats nothing, resumed on another member', async () => {
    const [first] = system.members as [ForeignMember];
    const watch = new ResumingWatch(first, 0 + 1, (lost) => running().find((member) => member !== lost) ?? lost);
    let writes = 0;
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const begun = writes;
        const writing = (async () => {
          while (writes < begun + WRITES_BETWEEN) await write(writes++);
        })();
        // In the middle of the writes, and of the events.
        await until('some events', () => watch.seen.length > 2 * begun + WRITES_BETWEEN / 2);
        const { resumed, member } = watch;
        await member.stop('SIGKILL');
        await writing;
        await until('the watch to go on', () => watch.resumed > resumed);
        member.start();
        await system.leader();
      }
      const client = new GrpcClient(first.endpoint);
      const { reply } = await client.call(KV.Range, { key: PREFIX, rangeEnd: PREFIX_END, sortTarget: 'MOD' });
      client.close();
      assert.equal(reply?.count, 2 * KILLS * WRITES_BETWEEN);
      const expected = reply.kvs
        .toSorted((one, other) => one.modRevision - other.modRevision)
        .map((kv) => lineOf({ type: 'PUT', kv, prevKv: undefined }));
      await until('the last events', () => watch.seen.length >= expected.length);
      assert.deepEqual(watch.seen, expected);
    } finally {
      watch.close();
    }
  });
});
