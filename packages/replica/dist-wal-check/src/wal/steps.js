/** Runs the steps in order; the first error ends it. */
export function inOrder(steps, done) {
    const run = (position) => {
        const step = steps[position];
        if (step === undefined) {
            done(undefined);
            return;
        }
        step((error) => {
            if (error === undefined)
                run(position + 1);
            else
                done(error);
        });
    };
    run(0);
}
//# sourceMappingURL=steps.js.map