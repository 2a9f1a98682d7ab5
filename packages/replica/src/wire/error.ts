/** The one error of the wire room: bytes from a peer that are not what this version of the protocol says they should be. */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WireError';
  }
}
