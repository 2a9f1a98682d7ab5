/** What a command reads and writes: the process' own, or a test's. */

export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  out(text: string): void;
  err(text: string): void;
}

/** Documented in `quorate --help`; scripts rely on them. */
export const EXIT = {
  ok: 0,
  /** The operation failed, or a server stopped itself. */
  failed: 1,
  /** Wrong arguments or configuration. */
  usage: 2,
  notFound: 3,
  /** No leader, or no endpoint could be reached: nothing was changed. */
  unavailable: 4,
  /** A change may or may not have been made. */
  unknown: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with one line on standard error and an exit code. */
export class CliFailure extends Error {
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliFailure';
    this.exitCode = exitCode;
  }
}

/** Columns as wide as their widest cell, two spaces between; the last one is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
