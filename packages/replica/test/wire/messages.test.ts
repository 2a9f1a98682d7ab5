/** Peer messages as frames and back: docs/wire-format.md. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConfigState, Entry } from '@quorate/raft';
import * as fc from 'fast-check';
import {
  decodePeerMessage,
  encodePeerMessage,
  PeerEncoder,
  type PeerMessage,
  type PeerMessageKind,
  REASON_CHARS_MAX,
  WireError,
  type WireMessage,
} from '../../src/wire/index.js';
import { platform } from './platform.js';

const parties = { from: 7, to: 8 };
const { from, to } = parties;

const integer = fc.oneof(fc.maxSafeNat(), fc.nat(1000));
const bytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ minLength: 2000, maxLength: 5000 }));
const members = fc
  .uniqueArray(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { maxLength: 7 })
  .map((ids) => ids.toSorted((a, b) => a - b));
const config: fc.Arbitrary<ConfigState> = fc.record({
  voters: members,
  learners: members,
  votersOutgoing: members,
  learnersNext: members,
  autoLeave: fc.boolean(),
});
const metadata = fc.record({ index: integer, term: integer, config });

const append: fc.Arbitrary<WireMessage> = fc
  .record({
    term: integer,
    commit: integer,
    previousIndex: fc.nat(2 ** 40),
    previousTerm: fc.nat(2 ** 40),
    entries: fc.array(fc.record({ termStep: fc.oneof(fc.constant(0), fc.nat(3)), config: fc.boolean(), data: bytes }), {
      maxLength: 12,
    }),
  })
  .map(({ entries, ...fields }) => {
    let term = fields.previousTerm;
    const list = entries.map(({ termStep, config, data }, position): Entry => {
      term += termStep;
      return { index: fields.previousIndex + 1 + position, term, type: config ? 'config' : 'normal', data };
    });
    return { type: 'append', from, to, ...fields, entries: list };
  });

function raft<Fields extends object>(
  type: WireMessage['type'],
  fields: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> },
): fc.Arbitrary<WireMessage> {
  return fc
    .record({ term: integer, ...fields })
    .map((values) => ({ type, from, to, ...values }) as unknown as WireMessage);
}

/** One generator per message: a new type fails to compile until it has one. */
const RAFT_MESSAGES = {
  append,
  'append-response': raft('append-response', {
    index: integer,
    rejected: fc.boolean(),
    hintIndex: integer,
    hintTerm: integer,
  }),
  heartbeat: raft('heartbeat', { commit: integer, readContext: integer }),
  'heartbeat-response': raft('heartbeat-response', { readContext: integer }),
  vote: raft('vote', { lastIndex: integer, lastTerm: integer, transfer: fc.boolean() }),
  'pre-vote': raft('pre-vote', { lastIndex: integer, lastTerm: integer, transfer: fc.boolean() }),
  'vote-response': raft('vote-response', { granted: fc.boolean() }),
  'pre-vote-response': raft('pre-vote-response', { granted: fc.boolean() }),
  'timeout-now': raft('timeout-now', {}),
  'transfer-leader': raft('transfer-leader', { transferee: integer }),
  'read-index': raft('read-index', { context: integer }),
  'read-index-response': raft('read-index-response', { context: integer, index: integer }),
} satisfies Record<WireMessage['type'], fc.Arbitrary<WireMessage>>;

