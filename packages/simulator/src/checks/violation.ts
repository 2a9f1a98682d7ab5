/** A rule that a run has broken. `rule` is short and stable: regressions are told apart by it. */
export class Violation extends Error {
  readonly rule: string;
  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`);
    this.name = 'Violation';
    this.rule = rule;
  }
}

export function require(condition: boolean, rule: string, detail: () => string): asserts condition {
  if (!condition) violated(rule, detail());
}

/** Where every step comes by: without a function for the detail, which would be made each time. */
export function violated(rule: string, detail: string): never {
  throw new Violation(rule, detail);
}
