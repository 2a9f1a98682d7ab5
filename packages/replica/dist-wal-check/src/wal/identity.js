import { assert, WalError } from './errors.js';
import { FORMAT_VERSION } from './segment.js';
import { inOrder } from './steps.js';
export const IDENTITY_FILE = 'identity.json';
const TEMPORARY_FILE = `${IDENTITY_FILE}.tmp`;
export const IDENTITY_BYTES_MAX = 64 * 1024;
const UTF16_ASCII_MAX = 0x7e;
const ASCII_SPACE = 0x20;
/** JSON with everything outside printable ASCII escaped, so that bytes and chars are the same. */
function asciiJson(value) {
    let text = '';
    for (const char of JSON.stringify(value, undefined, 2).split('')) {
        const code = char.charCodeAt(0);
        const plain = (code >= ASCII_SPACE && code <= UTF16_ASCII_MAX) || char === '\n';
        text += plain ? char : `\\u${code.toString(16).padStart(4, '0')}`;
    }
    return `${text}\n`;
}
function encode(platform, text) {
    const bytes = platform.allocate(text.length);
    platform.writeLatin1(text, bytes, 0);
    return bytes;
}
/** The checksum covers the file's text as it is without the checksum's own line. */
function fields(identity) {
    const { clusterId, memberId, name, instance } = identity;
    return { formatVersion: FORMAT_VERSION, clusterId, memberId, name, instance };
}
function checksum(platform, identity) {
    return platform
        .crc32(encode(platform, asciiJson(fields(identity))), 0)
        .toString(16)
        .padStart(8, '0');
}
/** The folder's identity; undefined in a fresh one. Throws WalError `version` or `corrupt`. */
export function readIdentity(disk, platform) {
    if (!disk.list('').includes(IDENTITY_FILE))
        return undefined;
    const bytes = disk.read(IDENTITY_FILE, 0, IDENTITY_BYTES_MAX);
    const damaged = (detail) => new WalError('corrupt', IDENTITY_FILE, 0, detail);
    let parsed;
    try {
        parsed = JSON.parse(platform.latin1(bytes, 0, bytes.length));
    }
    catch {
        throw damaged('not JSON');
    }
    if (typeof parsed !== 'object' || parsed === null)
        throw damaged('not a JSON object');
    const found = parsed;
    const { formatVersion, clusterId, memberId, name, instance } = found;
    if (typeof formatVersion === 'number' && formatVersion !== FORMAT_VERSION) {
        const detail = `format version ${formatVersion}, this program reads ${FORMAT_VERSION}`;
        throw new WalError('version', IDENTITY_FILE, 0, detail);
    }
    const valid = isId(clusterId) && isId(memberId) && typeof name === 'string' && typeof instance === 'string';
    if (!valid)
        throw damaged('a field is missing or of the wrong type');
    const identity = { clusterId, memberId, name, instance };
    // The whole text, not only the parsed values: whatever differs from what was written is damage.
    const expected = asciiJson({ ...fields(identity), checksum: checksum(platform, identity) });
    if (platform.latin1(bytes, 0, bytes.length) !== expected)
        throw damaged('checksum does not match');
    return identity;
}
function isId(value) {
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
/** Replaces the identity; when `done` comes without an error it is durable. */
export function writeIdentity(disk, platform, identity, done) {
    assert(isId(identity.clusterId) && isId(identity.memberId), 'ids are safe integers');
    const text = asciiJson({ ...fields(identity), checksum: checksum(platform, identity) });
    assert(text.length <= IDENTITY_BYTES_MAX, 'name or instance too long');
    const bytes = encode(platform, text);
    inOrder([
        (next) => disk.create(TEMPORARY_FILE, 0, next),
        (next) => disk.write(TEMPORARY_FILE, 0, [bytes], next),
        (next) => disk.sync(TEMPORARY_FILE, next),
        (next) => disk.rename(TEMPORARY_FILE, IDENTITY_FILE, next),
        (next) => disk.syncDirectory('', next),
    ], done);
}
//# sourceMappingURL=identity.js.map