/** What the process was started with, for those who set V8's flags: whoever starts it knows better. */

/** `flag`: with its dashes, without a value. `given`: process.execArgv. */
export function isFlagGiven(flag: string, given: readonly string[]): boolean {
  return given.some((argument) => argument.split('=')[0] === flag);
}
