import { firstNonZero } from './bytes.js';
import { WalError } from './errors.js';
import { Wal } from './log.js';
import { LogMarks } from './marks.js';
import { decodeRecords } from './record.js';
import { Replay } from './replay.js';
import { SECTOR_BYTES } from './sectors.js';
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentPath, segmentSequence, WAL_DIRECTORY, } from './segment.js';
import { READ_WINDOW_BYTES, SegmentReader } from './segment-reader.js';
/**
 * Reads the log and makes it ready to be appended to: see Wal.whenStarted. Entries up to the snapshot are skipped; the others are yielded as soon as
 * they are final, at most about 1 MiB at a time. Throws WalError, and changes nothing, if the log is not what it must be.
 */
export function* recoverWal(disk, platform, options, snapshot) {
    return yield* new Recovery(disk, platform, options, snapshot).run();
}
class Recovery {
    #disk;
    #platform;
    #options;
    #replay;
    #snapshot;
    #marks = new LogMarks();
    #segments = [];
    #unused;
    #chain = 0;
    /** The last segment's: where the next frame goes, and up to where frames show it to have been durable. */
    #offset = 0;
    #syncedBytes = 0;
    #tornTail;
    #rewrite = { offset: 0, bytes: new Uint8Array(0) };
    #capacityBytes = 0;
    constructor(disk, platform, options, snapshot) {
        this.#disk = disk;
        this.#platform = platform;
        this.#options = options;
        this.#snapshot = snapshot;
        this.#replay = new Replay(snapshot);
    }
    *run() {
        const headers = this.#readHeaders();
        for (const [position, header] of headers.entries()) {
            yield* this.#readSegment(header, headers[position + 1]);
        }
        const { hardState, reset } = this.#replay.finish();
        const fresh = headers.length === 0;
        const state = {
            segments: this.#segments,
            offset: this.#offset,
            capacityBytes: this.#capacityBytes,
            chain: this.#chain,
            last: this.#replay.last,
            hardState,
            marks: this.#marks,
            rewrite: this.#rewrite,
            unused: this.#unused,
            reset: fresh ? undefined : reset,
        };
        const wal = new Wal(this.#disk, this.#platform, this.#options, state);
        wal.start();
        const { entries, last } = this.#replay;
        return { hardState, entries, last, lastIndex: last.index, wal, tornTail: this.#tornTail, fresh };
    }
    /** The headers of all segments that were begun, oldest first. */
    #readHeaders() {
        const sequences = this.#disk
            .list(WAL_DIRECTORY)
            .map(segmentSequence)
            .filter((sequence) => sequence !== undefined);
        const headers = [];
        for (const [position, sequence] of sequences.entries()) {
            const path = segmentPath(sequence);
            const before = sequences[position - 1];
            if (before !== undefined && sequence !== before + 1) {
                throw new WalError('missing', segmentPath(before + 1), 0, 'this segment is missing');
            }
            const header = this.#readHeader(path, sequence);
            if (header !== undefined)
                headers.push(header);
            else if (position === sequences.length - 1)
                this.#unused = path;
            else
                throw new WalError('corrupt', path, 0, 'segment header lost: there is a later segment');
        }
        this.#checkPresence(headers);
        return headers;
    }
    /** Undefined if the segment was made ahead and never begun, or a crash came before its first write was durable. */
    #readHeader(path, sequence) {
        const first = this.#disk.read(path, 0, SECTOR_BYTES);
        if (firstNonZero(first, 0, first.length) === first.length)
            return undefined;
        if (first.length < SEGMENT_HEADER_BYTES)
            throw new WalError('corrupt', path, 0, 'segment header cut off');
        const expected = { clusterId: this.#options.clusterId, memberId: this.#options.memberId, sequence };
        return decodeSegmentHeader(this.#platform, first.subarray(0, SEGMENT_HEADER_BYTES), path, expected);
    }
    #checkPresence(headers) {
        if (headers.length > 0)
            return;
        const path = this.#unused ?? segmentPath(1);
        if (path !== segmentPath(1)) {
            throw new WalError('missing', path, 0, 'the segments before this one are missing');
        }
        if (this.#options.mustExist === true || this.#snapshot.index > 0) {
            throw new WalError('missing', path, 0, 'the log is missing, but this member has had one');
        }
    }
    *#readSegment(header, next) {
        const path = segmentPath(header.sequence);
        if (this.#segments.length === 0) {
            this.#chain = header.chain;
            this.#refuseIf(this.#replay.begin({ index: header.beginIndex, term: header.beginTerm }), path, 40);
        }
        else if (header.beginIndex !== this.#replay.last.index || header.beginTerm !== this.#replay.last.term) {
            throw new WalError('corrupt', path, 40, `begins after index ${header.beginIndex}, the log before ends elsewhere`);
        }
        this.#segments.push({ sequence: header.sequence, maxIndex: header.beginIndex });
        const reader = new SegmentReader(this.#disk, this.#platform, path, header.sequence);
        if (reader.sizeBytes < header.capacityBytes) {
            throw new WalError('corrupt', path, reader.sizeBytes, `the file is cut off, it had ${header.capacityBytes} bytes`);
        }
        this.#capacityBytes = reader.sizeBytes;
        this.#offset = SEGMENT_HEADER_BYTES;
        this.#syncedBytes = 0;
        yield* this.#readFrames(reader);
        if (next === undefined)
            yield* this.#finishLast(reader);
        else if (next.chain !== this.#chain) {
            throw new WalError('corrupt', path, this.#offset, 'the log breaks off here, but the next segment continues it');
        }
    }
    *#readFrames(reader) {
        let breathed = this.#offset;
        for (;;) {
            const reading = reader.readFrame(this.#offset, this.#chain);
            if (reading.kind === 'unwritten')
                return;
            if (reading.kind === 'damaged')
                throw new WalError('corrupt', reader.path, this.#offset, reading.detail);
            this.#takeRecords(reader.path, reading.payload);
            this.#syncedBytes = Math.max(this.#syncedBytes, this.#offset - reading.header.unsyncedBytes);
            this.#marks.add(this.#replay.last.index, reading.end - this.#offset);
            this.#offset = reading.end;
            this.#chain = reading.header.chain;
            for (;;) {
                const entries = this.#replay.takeFinal(READ_WINDOW_BYTES);
                if (entries.length === 0)
                    break;
                breathed = this.#offset;
                yield entries;
            }
            if (this.#offset - breathed >= READ_WINDOW_BYTES) {
                breathed = this.#offset;
                yield [];
            }
        }
    }
    #takeRecords(path, payload) {
        const segment = this.#segments.at(-1);
        const whole = decodeRecords(payload, payload.length, (record) => {
            this.#refuseIf(this.#replay.take(record), path, this.#offset);
            const { index } = this.#replay.last;
            if (index > segment.maxIndex)
                segment.maxIndex = index;
        });
        if (!whole)
            throw new WalError('corrupt', path, this.#offset, 'a frame that does not consist of whole records');
    }
    /** The log's end: nothing that was durable may lie beyond it; what else lies there is torn and will be zeroed. */
    *#finishLast(reader) {
        const search = reader.searchAfter(this.#offset);
        let step = search.next();
        while (step.done !== true) {
            yield [];
            step = search.next();
        }
        const { proof, dirtyEnd } = step.value;
        if (proof !== undefined) {
            const detail = `data is lost here: the frame at byte ${proof} was written when it was durable`;
            throw new WalError('corrupt', reader.path, this.#offset, detail);
        }
        if (dirtyEnd > this.#offset) {
            this.#tornTail = { file: reader.path, offset: this.#offset, bytes: dirtyEnd - this.#offset };
        }
        // Frames tell only of what came before them: the last write is never known to have been synced.
        const bytes = new Uint8Array(dirtyEnd - this.#syncedBytes);
        bytes.set(reader.bytes(this.#syncedBytes, this.#offset - this.#syncedBytes));
        this.#rewrite = { offset: this.#syncedBytes, bytes };
    }
    #refuseIf(refusal, path, offset) {
        if (refusal !== undefined)
            throw new WalError(refusal.code, path, offset, refusal.detail);
    }
}
//# sourceMappingURL=recovery.js.map