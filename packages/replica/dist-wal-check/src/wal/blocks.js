import { getU32, getU64, putU32, putU64 } from './bytes.js';
export const BLOCK_HEADER_BYTES = 8;
export const BLOCK_END_BYTES = 16;
export const BLOCK_BYTES_MAX = 1024 * 1024;
const lengthScratch = new Uint8Array(4);
function checksumOf(platform, length, bytes, chain) {
    putU32(lengthScratch, 0, length);
    return platform.crc32(bytes, platform.crc32(lengthScratch, chain));
}
/** A block's header; the block's chain value stands at byte 4. */
export function blockHeader(platform, bytes, chain) {
    const header = new Uint8Array(BLOCK_HEADER_BYTES);
    putU32(header, 0, bytes.length);
    putU32(header, 4, checksumOf(platform, bytes.length, bytes, chain));
    return header;
}
export function blockEnd(platform, totalBytes, chain) {
    const end = new Uint8Array(BLOCK_END_BYTES);
    putU64(end, 8, totalBytes);
    putU32(end, 4, checksumOf(platform, 0, end.subarray(8), chain));
    return end;
}
/** The chain value in a block header or end. */
export function blockChain(header) {
    return getU32(header, 4);
}
export function blockLength(header) {
    return getU32(header, 0);
}
export function blockMatches(platform, header, bytes, chain) {
    return checksumOf(platform, blockLength(header), bytes, chain) === blockChain(header);
}
export function blockTotal(endBytes) {
    return getU64(endBytes, 0);
}
//# sourceMappingURL=blocks.js.map