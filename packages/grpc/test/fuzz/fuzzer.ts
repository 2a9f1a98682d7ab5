/**
 * Feeds a server mutated traffic over a socket that exists in memory only, and checks after each stream what must hold whatever a client sends:
 * the server throws nothing; the connection has ended with GOAWAY, or still answers; every frame that it wrote is well-formed and
 * within the windows; nothing is left behind of it; another connection's call works; and memory does not grow.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { CLIENT_PREFACE, Flag, FrameType, readU24, readU31 } from '../../src/http2/protocol.js';
import { GrpcServer } from '../../src/index.js';
import { registerEcho } from '../support/echo-server.js';
import { settings, unaryCall } from '../support/raw-client.js';
import { cut, Dice, framesOf, mutate } from './mutation.js';

export interface FuzzResult {
  readonly streams: number;
  readonly frames: number;
  /** Streams that ended in GOAWAY with an error. */
  readonly connectionErrors: number;
  readonly streamResets: number;
  readonly replies: number;
}

/** The server's end of a connection: what it writes is collected. */
class MemorySocket extends Duplex {
  readonly written: Buffer[] = [];
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 1;

  setNoDelay(): this {
    return this;
  }

  override _read(): void {
    // The fuzzer pushes.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // The server may use its buffer again.
    this.written.push(Buffer.from(chunk));
    done();
  }

  output(): Buffer {
    return Buffer.concat(this.written);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Fuzzer {
  private readonly recordings: readonly (readonly Buffer[])[];
  private readonly errors: unknown[] = [];
  private readonly server: GrpcServer;
  private readonly seen: ReturnType<typeof registerEcho>;
  private streams = 0;
  private frames = 0;
  private connectionErrors = 0;
  private streamResets = 0;
  private replies = 0;

  constructor(recordings: readonly Buffer[]) {
    this.recordings = recordings.map((one) => framesOf(one));
    this.server = new GrpcServer({ lingerMs: 60_000, onHandlerError: (error) => this.errors.push(error) });
    this.seen = registerEcho(this.server);
  }

  get result(): FuzzResult {
    const { streams, frames, connectionErrors, streamResets, replies } = this;
    return { streams, frames, connectionErrors, streamResets, replies };
  }

  /** One stream; throws an AssertionError for whatever must not be. */
  async run(seed: number): Promise<void> {
    const dice = new Dice(seed);
    const frames = mutate(this.recordings, dice);
    const socket = new MemorySocket();
    this.server.accept(socket as unknown as Socket);
    const isWhole = dice.roll(50) > 0;
    const preface = isWhole ? CLIENT_PREFACE : CLIENT_PREFACE.subarray(0, dice.roll(24));
    for (const chunk of cut(Buffer.concat([preface, ...frames]), dice)) {
      socket.push(chunk);
      if (dice.roll(8) === 0) await turn();
    }
    await turn();
    await turn();
    this.streams += 1;
    this.frames += frames.length;
    this.checkErrors();
    this.checkOutput(socket.output());
    if (this.streams % 20 === 0) await this.checkOther();
    socket.destroy();
    await turn();
    assert.equal(this.server.stats().connections, 0, 'the connection is forgotten');
    assert.equal(this.server.stats().calls, 0, 'its calls are forgotten');
    for (const list of Object.values(this.seen)) list.length = 0;
  }

  /** The echo server's own bug, thrown by its method Throw, is the only one allowed. */
  private checkErrors(): void {
    for (const error of this.errors.splice(0)) {
      if ((error as Error).message !== 'a bug') throw error;
    }
  }

  /** Whole frames, in which nothing is left open that must not be: DATA within the largest windows, GOAWAY as the last word. */
  private checkOutput(output: Buffer): void {
    let failed = false;
    for (let at = 0; at < output.length; ) {
      const length = readU24(output, at);
      const type = output[at + 3] as number;
      assert.ok(length <= 16_384 && at + 9 + length <= output.length, 'frames are whole');
      assert.ok(type <= 9, 'types are known');
      assert.equal(failed, false, 'nothing follows an error');
      if (type === FrameType.goAway) {
        failed = true;
        this.connectionErrors += 1;
      }
      if (type === FrameType.resetStream) this.streamResets += 1;
      const streamId = readU31(output, at + 5);
      const isOfConnection = type === FrameType.settings || type === FrameType.ping || type === FrameType.goAway;
      assert.ok(type === FrameType.windowUpdate || (streamId === 0) === isOfConnection, 'frames are where they belong');
      if (type === FrameType.headers && ((output[at + 4] as number) & Flag.endStream) !== 0) this.replies += 1;
      at += 9 + length;
    }
  }

  private async checkOther(): Promise<void> {
    const other = new MemorySocket();
    this.server.accept(other as unknown as Socket);
    other.push(Buffer.concat([CLIENT_PREFACE, settings(), unaryCall(1, 'well-formed')]));
    await turn();
    await turn();
    assert.ok(other.output().includes('well-formed'), 'another call works');
    other.destroy();
    await turn();
  }
}
