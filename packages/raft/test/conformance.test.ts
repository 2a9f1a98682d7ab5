/**
 * etcd-io/raft's data-driven cases for quorum arithmetic and configuration changes, where they are present beside the
 * repository (../shared/conformance/etcd-raft). Their harness is redone here: it prints what theirs prints.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  ConfigChangeError,
  configMembers,
  describeConfig,
  EMPTY_CONFIG,
  enterJoint,
  isLearner,
  leaveJoint,
  simple,
} from '../src/config-change.js';
import { Progress } from '../src/progress.js';
import { committedIndex, type QuorumConfig, type VoteResult, voteResult } from '../src/quorum.js';
import type { ConfigState, MemberId, SingleChange } from '../src/types.js';
import { type DataDrivenCase, parseDataDriven } from './support/data-driven.js';

/** The nearest folder above this file whose package.json lists workspaces. */
function repositoryRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && 'workspaces' in (JSON.parse(readFileSync(file, 'utf8')) as object)) return folder;
    assert.notEqual(folder, dirname(folder), 'no package.json with workspaces above this test');
  }
}

const casesFolder = join(repositoryRoot(), '..', 'shared', 'conformance', 'etcd-raft');
const skip = existsSync(casesFolder) ? false : 'the conformance cases are not present beside this repository';

/** Runs every file of a folder, each with a harness of its own. */
function runFolder(name: string, createHarness: () => (testCase: DataDrivenCase) => string): void {
  if (skip !== false) {
    it(name, { skip }, () => undefined);
    return;
  }
  const folder = join(casesFolder, name);
  const files = readdirSync(folder).toSorted();
  assert.ok(files.length > 0, `no files in ${name}`);
  for (const file of files) {
    it(`${name}/${file}`, () => {
      const run = createHarness();
      const cases = parseDataDriven(readFileSync(join(folder, file), 'utf8'));
      assert.ok(cases.length > 0, 'no cases');
      for (const testCase of cases) {
        assert.equal(run(testCase), testCase.expected, `${file}:${testCase.line}`);
      }
    });
  }
}

interface QuorumCase {
  readonly config: QuorumConfig;
  readonly joint: boolean;
  /** What each voter said, by id, as it stands in the file; nothing for one that is silent. */
  readonly said: ReadonlyMap<MemberId, string>;
}

/** Values are given in the order of the voters, of the first half and then of the second, without repetition. */
function readQuorumCase({ args, command, input }: DataDrivenCase): QuorumCase {
  assert.equal(input, '', 'quorum cases have no input');
  const valuesName = command === 'vote' ? 'votes' : 'idx';
  for (const name of args.keys()) assert.ok(['cfg', 'cfgj', valuesName].includes(name), `unknown argument ${name}`);
  const ids = (name: string): MemberId[] => {
    const list = args.get(name) ?? [];
    if (name === 'cfgj' && list.length === 1 && list[0] === 'zero') return [];
    const members = list.map(Number);
    for (const member of members) assert.ok(Number.isSafeInteger(member) && member > 0, `member ${member}`);
    return members;
  };
  const config = { voters: ids('cfg'), votersOutgoing: ids('cfgj') };
  const voters = new Set([...config.voters, ...config.votersOutgoing]);
  const values = args.get(valuesName) ?? [];
  assert.equal(values.length, voters.size, 'one value for each voter');
  const said = new Map([...voters].map((member, place) => [member, values[place] ?? '_'] as const));
  for (const [member, value] of said) if (value === '_') said.delete(member);
  return { config, joint: args.has('cfgj'), said };
}

