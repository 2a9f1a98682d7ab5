import { segmentPath, WAL_DIRECTORY } from './segment.js';
import { inOrder } from './steps.js';
export class SegmentPreparer {
    #disk;
    #failed;
    #state = 'none';
    #sizeBytes = 0;
    #idle;
    /** `failed` hears of every error but `full`. */
    constructor(disk, failed) {
        this.#disk = disk;
        this.#failed = failed;
    }
    get state() {
        return this.#state;
    }
    prepare(sequence, sizeBytes) {
        const path = segmentPath(sequence);
        this.#state = 'preparing';
        this.#sizeBytes = sizeBytes;
        inOrder([
            (next) => this.#disk.create(path, sizeBytes, next),
            (next) => this.#disk.sync(path, next),
            (next) => this.#disk.syncDirectory(WAL_DIRECTORY, next),
        ], (error) => {
            if (error === undefined)
                this.#settle('ready');
            else if (error.code === 'full')
                this.#giveBack(path);
            else {
                this.#failed(error);
                this.#settle('none');
            }
        });
    }
    /** Takes the prepared file into use; its size. */
    take() {
        this.#state = 'none';
        return this.#sizeBytes;
    }
    /** Calls back once nothing is being prepared. */
    whenIdle(done) {
        if (this.#state === 'preparing')
            this.#idle = done;
        else
            done();
    }
    /** No room for a whole segment ahead: what room there is goes to the current one, which then grows. */
    #giveBack(path) {
        this.#disk.remove(path, (error) => {
            if (error !== undefined && error.code !== 'not-found')
                this.#failed(error);
            this.#settle('none');
        });
    }
    #settle(state) {
        this.#state = state;
        const idle = this.#idle;
        this.#idle = undefined;
        idle?.();
    }
}
//# sourceMappingURL=preparer.js.map