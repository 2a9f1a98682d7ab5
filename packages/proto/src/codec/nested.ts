/** How a codec reads and writes the messages within its message. */
import type { Reader } from './reader.js';
import type { MessageCodec, MessageInit } from './types.js';
import type { Writer } from './writer.js';

/** Reads a nested message into the one that is there already: what comes twice is merged, as protobuf has it. */
export function readMessage<T>(reader: Reader, codec: MessageCodec<T>, existing: T | undefined): T {
  const message = existing ?? codec.create();
  const outer = reader.enter();
  codec.read(reader, message);
  reader.leave(outer);
  return message;
}

/** Writes a nested message of about `hintBytes`. */
export function writeMessage<T>(
  writer: Writer,
  tag: number,
  codec: MessageCodec<T>,
  message: MessageInit<T>,
  hintBytes: number,
): void {
  const start = writer.open(tag, hintBytes);
  codec.write(writer, message);
  writer.close(start, hintBytes);
}

/** For a oneof of which more than one member is set: a programmer's error, for the wire cannot say it. */
export function ambiguous(message: string, oneof: string): RangeError {
  return new RangeError(`${message} has more than one member of its oneof ${oneof} set`);
}
