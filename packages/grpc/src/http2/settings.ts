/** SETTINGS (RFC 9113 6.5): ours, and what we take from the client's. */
import type { Limits } from '../options.js';
import {
  ConnectionError,
  ErrorCode,
  FRAME_BYTES_DEFAULT,
  FRAME_BYTES_LARGEST,
  readU16,
  readU32,
  Setting,
  WINDOW_BYTES_MAX,
  writeU32,
} from './protocol.js';

const ENTRY_BYTES = 6;

/** What a SETTINGS frame changes for us; undefined: nothing. */
export interface PeerSettings {
  readonly headerTableBytes: number | undefined;
  readonly initialWindowBytes: number | undefined;
}

/** The payload of the frame that we begin with. */
export function serverSettings(limits: Limits): Uint8Array {
  const entries: readonly (readonly [number, number])[] = [
    [Setting.maxConcurrentStreams, limits.callsPerConnectionMax],
    [Setting.initialWindowSize, limits.callWindowBytes],
    [Setting.maxHeaderListSize, limits.headerListBytesMax],
  ];
  const payload = new Uint8Array(entries.length * ENTRY_BYTES);
  for (const [index, [id, value]] of entries.entries()) {
    payload[index * ENTRY_BYTES + 1] = id;
    writeU32(payload, index * ENTRY_BYTES + 2, value);
  }
  return payload;
}

/**
 * The last value of each setting holds; a smaller table in between counts for the table, because entries are lost by it. Frames of ours are
 * never larger than what every peer accepts, so that the client's maximum is only checked.
 */
export function parsePeerSettings(bytes: Uint8Array, start: number, end: number): PeerSettings {
  if ((end - start) % ENTRY_BYTES !== 0) throw new ConnectionError(ErrorCode.frameSizeError, 'SETTINGS are cut off');
  let headerTableBytes: number | undefined;
  let initialWindowBytes: number | undefined;
  for (let at = start; at < end; at += ENTRY_BYTES) {
    const id = readU16(bytes, at);
    const value = readU32(bytes, at + 2);
    if (id === Setting.headerTableSize) {
      headerTableBytes = Math.min(value, headerTableBytes ?? value);
    } else if (id === Setting.enablePush) {
      if (value > 1) throw new ConnectionError(ErrorCode.protocolError, 'ENABLE_PUSH is neither 0 nor 1');
    } else if (id === Setting.initialWindowSize) {
      if (value > WINDOW_BYTES_MAX)
        throw new ConnectionError(ErrorCode.flowControlError, 'INITIAL_WINDOW_SIZE above 2^31-1');
      initialWindowBytes = value;
    } else if (id === Setting.maxFrameSize) {
      const isAllowed = value >= FRAME_BYTES_DEFAULT && value <= FRAME_BYTES_LARGEST;
      if (!isAllowed) throw new ConnectionError(ErrorCode.protocolError, `MAX_FRAME_SIZE of ${value}`);
    }
  }
  return { headerTableBytes, initialWindowBytes };
}