/** The indexes as bars, as long as there are voters behind. A voter that said nothing has a question mark. */
function describeMatches(voters: readonly MemberId[], matches: ReadonlyMap<MemberId, number>): string {
  if (voters.length === 0) return '<empty majority quorum>';
  const width = voters.length;
  const matchOf = (member: MemberId): number => matches.get(member) ?? 0;
  const lines = voters
    .toSorted((a, b) => a - b)
    .map((member) => {
      const bar = voters.filter((other) => matchOf(other) < matchOf(member)).length;
      const picture = matches.has(member) ? `${'x'.repeat(bar)}>${' '.repeat(width - bar)}` : `?${' '.repeat(width)}`;
      return `${picture} ${String(matchOf(member)).padStart(5)}    (id=${member})\n`;
    });
  return `${' '.repeat(width)}    idx\n${lines.join('')}`;
}

function swapped(config: QuorumConfig): QuorumConfig {
  return { voters: config.votersOutgoing, votersOutgoing: config.voters };
}

function runCommitted(testCase: DataDrivenCase): string {
  const { config, joint, said } = readQuorumCase(testCase);
  const matches = new Map([...said].map(([member, value]) => [member, Number(value)] as const));
  const matchOf = (member: MemberId): number => matches.get(member) ?? 0;
  const committed = committedIndex(config, matchOf);
  assert.equal(committedIndex(swapped(config), matchOf), committed, 'the halves are alike');
  if (!joint) {
    assert.equal(committedIndex({ voters: config.voters, votersOutgoing: config.voters }, matchOf), committed);
    // A voter below the result does not decide it: lowering it changes nothing.
    for (const voter of config.voters.filter((member) => matchOf(member) < committed)) {
      assert.equal(
        committedIndex(config, (member) => (member === voter ? 0 : matchOf(member))),
        committed,
      );
    }
  }
  const voters = [...new Set([...config.voters, ...config.votersOutgoing])];
  return `${describeMatches(voters, matches)}${committed === Number.POSITIVE_INFINITY ? '∞' : committed}\n`;
}

const VOTES: Readonly<Record<string, boolean>> = { y: true, n: false };
const VOTE_RESULTS: Readonly<Record<VoteResult, string>> = { won: 'VoteWon', lost: 'VoteLost', pending: 'VotePending' };

function runVote(testCase: DataDrivenCase): string {
  const { config, said } = readQuorumCase(testCase);
  for (const value of said.values()) assert.ok(value in VOTES, `unknown vote ${value}`);
  const voteOf = (member: MemberId): boolean | undefined => VOTES[said.get(member) ?? '_'];
  const result = voteResult(config, voteOf);
  assert.equal(voteResult(swapped(config), voteOf), result, 'the halves are alike');
  return `${VOTE_RESULTS[result]}\n`;
}

function runQuorum(testCase: DataDrivenCase): string {
  switch (testCase.command) {
    case 'committed':
      return runCommitted(testCase);
    case 'vote':
      return runVote(testCase);
    default:
      return assert.fail(`line ${testCase.line}: unknown command ${testCase.command}`);
  }
}

const CHANGE_TYPES: Readonly<Record<string, SingleChange['type']>> = {
  v: 'add-voter',
  l: 'add-learner',
  r: 'remove',
  u: 'update',
};

function readChanges(input: string): SingleChange[] {
  return input
    .split(/\s+/u)
    .filter((word) => word !== '')
    .map((word) => {
      const type = CHANGE_TYPES[word.charAt(0)];
      assert.ok(type !== undefined && /^\d+$/u.test(word.slice(1)), `unknown change ${word}`);
      return { type, member: Number(word.slice(1)) };
    });
}

/** Their Changer: a configuration with a Progress for each member, created in the command that brought the member in. */
class ConfigChangeHarness {
  #config = EMPTY_CONFIG;
  #progress = new Map<MemberId, Progress>();
  /** Their test's clock: it counts the commands, and a new Progress begins at it. */
  #lastIndex = 0;

