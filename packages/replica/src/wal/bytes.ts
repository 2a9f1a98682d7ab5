/** Little-endian integers in byte arrays. Wide ones are safe integers, stored as u64. */

const TWO_32 = 0x1_0000_0000;

export function putU32(into: Uint8Array, offset: number, value: number): void {
  into[offset] = value;
  into[offset + 1] = value >>> 8;
  into[offset + 2] = value >>> 16;
  into[offset + 3] = value >>> 24;
}

export function getU32(from: Uint8Array, offset: number): number {
  return (
    ((from[offset] as number) |
      ((from[offset + 1] as number) << 8) |
      ((from[offset + 2] as number) << 16) |
      ((from[offset + 3] as number) << 24)) >>>
    0
  );
}

export function putU64(into: Uint8Array, offset: number, value: number): void {
  putU32(into, offset, value >>> 0);
  putU32(into, offset + 4, Math.floor(value / TWO_32));
}

/** May exceed the safe integers if the bytes are not what putU64 wrote; callers check with Number.isSafeInteger. */
export function getU64(from: Uint8Array, offset: number): number {
  return getU32(from, offset + 4) * TWO_32 + getU32(from, offset);
}

/** Position of the first byte in [start, end) that is not zero, or `end`. */
export function firstNonZero(bytes: Uint8Array, start: number, end: number): number {
  let position = start;
  // Word by word where the alignment allows it: recovery reads whole preallocated zones this way.
  while (position < end && ((bytes.byteOffset + position) & 3) !== 0) {
    if (bytes[position] !== 0) return position;
    position += 1;
  }
  if (position >= end) return end;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + position, (end - position) >>> 2);
  let word = 0;
  while (word < words.length && words[word] === 0) word += 1;
  position += word * 4;
  while (position < end && bytes[position] === 0) position += 1;
  return position;
}
