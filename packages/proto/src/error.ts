/** The one error that decoding throws: the bytes or the JSON are not the message that they were said to be. */
export class ProtoError extends Error {
  override readonly name = 'ProtoError';
}

/** A message is not written: it would be longer than it may be. */
export class MessageTooLargeError extends RangeError {
  override readonly name = 'MessageTooLargeError';
  /** At least so long: bytes of the wire format, or characters of JSON. */
  readonly length: number;
  readonly lengthMax: number;

  constructor(length: number, lengthMax: number) {
    super(`a message of ${length} or more is larger than the ${lengthMax} that it may have`);
    this.length = length;
    this.lengthMax = lengthMax;
  }
}
