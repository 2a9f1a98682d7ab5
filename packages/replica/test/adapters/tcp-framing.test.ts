/** Frames in a stream of bytes that is cut anywhere, and the handshake before them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { FrameQueue } from '../../src/adapters/frame-queue.js';
import { FrameError, FrameParser, frameBatch, KEEPALIVE_FRAME } from '../../src/adapters/tcp-framing.js';
import {
  decodeAnswer,
  decodeHello,
  encodeAnswer,
  encodeHello,
  HandshakeReader,
} from '../../src/adapters/tcp-handshake.js';
import { formatAddress, parseAddress } from '../../src/adapters/tcp-sockets.js';
import { WireError } from '../../src/wire/index.js';
import { platform } from '../wire/platform.js';

const payload = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 40 }),
  fc.uint8Array({ minLength: 4000, maxLength: 9000 }),
);

function streamOf(payloads: readonly (readonly Uint8Array[])[]): Buffer {
  const frames = payloads.map((chunks) => ({ chunks, bytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0) }));
  return Buffer.concat(frameBatch(platform, frames));
}

function split(stream: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const offsets = [0, ...cuts.map((cut) => cut % (stream.length + 1)).toSorted((a, b) => a - b), stream.length];
  return offsets.slice(1).map((end, position) => stream.subarray(offsets[position], end));
}

function parse(chunks: readonly Uint8Array[]): void {
  const parser = new FrameParser(platform, 100);
  for (const chunk of chunks) parser.push(chunk, () => true);
}

describe('frames', () => {
  test('come out as they went in, wherever the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(payload, { minLength: 1, maxLength: 3 }), { maxLength: 8 }),
        fc.array(fc.nat()),
        (payloads, cuts) => {
          const parser = new FrameParser(platform, 100_000);
          const frames: string[] = [];
          for (const chunk of split(streamOf(payloads), cuts)) {
            parser.push(chunk, (frame) => frames.push(Buffer.from(frame).toString('hex')) > 0);
          }
          assert.deepEqual(
            frames,
            payloads.map((chunks) => Buffer.concat(chunks).toString('hex')),
          );
        },
      ),
    );
  });

  test('come out when every byte arrives alone; keepalives do not come out', () => {
    const stream = Buffer.concat([
      KEEPALIVE_FRAME,
      streamOf([[Buffer.from('one')]]),
      KEEPALIVE_FRAME,
      streamOf([[Buffer.from('two')]]),
    ]);
    const parser = new FrameParser(platform, 100);
    const frames: string[] = [];
    for (const byte of stream)
      parser.push(Uint8Array.of(byte), (frame) => frames.push(Buffer.from(frame).toString()) > 0);
    assert.deepEqual(frames, ['one', 'two']);
  });

  test('are views of the chunk that holds them', () => {
    const stream = streamOf([[Buffer.from('one')], [Buffer.from('two')]]);
    new FrameParser(platform, 100).push(stream, (frame) => {
      assert.equal(frame.buffer, stream.buffer);
      return true;
    });
  });

  test('stop coming when the receiver says so', () => {
    const frames: number[] = [];
    new FrameParser(platform, 100).push(streamOf([[Buffer.from('one')], [Buffer.from('two')]]), (frame) => {
      frames.push(frame.length);
      return false;
    });
    assert.deepEqual(frames, [3]);
  });

  test('with a flipped bit anywhere do not come out', () => {
    const stream = streamOf([[Buffer.from('something')]]);
    for (let bit = 0; bit < stream.length * 8; bit += 1) {
      const damaged = Buffer.from(stream);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      const parser = new FrameParser(platform, 100);
      try {
        parser.push(damaged, () => assert.fail(`bit ${bit}`));
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
      }
    }
  });

  test('longer than allowed are refused by their header alone', () => {
    const header = Buffer.from('ffffffff00000000', 'hex');
    assert.throws(() => parse([header]), { code: 'length' });
    assert.throws(() => parse([...header].map((byte) => Uint8Array.of(byte))), { code: 'length' });
  });
});

describe('the queue', () => {
  test('holds what fits, newest first kept, in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.nat(50))),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(100),
        (steps, frames, bytes) => {
          const queue = new FrameQueue({ frames, bytes });
          let model: number[] = [];
          for (const step of steps) {
            if (step === null) assert.equal(queue.shift()?.bytes, model.shift());
            else {
              const dropped = queue.push({ chunks: [], bytes: step });
              model.push(step);
              const before = model.length;
              while (model.length > 1 && (model.length > frames || sum(model) > bytes)) model = model.slice(1);
              assert.equal(dropped, before - model.length);
            }
            assert.equal(queue.length, model.length);
            assert.equal(queue.bytes, sum(model));
          }
        },
      ),
    );
  });

  test('gives its front back: many frames through a short queue', () => {
    const queue = new FrameQueue({ frames: 10, bytes: 1000 });
    for (let number = 0; number < 10_000; number += 1) {
      queue.push({ chunks: [], bytes: 1 });
      if (number % 3 === 0) queue.shift();
    }
    const left = queue.length;
    assert.ok(left > 0 && left <= 10);
    assert.equal(queue.clear(), left);
    assert.equal(queue.bytes, 0);
  });
});

describe('the handshake', () => {
  const hello = { clusterId: 12_345_678_901, from: 3, to: 4, channel: 'append', address: '[::1]:7001' } as const;

  test('a hello and an answer read back, wherever they are cut', () => {
    const bytes = Buffer.from(encodeHello(platform, hello));
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const reader = new HandshakeReader(platform, 'hello');
      assert.equal(reader.push(bytes.subarray(0, cut)), undefined);
      const complete = reader.push(Buffer.concat([bytes.subarray(cut), Buffer.from('rest')]));
      assert.ok(complete !== undefined);
      assert.deepEqual(decodeHello(platform, complete.body), { version: 1, ...hello });
      assert.equal(Buffer.from(complete.rest).toString(), 'rest');
    }
    for (const refusal of [undefined, 'version', 'other-cluster', 'other-member', 'removed'] as const) {
      const complete = new HandshakeReader(platform, 'answer').push(encodeAnswer(platform, { from: 4, refusal }));
      assert.deepEqual(decodeAnswer(complete?.body as Uint8Array), { version: 1, from: 4, refusal });
    }
  });

  test('a flipped bit anywhere is refused', () => {
    const bytes = encodeHello(platform, hello);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const damaged = Uint8Array.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      try {
        assert.equal(new HandshakeReader(platform, 'hello').push(damaged), undefined, `bit ${bit}`);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
    }
  });

  test('the first wrong byte is enough', () => {
    assert.throws(() => new HandshakeReader(platform, 'hello').push(Buffer.from('G')), WireError);
  });
});

describe('addresses', () => {
  test('are host:port or [IPv6]:port, and written the same way', () => {
    for (const address of [
      'localhost:1',
      '127.0.0.1:65535',
      '[::1]:7001',
      '[fe80::1%eth0]:7001',
      'a.b-c_d.example:80',
    ]) {
      assert.equal(formatAddress(parseAddress(address)), address);
    }
  });

  test('of any other form are refused with the form that is wanted', () => {
    for (const address of [
      '',
      'localhost',
      'localhost:',
      ':1',
      'localhost:0',
      'localhost:65536',
      '::1:7001',
      'http://a:1',
      'a b:1',
      '[]:1',
    ]) {
      assert.throws(() => parseAddress(address), { name: 'RangeError', message: /host:port/u }, address);
    }
  });
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