const PEER_MESSAGES = {
  raft: fc.oneof(...Object.values(RAFT_MESSAGES)).map((message): PeerMessage => ({ kind: 'raft', message })),
  forward: fc.record({ kind: fc.constant('forward' as const), requestId: integer, body: bytes }),
  'forward-reply': fc.record({
    kind: fc.constant('forward-reply' as const),
    requestId: integer,
    status: fc.constantFrom('ok', 'refused', 'unknown'),
    reason: fc.constantFrom('', 'not-leader', 'x'.repeat(REASON_CHARS_MAX)),
    body: bytes,
  }),
  'snapshot-begin': fc.record({
    kind: fc.constant('snapshot-begin' as const),
    transferId: integer,
    term: integer,
    totalBytesEstimate: integer,
    metadata,
  }),
  'snapshot-chunk': fc.record({
    kind: fc.constant('snapshot-chunk' as const),
    transferId: integer,
    offset: integer,
    last: fc.boolean(),
    bytes,
  }),
  'snapshot-ack': fc.record({
    kind: fc.constant('snapshot-ack' as const),
    transferId: integer,
    offset: integer,
    status: fc.constantFrom('receiving', 'installed', 'rejected'),
  }),
} satisfies Record<PeerMessageKind, fc.Arbitrary<PeerMessage>>;

const anyMessage: fc.Arbitrary<PeerMessage> = fc.oneof(...Object.values(PEER_MESSAGES));

function frameOf(message: PeerMessage, encoder = new PeerEncoder(platform)): Uint8Array {
  return new Uint8Array(Buffer.concat(encoder.encode(message)));
}