  run(testCase: DataDrivenCase): string {
    const changes = readChanges(testCase.input);
    try {
      this.#config = this.#next(testCase, changes);
    } catch (error) {
      if (!(error instanceof ConfigChangeError)) throw error;
      return `${error.message}\n`;
    } finally {
      this.#lastIndex++;
    }
    this.#track(Math.max(this.#lastIndex - 1, 1));
    const members = [...this.#progress].map(([member, progress]) => `${member}: ${progress.describe()}\n`);
    return `${describeConfig(this.#config)}\n${members.join('')}`;
  }

  #next({ command, args, line }: DataDrivenCase, changes: readonly SingleChange[]): ConfigState {
    for (const name of args.keys()) {
      assert.ok(command === 'enter-joint' && name === 'autoleave', `line ${line}: unknown argument ${name}`);
    }
    switch (command) {
      case 'simple':
        return simple(this.#config, changes);
      case 'enter-joint':
        return enterJoint(this.#config, args.get('autoleave')?.[0] === 'true', changes);
      case 'leave-joint':
        assert.equal(changes.length, 0, 'leave-joint takes no changes');
        return leaveJoint(this.#config);
      default:
        return assert.fail(`line ${line}: unknown command ${command}`);
    }
  }

  #track(next: number): void {
    const tracked = new Map<MemberId, Progress>();
    for (const member of configMembers(this.#config)) {
      const learner = isLearner(this.#config, member);
      const options = { next, match: 0, learner, inflightMessagesMax: 10, inflightBytesMax: Number.POSITIVE_INFINITY };
      const progress = this.#progress.get(member) ?? new Progress(options);
      progress.learner = learner;
      tracked.set(member, progress);
    }
    this.#progress = tracked;
  }
}

describe('conformance: quorum', () => runFolder('quorum', () => runQuorum));

describe('conformance: configuration changes', () => {
  runFolder('confchange', () => {
    const harness = new ConfigChangeHarness();
    return (testCase) => harness.run(testCase);
  });
});

const fieldsOf = (testCase: DataDrivenCase): unknown[] => [
  testCase.line,
  testCase.command,
  Object.fromEntries(testCase.args),
  testCase.input,
  testCase.expected,
];

const onlyCase = (text: string): DataDrivenCase => parseDataDriven(text)[0] ?? assert.fail('no case');

describe('conformance: the harness', () => {
  it('reads commands, arguments, input, output and doubled fences', () => {
    const text =
      '# note\nfirst a=(1, 2) b=c bare\nx y\nz\n----\nout\n\nsecond\n----\n----\none\n\ntwo\n----\n----\n\nthird\n----\n';
    assert.deepEqual(parseDataDriven(text).map(fieldsOf), [
      [2, 'first', { a: ['1', '2'], b: ['c'], bare: [] }, 'x y\nz', 'out\n'],
      [8, 'second', {}, '', 'one\n\ntwo\n'],
      [17, 'third', {}, '', ''],
    ]);
  });

  it('fails on what it does not know', () => {
    assert.throws(() => runQuorum(onlyCase('elect cfg=(1)\n----\n')), /unknown command elect/);
    assert.throws(() => runQuorum(onlyCase('vote cfg=(1) votes=(x)\n----\n')), /unknown vote x/);
    assert.throws(() => runQuorum(onlyCase('vote cfg=(1) idx=(1)\n----\n')), /unknown argument idx/);
    assert.throws(() => runQuorum(onlyCase('vote cfg=(1,2) votes=(y)\n----\n')), /one value for each voter/);
    assert.throws(() => new ConfigChangeHarness().run(onlyCase('promote\nv1\n----\n')), /unknown command promote/);
    assert.throws(() => new ConfigChangeHarness().run(onlyCase('simple\nx1\n----\n')), /unknown change x1/);
    assert.throws(() => parseDataDriven('vote cfg=(1\n----\n'), /do not parse/);
    assert.throws(() => parseDataDriven('vote cfg=(1)\n'), /no ----/);
    assert.throws(() => parseDataDriven('vote\n----\n----\nout\n'), /not closed/);
  });
});
