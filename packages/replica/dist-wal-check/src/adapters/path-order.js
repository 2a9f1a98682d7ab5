export class PathOrder {
    /** The operation given last on each path that has any unfinished. */
    #last = new Map();
    #unfinished = 0;
    #idle;
    get unfinished() {
        return this.#unfinished;
    }
    /** Runs `start` once everything given before on these paths has finished; from within the call if nothing has to be waited for. */
    run(paths, start) {
        const operation = { paths, start, waitsFor: 0, followers: [] };
        this.#unfinished += 1;
        for (const path of paths) {
            const before = this.#last.get(path);
            if (before !== undefined && before !== operation) {
                before.followers.push(operation);
                operation.waitsFor += 1;
            }
            this.#last.set(path, operation);
        }
        if (operation.waitsFor === 0)
            this.#start(operation);
    }
    /** Calls back once nothing is unfinished; at once if that is so. */
    whenIdle(done) {
        if (this.#unfinished === 0)
            done();
        else
            this.#idle = done;
    }
    #start(operation) {
        operation.start(() => this.#finish(operation));
    }
    #finish(operation) {
        this.#unfinished -= 1;
        for (const path of operation.paths)
            if (this.#last.get(path) === operation)
                this.#last.delete(path);
        for (const follower of operation.followers) {
            follower.waitsFor -= 1;
            if (follower.waitsFor === 0)
                this.#start(follower);
        }
        if (this.#unfinished > 0)
            return;
        const idle = this.#idle;
        this.#idle = undefined;
        idle?.();
    }
}
//# sourceMappingURL=path-order.js.map