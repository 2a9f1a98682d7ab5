import { getU32, putU32, putU64 } from './bytes.js';
export const FRAME_HEADER_BYTES = 20;
/** A frame's last payload byte: not zero, so that the sector where a frame ends can be told from an unwritten one. */
export const FRAME_END = 0xff;
/** 'QFr' and 1; no byte of it is zero. */
const FRAME_MAGIC = 0x0172_4651;
const FRAME_MAGIC_FIRST_BYTE = FRAME_MAGIC & 0xff;
/** Header fields, sequence and offset, in the order in which the checksum covers them. */
const CHECKED_BYTES = 32;
const CHECKSUM_OFFSET = 16;
function headerChecksum(platform, scratch, sequence, offset) {
    const saved = getU32(scratch, CHECKSUM_OFFSET);
    putU64(scratch, CHECKSUM_OFFSET, sequence);
    putU64(scratch, CHECKSUM_OFFSET + 8, offset);
    const checksum = platform.crc32(scratch.subarray(0, CHECKED_BYTES), 0);
    putU32(scratch, CHECKSUM_OFFSET, saved);
    return checksum;
}
/** Room for a frame header and what its checksum covers besides. */
export function frameScratch() {
    return new Uint8Array(CHECKED_BYTES);
}
/** Leaves the header in scratch[0, FRAME_HEADER_BYTES). */
export function encodeFrameHeader(platform, scratch, header, sequence, offset) {
    putU32(scratch, 0, FRAME_MAGIC);
    putU32(scratch, 4, header.payloadBytes);
    putU32(scratch, 8, header.unsyncedBytes);
    putU32(scratch, 12, header.chain);
    putU32(scratch, CHECKSUM_OFFSET, headerChecksum(platform, scratch, sequence, offset));
}
/** Reads scratch[0, FRAME_HEADER_BYTES); undefined unless exactly this header was written at this offset. */
export function decodeFrameHeader(platform, scratch, sequence, offset) {
    if (getU32(scratch, 0) !== FRAME_MAGIC)
        return undefined;
    const checksum = getU32(scratch, CHECKSUM_OFFSET);
    if (checksum !== headerChecksum(platform, scratch, sequence, offset))
        return undefined;
    return { payloadBytes: getU32(scratch, 4), unsyncedBytes: getU32(scratch, 8), chain: getU32(scratch, 12) };
}
/** A quick test whether a frame may begin with this byte. */
export function mayBeginFrame(byte) {
    return byte === FRAME_MAGIC_FIRST_BYTE;
}
//# sourceMappingURL=frame.js.map