/** What pure rooms need from the platform beyond the language: a fast checksum and conversions between bytes and strings. */
export interface Platform {
  /** CRC-32 (IEEE, as in zlib) of `bytes`, continuing from `seed` (0 to begin). An unsigned 32-bit integer. */
  crc32(bytes: Uint8Array, seed: number): number;
  /** Bytes [start, end) as a string with one char per byte (code = byte). */
  latin1(bytes: Uint8Array, start: number, end: number): string;
  /** Writes a latin1 string's chars as bytes at `offset`; returns how many were written. */
  writeLatin1(text: string, into: Uint8Array, offset: number): number;
  /** An uninitialised array of that many bytes: the caller fills all of it. */
  allocate(bytes: number): Uint8Array;
}
