/** The one error that decoding throws: the bytes or the JSON are not the message that they were said to be. */
export class ProtoError extends Error {
  override readonly name = 'ProtoError';
}
