/**
 * Everything that leaves on one connection. Frames are copied into blocks from a pool that all connections share, and all that a turn
 * has written leaves in one socket write; the owner calls flush() at the end of the turn.
 *
 * A block goes back to the pool only if the socket has written it before write() returned (then its queue is empty);
 * otherwise the socket still reads from it, and the garbage collector has it.
 */
import type { Socket } from 'node:net';

const BLOCK_BYTES = 32_768;
const BLOCKS_POOLED_MAX = 64;

/** Above this many bytes in one turn the turn's end is not waited for, so that backpressure is felt. */
const TURN_BYTES_MAX = 262_144;

export class OutputPool {
  private readonly free: Buffer[] = [];

  take(bytes: number): Buffer {
    if (bytes > BLOCK_BYTES) return Buffer.allocUnsafeSlow(bytes);
    return this.free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  give(block: Buffer): void {
    if (block.length === BLOCK_BYTES && this.free.length < BLOCKS_POOLED_MAX) this.free.push(block);
  }
}

/** Who calls flush() when the turn ends, once it is told that there is something to flush. */
export interface OutputOwner {
  readonly pool: OutputPool;
  scheduleFlush(): void;
}

export class Output {
  /** Where the next byte goes in the block that reserve() returned. */
  offset = 0;
  bytesWritten = 0;
  isScheduled = false;
  private readonly socket: Socket;
  private readonly owner: OutputOwner;
  private readonly highWaterBytes: number;
  private block: Buffer | undefined;
  private full: { readonly block: Buffer; readonly bytes: number }[] = [];
  private fullBytes = 0;

  constructor(socket: Socket, owner: OutputOwner, highWaterBytes: number) {
    this.socket = socket;
    this.owner = owner;
    this.highWaterBytes = highWaterBytes;
  }

  /** The peer does not read as fast as we write: no more DATA until the socket's `drain`. */
  get isBlocked(): boolean {
    return this.socket.writableNeedDrain && this.socket.writableLength >= this.highWaterBytes;
  }

  /** A block with room for `bytes` more at `offset`. The caller writes there and then sets `offset` behind what it wrote. */
  reserve(bytes: number): Buffer {
    if (!this.isScheduled) {
      this.isScheduled = true;
      this.owner.scheduleFlush();
    }
    if (this.block !== undefined) {
      if (this.block.length - this.offset >= bytes) return this.block;
      this.full.push({ block: this.block, bytes: this.offset });
      this.fullBytes += this.offset;
      this.offset = 0;
      this.block = undefined;
      if (this.fullBytes >= TURN_BYTES_MAX) this.write();
    }
    this.block = this.owner.pool.take(bytes);
    return this.block;
  }

  flush(): void {
    this.isScheduled = false;
    this.write();
  }

  private write(): void {
    if (this.block !== undefined) {
      if (this.offset > 0) this.full.push({ block: this.block, bytes: this.offset });
      else this.owner.pool.give(this.block);
      this.fullBytes += this.offset;
      this.block = undefined;
      this.offset = 0;
    }
    if (this.full.length === 0) return;
    const blocks = this.full;
    this.full = [];
    this.bytesWritten += this.fullBytes;
    this.fullBytes = 0;
    if (!this.socket.writable) return;
    if (blocks.length > 1) this.socket.cork();
    for (const { block, bytes } of blocks) this.socket.write(block.subarray(0, bytes));
    if (blocks.length > 1) this.socket.uncork();
    if (this.socket.writableLength === 0) for (const { block } of blocks) this.owner.pool.give(block);
  }
}
