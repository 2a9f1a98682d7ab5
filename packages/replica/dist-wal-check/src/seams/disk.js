/** An operating error of the disk, naming operation and path. */
export class DiskError extends Error {
    code;
    operation;
    path;
    constructor(code, operation, path, detail) {
        super(`${operation} ${path}: ${detail}`);
        this.name = 'DiskError';
        this.code = code;
        this.operation = operation;
        this.path = path;
    }
}
//# sourceMappingURL=disk.js.map