/** The platform as Node offers it. */
import { crc32 } from 'node:zlib';
/** Longer strings are worth a native call. */
const LOOP_CHARS_MAX = 48;
function asBuffer(bytes) {
    return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
function writeLatin1(text, into, offset) {
    if (text.length > LOOP_CHARS_MAX)
        return asBuffer(into).write(text, offset, 'latin1');
    for (let i = 0; i < text.length; i += 1)
        into[offset + i] = text.charCodeAt(i);
    return text.length;
}
function latin1(bytes, start, end) {
    if (end - start > LOOP_CHARS_MAX / 4)
        return asBuffer(bytes).toString('latin1', start, end);
    let text = '';
    for (let i = start; i < end; i += 1)
        text += String.fromCharCode(bytes[i]);
    return text;
}
export const nodePlatform = {
    crc32,
    latin1,
    writeLatin1,
    // A plain array over memory of its own: `slice` of a Buffer would not copy, and a pooled one would keep its neighbours alive.
    allocate: (bytes) => new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer),
};
//# sourceMappingURL=platform.js.map