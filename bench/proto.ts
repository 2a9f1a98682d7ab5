/**
 * The codecs alone: nanoseconds to decode and to encode the messages of every request, by hand and as the tables make them.
 *
 *     node bench/dist/proto.js
 */
import { performance } from 'node:perf_hooks';
import {
  type Codec,
  type MessageInit,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  Writer,
} from '@quorate/proto';

const KEY_BYTES = 32;
const VALUE_BYTES = 256;
const ROUND_MS = 100;
const ROUNDS = 7;

/** What is measured must be used, or it is not done at all. */
let used = 0;

/** The median over some rounds, in nanoseconds a call. */
function nanoseconds(call: () => number): number {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    let calls = 0;
    let elapsed = 0;
    while (elapsed < ROUND_MS) {
      for (let batch = 0; batch < 500; batch += 1) used += call();
      calls += 500;
      elapsed = performance.now() - start;
    }
    rounds.push((elapsed * 1e6) / calls);
  }
  return rounds.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
}

const key = new Uint8Array(KEY_BYTES).fill(0x61);
const value = new Uint8Array(VALUE_BYTES).fill(0x62);
const header = {
  clusterId: 14_841_639_068_965_178_418n,
  memberId: 10_276_657_743_932_975_437n,
  revision: 1_234_567,
  raftTerm: 7,
};
const pair = { key, createRevision: 1_000_000, modRevision: 1_234_567, version: 12, value, lease: 0n };
const writer = new Writer();

function measure<T>(what: string, codec: Codec<T>, message: MessageInit<T>): void {
  const bytes = codec.encode(message);
  const decode = nanoseconds(() => (codec.decode(bytes) === undefined ? 0 : 1));
  const framed = nanoseconds(() => {
    writer.clear();
    const start = writer.beginFrame();
    codec.encodeInto(writer, message);
    writer.endFrame(start);
    return writer.length;
  });
  const alone = nanoseconds(() => codec.encode(message).length);
  const columns = [bytes.length, decode, framed, alone].map((figure) =>
    Math.round(figure).toLocaleString('en').padStart(10),
  );
  console.log(`${what.padEnd(32)}${columns.join('')}`);
}

console.log(
  `${''.padEnd(32)}${['bytes', 'decode ns', 'encode ns', 'alone ns'].map((title) => title.padStart(10)).join('')}`,
);
measure('put request', PutRequest, { key, value });
measure('put request with a lease', PutRequest, { key, value, lease: 7_587_862_094_120_235_521n });
measure('put reply', PutResponse, { header });
measure('range request', RangeRequest, { key });
measure('range reply of 1 key', RangeResponse, { header, kvs: [pair], count: 1 });
measure('range reply of 100 keys', RangeResponse, { header, kvs: Array.from({ length: 100 }, () => pair), count: 100 });
measure("the apiserver's transaction", TxnRequest, {
  compare: [{ target: 'MOD', key, modRevision: 1_234_567 }],
  success: [{ requestPut: { key, value } }],
  failure: [{ requestRange: { key } }],
});
if (used === 0) console.log('nothing was measured');
