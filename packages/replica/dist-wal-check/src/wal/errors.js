/** Why a data folder is refused. Nothing was changed on disk: the operator decides. */
/** The start is refused: `file` (path in the data folder) and `offset` (bytes) say where. */
export class WalError extends Error {
    code;
    file;
    offset;
    constructor(code, file, offset, detail) {
        super(`${file} at byte ${offset}: ${detail}`);
        this.name = 'WalError';
        this.code = code;
        this.file = file;
        this.offset = offset;
    }
}
/** A programmer's error: the caller broke the contract of the log. Always on. */
export function assert(condition, message) {
    if (!condition)
        throw new Error(`assertion failed: ${message}`);
}
//# sourceMappingURL=errors.js.map