/**
 * Bytes of a call that could not be delivered where they lay: the beginning of a message, or what came while the call was paused.
 * The buffer grows with what has come, never with what a message's prefix announces.
 */

const CAPACITY_BYTES_MIN = 512;

export class Inbox {
  buffer: Buffer = Buffer.alloc(0);
  /** The bytes are those of `buffer` from `from` to `to`. */
  from = 0;
  to = 0;

  /** The capacity after `bytes` more; what is held is counted by it. */
  capacityFor(bytes: number): number {
    const needed = this.to - this.from + bytes;
    if (needed <= this.buffer.length) return this.buffer.length;
    return Math.max(needed, Math.min(2 * this.buffer.length, needed + needed / 2), CAPACITY_BYTES_MIN);
  }

  append(bytes: Buffer, start: number, end: number): void {
    const capacity = Math.ceil(this.capacityFor(end - start));
    if (capacity > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(capacity);
      this.buffer.copy(larger, 0, this.from, this.to);
      this.moved(larger);
    } else if (this.buffer.length - this.to < end - start) {
      this.buffer.copy(this.buffer, 0, this.from, this.to);
      this.moved(this.buffer);
    }
    this.to += bytes.copy(this.buffer, this.to, start, end);
  }

  private moved(buffer: Buffer): void {
    this.to -= this.from;
    this.from = 0;
    this.buffer = buffer;
  }
}
