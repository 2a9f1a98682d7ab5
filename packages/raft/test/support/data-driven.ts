/**
 * Reads cases in the format of Go's datadriven package: comments (#), a command line with arguments (name, name=value,
 * name=(a, b)), lines of input, `----`, and the expected output up to a blank line. Output that holds blank lines itself
 * stands between two doubled fences.
 */

export interface DataDrivenCase {
  /** Where the command stands, counted from 1. */
  readonly line: number;
  readonly command: string;
  /** The values of each argument; none for a bare name, several for a list in parentheses. */
  readonly args: ReadonlyMap<string, readonly string[]>;
  readonly input: string;
  /** With a newline at its end unless empty. */
  readonly expected: string;
}

const FENCE = '----';

export function parseDataDriven(text: string): DataDrivenCase[] {
  const lines = text.split('\n');
  // What follows the last newline is not a line.
  if (lines.at(-1) === '') lines.pop();
  const cases: DataDrivenCase[] = [];
  let place = 0;
  while (place < lines.length) {
    const head = (lines[place] ?? '').trim();
    if (head === '' || head.startsWith('#')) {
      place++;
      continue;
    }
    const line = place + 1;
    const fence = lines.indexOf(FENCE, place);
    if (fence < 0) throw new Error(`line ${line}: no ${FENCE} after the command`);
    const inputLines = lines.slice(place + 1, fence);
    // The fence found is another command's.
    if (inputLines.includes('')) throw new Error(`line ${line}: no ${FENCE} before a blank line`);
    const input = inputLines.join('\n');
    const output = readOutput(lines, fence + 1);
    cases.push({ line, ...parseCommand(head, line), input, expected: output.text });
    place = output.next;
  }
  return cases;
}

function readOutput(lines: readonly string[], from: number): { readonly text: string; readonly next: number } {
  const doubled = lines[from] === FENCE;
  const start = doubled ? from + 1 : from;
  let end = start;
  while (end < lines.length && !(doubled ? lines[end] === FENCE && lines[end + 1] === FENCE : lines[end] === '')) end++;
  if (doubled && end === lines.length) throw new Error(`line ${from}: the doubled fence is not closed`);
  const text = lines.slice(start, end).map((line) => `${line}\n`);
  return { text: text.join(''), next: doubled ? end + 2 : end };
}

function parseCommand(head: string, line: number): Pick<DataDrivenCase, 'command' | 'args'> {
  const [, command, rest] = /^([\w-]+)(.*)$/u.exec(head) ?? [];
  if (command === undefined || rest === undefined) throw new Error(`line ${line}: no command in "${head}"`);
  const args = new Map<string, string[]>();
  const argument = /\s+(?<name>[\w-]+)(?:=(?:\((?<list>[^)]*)\)|(?<value>[^\s()]+)))?/uy;
  while (argument.lastIndex < rest.length) {
    const groups = argument.exec(rest)?.groups;
    const name = groups?.['name'];
    if (name === undefined) throw new Error(`line ${line}: arguments of "${head}" do not parse`);
    const list = groups?.['list'];
    const value = groups?.['value'];
    if (list !== undefined)
      args.set(
        name,
        list.split(',').map((item) => item.trim()),
      );
    else args.set(name, value === undefined ? [] : [value]);
  }
  return { command, args };
}
