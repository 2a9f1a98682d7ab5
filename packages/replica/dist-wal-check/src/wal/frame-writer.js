import { assert } from './errors.js';
import { encodeFrameHeader, FRAME_END, FRAME_HEADER_BYTES, frameScratch } from './frame.js';
import { HARD_STATE_BYTES, putEntry, putHardState, putReset } from './record.js';
import { fileBytesMax, SectorWriter } from './sectors.js';
import { SEGMENT_HEADER_BYTES } from './segment.js';
/** A frame is closed once its payload has reached this: it bounds what recovery holds in memory besides the largest entry. */
export const FRAME_PAYLOAD_BYTES = 256 * 1024;
const FRAME_OVERHEAD_BYTES = FRAME_HEADER_BYTES + 1;
/** The buffer is kept for the next write up to this size. */
const BUFFER_KEPT_BYTES = 8 * 1024 * 1024;
export class FrameWriter {
    #platform;
    #sectors = new SectorWriter();
    #scratch = frameScratch();
    #end = Uint8Array.of(FRAME_END);
    #sequence = 0;
    #syncedBytes = 0;
    #chain = 0;
    /** Where the open frame and its payload begin; -1 if none is open. */
    #frame = -1;
    #payload = -1;
    #payloadBytes = 0;
    constructor(platform) {
        this.#platform = platform;
    }
    /** `recordBytes`: at least what all the records of this write take in the stream. */
    begin(at, recordBytes) {
        if (this.#sectors.bytes.length > BUFFER_KEPT_BYTES)
            this.#sectors = new SectorWriter();
        const framesMax = Math.ceil(recordBytes / FRAME_PAYLOAD_BYTES) + 1;
        const streamBytes = recordBytes + framesMax * FRAME_OVERHEAD_BYTES + SEGMENT_HEADER_BYTES + HARD_STATE_BYTES;
        this.#sectors.begin(at.offset, fileBytesMax(streamBytes), (bytes) => this.#platform.allocate(bytes));
        this.#sequence = at.sequence;
        this.#syncedBytes = at.syncedBytes;
        this.#chain = at.chain;
    }
    segmentHeader(header) {
        this.#sectors.put(header, 0, header.length);
    }
    hardState(state) {
        this.#open();
        putHardState(this.#sectors, state);
        this.#recordDone(HARD_STATE_BYTES);
    }
    entry(entry, bytes) {
        this.#open();
        putEntry(this.#sectors, entry);
        this.#recordDone(bytes);
    }
    reset(index, term, bytes) {
        this.#open();
        putReset(this.#sectors, index, term);
        this.#recordDone(bytes);
    }
    /** Closes the write: its bytes (valid until the next begin), its end in the segment, the chain value there. */
    finish() {
        if (this.#frame >= 0)
            this.#close();
        const { bytes, base, position } = this.#sectors;
        return { bytes: bytes.subarray(0, position - base), end: position, chain: this.#chain };
    }
    #open() {
        if (this.#frame >= 0)
            return;
        this.#frame = this.#sectors.position;
        // Room for the header, which is filled in once the payload's checksum is known.
        this.#sectors.put(this.#scratch, 0, FRAME_HEADER_BYTES);
        this.#payload = this.#sectors.position;
        this.#payloadBytes = 0;
    }
    #recordDone(bytes) {
        this.#payloadBytes += bytes;
        if (this.#payloadBytes >= FRAME_PAYLOAD_BYTES)
            this.#close();
    }
    #close() {
        const sectors = this.#sectors;
        sectors.put(this.#end, 0, 1);
        const covered = sectors.bytes.subarray(this.#payload - sectors.base, sectors.position - sectors.base);
        this.#chain = this.#platform.crc32(covered, this.#chain);
        const unsyncedBytes = this.#frame - this.#syncedBytes;
        assert(unsyncedBytes >= 0, 'a write begins after what is durable');
        const header = { payloadBytes: this.#payloadBytes + 1, unsyncedBytes, chain: this.#chain };
        encodeFrameHeader(this.#platform, this.#scratch, header, this.#sequence, this.#frame);
        sectors.patch(this.#frame, this.#scratch, FRAME_HEADER_BYTES);
        this.#frame = -1;
    }
}
//# sourceMappingURL=frame-writer.js.map