/** For comparison: Buffers and Uint8Arrays of the same bytes are equal here. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

const entry = (index: number, term: number, data: string): Entry => ({
  index,
  term,
  type: 'normal',
  data: Buffer.from(data),
});
const appendOf = (entries: readonly Entry[], fields: { to?: number; commit?: number } = {}): PeerMessage => ({
  kind: 'raft',
  message: {
    type: 'append',
    from: 1,
    to: fields.to ?? 2,
    term: 9,
    previousIndex: (entries[0]?.index ?? 1) - 1,
    previousTerm: 1,
    entries,
    commit: fields.commit ?? 0,
  },
});

describe('peer messages', () => {
  for (const [name, arbitrary] of [...Object.entries(RAFT_MESSAGES), ...Object.entries(PEER_MESSAGES)]) {
    test(`${name} reads back as it was`, () => {
      fc.assert(
        fc.property(arbitrary as fc.Arbitrary<WireMessage | PeerMessage>, (value) => {
          const message: PeerMessage = 'kind' in value ? value : { kind: 'raft', message: value };
          assert.deepEqual(plain(decodePeerMessage(platform, frameOf(message), parties)), plain(message));
        }),
        { numRuns: 60 },
      );
    });
  }

  test('one encoder writes any sequence of messages as one-shot encoders do', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 20 }), (messages) => {
        const encoder = new PeerEncoder(platform);
        const frames = messages.map((message) => encoder.encode(message));
        for (const [position, message] of messages.entries()) {
          const alone = Buffer.concat(encodePeerMessage(platform, message));
          assert.ok(Buffer.concat(frames[position] as Uint8Array[]).equals(alone));
        }
      }),
      { numRuns: 30 },
    );
  });

  test('a mutated or shortened frame decodes to something or throws a WireError, nothing else', () => {
    const mutation = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    fc.assert(
      fc.property(anyMessage, fc.array(mutation, { minLength: 1, maxLength: 4 }), fc.nat(), (message, changes, cut) => {
        const frame = frameOf(message);
        for (const { at, byte } of changes) frame[at % frame.length] = byte;
        for (const bytes of [frame, frame.subarray(0, cut % (frame.length + 1))]) {
          try {
            // Whatever it decodes to is something that can be said again, in the same bytes.
            const decoded = decodePeerMessage(platform, bytes, parties);
            assert.ok(Buffer.from(frameOf(decoded)).equals(bytes));
          } catch (error) {
            if (!(error instanceof WireError)) throw error;
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('random bytes decode to something or throw a WireError, nothing else', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.uint8Array({ maxLength: 60 }), (code, rest) => {
        try {
          decodePeerMessage(platform, Uint8Array.from([code, ...rest]), parties);
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('nobody can tell a member that it has received a snapshot: of that it convinces itself', () => {
    const formerCode = 9;
    const frame = Uint8Array.from([formerCode, 1, 5, 1, 0, 0, 0, 0, 0]);
    assert.throws(() => decodePeerMessage(platform, frame, parties), /no message has the code 9/);
  });

  test('a message with one byte too many or too few is refused', () => {
    for (const message of fc.sample(anyMessage, 100)) {
      const openEnded = message.kind !== 'raft' && ('body' in message || 'bytes' in message);
      if (openEnded) continue;
      const frame = frameOf(message);
      assert.throws(() => decodePeerMessage(platform, frame.subarray(0, -1), parties), WireError);
      assert.throws(() => decodePeerMessage(platform, Uint8Array.from([...frame, 0]), parties), WireError);
    }
  });

  test('an append that claims more entries than its frame can hold costs no memory', () => {
    const frame = frameOf(appendOf([]));
    const lie = Uint8Array.from([...frame.subarray(0, -1), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert.throws(() => decodePeerMessage(platform, lie, parties), WireError);
  });
});

describe('append messages', () => {
  test('the same entries are encoded once for all followers, though the arrays differ', () => {
    const encoder = new PeerEncoder(platform);
    const entries = [entry(5, 2, 'a'), entry(6, 2, 'b'.repeat(3000)), entry(7, 3, 'c')];
    const first = encoder.encode(appendOf(entries, { to: 2, commit: 4 }));
    const second = encoder.encode(appendOf([...entries], { to: 3, commit: 5 }));
    assert.notDeepEqual(Buffer.from(first[0] as Uint8Array), Buffer.from(second[0] as Uint8Array));
    assert.ok(first.length > 1);
    for (const [position, chunk] of first.entries()) if (position > 0) assert.equal(second[position], chunk);
  });

  test('entries of the same positions from another log are not taken for them', () => {
    const encoder = new PeerEncoder(platform);
    frameOf(appendOf([entry(5, 2, 'old'), entry(6, 2, 'old')]), encoder);
    const message = appendOf([entry(5, 2, 'new'), entry(6, 2, 'new')]);
    const decoded = decodePeerMessage(platform, frameOf(message, encoder), { from: 1, to: 2 });
    assert.deepEqual(plain(decoded), plain(message));
  });

  test('the example of docs/wire-format.md is what is written', () => {
    const message: PeerMessage = {
      kind: 'raft',
      message: {
        type: 'append',
        from,
        to,
        term: 7,
        previousIndex: 41,
        previousTerm: 6,
        commit: 40,
        entries: [entry(42, 6, 'ab'), entry(43, 7, '')],
      },
    };
    assert.equal(Buffer.from(frameOf(message)).toString('hex'), '0107290628020206020207006162');
  });

  test('large data is not copied on the way out', () => {
    const large = entry(1, 1, 'x'.repeat(100_000));
    const chunks = encodePeerMessage(platform, appendOf([large]));
    assert.ok(chunks.includes(large.data));
  });

  test('entries outlive the frame: they share one copy of their data', () => {
    const frame = frameOf(appendOf([entry(1, 1, 'one'), entry(2, 1, 'two')]));
    const decoded = decodePeerMessage(platform, frame, { from: 1, to: 2 });
    frame.fill(0);
    assert.ok(decoded.kind === 'raft' && decoded.message.type === 'append');
    const [one, two] = decoded.message.entries.map(({ data }) => data) as [Uint8Array, Uint8Array];
    assert.equal(Buffer.from(one).toString(), 'one');
    assert.equal(Buffer.from(two).toString(), 'two');
    assert.equal(one.buffer, two.buffer);
  });

  test('entries that do not follow each other are the programmer’s error', () => {
    const encoder = new PeerEncoder(platform);
    assert.throws(() => encoder.encode(appendOf([entry(5, 2, ''), entry(7, 2, '')])), RangeError);
    assert.throws(() => encoder.encode(appendOf([entry(5, 2, ''), entry(6, 1, '')])), RangeError);
    // And the encoder is as good as new.
    const message = appendOf([entry(5, 2, '')]);
    assert.ok(Buffer.from(frameOf(message, encoder)).equals(frameOf(message)));
  });
});
