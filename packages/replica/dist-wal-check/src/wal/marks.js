/** Where in the log's bytes which index stood, every 64 KiB: answers how much a restart would have to replay. */
export const MARK_SPACING_BYTES = 64 * 1024;
export class LogMarks {
    /** Ascending in both. */
    #marks = [];
    #bytes = 0;
    /** `bytes` more were written; the log's last index is now `index`. */
    add(index, bytes) {
        // What stood at `index` and later was replaced: those marks no longer say where their index begins.
        while (this.#marks.length > 0 && this.#marks.at(-1).index > index)
            this.#marks.pop();
        this.#bytes += bytes;
        const last = this.#marks.at(-1);
        if (last === undefined || this.#bytes - last.bytes >= MARK_SPACING_BYTES) {
            this.#marks.push({ index, bytes: this.#bytes });
        }
    }
    bytesAfter(index) {
        return this.#bytes - (this.#marks[this.#lastAt(index)]?.bytes ?? 0);
    }
    /** Nobody will ask for less than `index` again. */
    release(index) {
        const keep = this.#lastAt(index);
        if (keep > 0)
            this.#marks = this.#marks.slice(keep);
    }
    /** Position of the last mark with an index of at most `index`; -1 if there is none. */
    #lastAt(index) {
        let low = 0;
        let high = this.#marks.length;
        while (low < high) {
            const middle = (low + high) >>> 1;
            if (this.#marks[middle].index <= index)
                low = middle + 1;
            else
                high = middle;
        }
        return low - 1;
    }
}
//# sourceMappingURL=marks.js.map