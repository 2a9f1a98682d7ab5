/**
 * Moves a test cluster by commands and tells in text what happened: the language of the transcripts.
 *
 *     cluster 1,2,3 [learners=4] [setting=value ...]   members 1 to 3 vote; settings are those of RaftConfig
 *     add 4                        an empty member
 *     campaign 1 | tick 1 [count] | propose 1 text ... | propose-bytes 1 count | read 1 context
 *     change 1 add-voter(4) remove(2) [joint-implicit|joint-explicit]
 *     transfer 1 2 | yield 1 | compact 1 index | unreachable 1 2 | report-snapshot 1 2 finished|failed
 *     snapshot 1 2                 member 1's state is sent to member 2 though nobody asked for it
 *     process 1                    one Ready: send, write, apply
 *     ready 1 | write 1 | apply 1 [count]               the same, a duty at a time
 *     deliver [filter] | drop [filter] | duplicate [filter] | reverse     filter: from=1 to=2 type=append count=1
 *     settle [ids]                 process (only these members) and deliver until nothing is left to do
 *     cut 1 2 | isolate 1 | heal | crash 1 | restart 1
 *     status | progress 1 | log 1 | network
 *     quiet <command>              without what happened
 */
import { describeEntries, describeMessage, describeProgress, describeReady, describeStatus } from '../describe.js';
import type {
  ConfigChange,
  ConfigState,
  MemberId,
  Message,
  ProposeResult,
  RaftConfig,
  SingleChange,
} from '../types.js';
import { Cluster, type Envelope } from './cluster.js';

const CHANGE_PATTERN = /^(add-voter|add-learner|remove|update)\((\d+)\)$/;

export class Interaction {
  #cluster: Cluster | undefined;
  #output: string[] = [];

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error('the first command must be: cluster');
    return this.#cluster;
  }

  /** Runs one command; gives the lines that tell what happened. An assertion that fails is told too. */
  run(command: string): string[] {
    this.#output = [];
    const words = command.trim().split(/\s+/);
    const quiet = words[0] === 'quiet';
    if (quiet) words.shift();
    const [name = '', ...args] = words;
    try {
      this.#execute(name, args);
    } catch (error) {
      return [`error: ${error instanceof Error ? error.message : String(error)}`];
    }
    return quiet ? [] : this.#output;
  }

  #execute(name: string, args: readonly string[]): void {
    const command = COMMANDS[name];
    if (command === undefined) throw new Error(`unknown command ${name}`);
    command(this, args);
  }

  print(...lines: readonly string[]): void {
    this.#output.push(...lines);
  }

  found(args: readonly string[]): void {
    const [voters = '', ...rest] = args;
    const settings: Partial<Omit<RaftConfig, 'id'>> & Record<string, unknown> = {};
    let learners: MemberId[] = [];
    for (const argument of rest) {
      const [key = '', value = ''] = argument.split('=');
      if (key === 'learners') learners = parseIds(value);
      else settings[key] = /^\d+$/.test(value) ? Number(value) : value;
    }
    const config: ConfigState = {
      voters: parseIds(voters),
      learners,
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    };
    const members = [...config.voters, ...learners];
    this.#cluster = new Cluster({ config, members, settings });
  }

  process(id: MemberId): void {
    const { cluster } = this;
    const member = cluster.member(id);
    while (member.hasDuties) {
      this.print(...prefixed(id, describeReady(cluster.process(id))));
    }
  }

  deliver(envelope: Envelope): void {
    const { message } = envelope;
    this.print(`deliver ${describeMessage(message)}`);
    this.cluster.deliver(envelope);
  }

  /** With `ids`, only these members do their duties; everyone gets messages. */
  settle(ids: readonly MemberId[]): void {
    const { cluster } = this;
    for (let round = 0; round < 200; round++) {
      for (const { id } of cluster.up) if (ids.length === 0 || ids.includes(id)) this.process(id);
      const batch = cluster.network;
      cluster.network = [];
      if (batch.length === 0) return;
      for (const envelope of batch) this.deliver(envelope);
    }
    throw new Error('does not settle');
  }
}

type Command = (interaction: Interaction, args: readonly string[]) => void;

const COMMANDS: Readonly<Record<string, Command>> = {
  cluster: (i, args) => i.found(args),
  add: (i, [id]) => i.cluster.addEmpty(Number(id)),
  campaign: (i, [id]) => i.cluster.member(Number(id)).run((raft) => raft.campaign()),
  tick: (i, [id, count = '1']) => {
    for (let n = 0; n < Number(count); n++) i.cluster.member(Number(id)).run((raft) => raft.tick());
  },
  propose: (i, [id, ...texts]) => {
    for (const text of texts)
      i.print(describeResult(i.cluster.member(Number(id)).run((raft) => raft.propose(bytesOf(text)))));
  },
  'propose-bytes': (i, [id, count]) => {
    i.print(describeResult(i.cluster.member(Number(id)).run((raft) => raft.propose(new Uint8Array(Number(count))))));
  },
  change: (i, [id, ...words]) => {
    i.print(describeResult(i.cluster.member(Number(id)).run((raft) => raft.proposeConfigChange(parseChange(words)))));
  },
  read: (i, [id, context]) => i.print(i.cluster.read(Number(id), Number(context)) ? 'asked' : 'nobody to ask'),
  transfer: (i, [id, to]) => {
    i.print(i.cluster.member(Number(id)).run((raft) => raft.transferLeadership(Number(to))) ? 'started' : 'refused');
  },
  yield: (i, [id]) => {
    i.print(i.cluster.member(Number(id)).run((raft) => raft.yieldLeadership()) ? 'started' : 'refused');
  },
  compact: (i, [id, index]) => i.cluster.member(Number(id)).compact(Number(index)),
  unreachable: (i, [id, other]) => i.cluster.member(Number(id)).run((raft) => raft.reportUnreachable(Number(other))),
  'report-snapshot': (i, [id, other, outcome]) => {
    const parsed = outcome === 'failed' ? 'failed' : 'finished';
    i.cluster.member(Number(id)).run((raft) => raft.reportSnapshot(Number(other), parsed));
  },
  snapshot: (i, [id, to]) => i.cluster.sendSnapshot(Number(id), Number(to)),
  process: (i, [id]) => i.process(Number(id)),
  ready: (i, [id]) => i.print(...prefixed(Number(id), describeReady(i.cluster.take(Number(id))))),
  write: (i, [id]) => {
    const ready = i.cluster.write(Number(id));
    i.print(`n${id} persisted ${ready.id}`);
  },
  apply: (i, [id, count]) => {
    const limit = count === undefined ? Number.POSITIVE_INFINITY : Number(count);
    i.print(`n${id} applied ${describeEntries(i.cluster.member(Number(id)).apply(limit))}`);
  },
  deliver: (i, args) => {
    for (const envelope of takeMatching(i.cluster, args)) i.deliver(envelope);
  },
  drop: (i, args) => {
    for (const { message } of takeMatching(i.cluster, args)) i.print(`drop ${describeMessage(message)}`);
  },
  duplicate: (i, args) => {
    const { network } = i.cluster;
    const matching = takeMatching(i.cluster, args);
    i.cluster.network = [...network, ...matching];
  },
  reverse: (i) => {
    i.cluster.network.reverse();
  },
  settle: (i, ids) => i.settle(ids.map(Number)),
  cut: (i, [from, to]) => i.cluster.cut(Number(from), Number(to)),
  isolate: (i, [id]) => i.cluster.isolate(Number(id)),
  heal: (i) => i.cluster.heal(),
  crash: (i, [id]) => i.cluster.member(Number(id)).crash(),
  restart: (i, [id]) => i.cluster.member(Number(id)).start(),
  status: (i, ids) => {
    const wanted = ids.length > 0 ? ids.map((id) => i.cluster.member(Number(id))) : i.cluster.up;
    for (const { raft } of wanted) i.print(describeStatus(raft.status()));
  },
  progress: (i, [id]) => i.print(...describeProgress(i.cluster.member(Number(id)).raft.status())),
  log: (i, [id]) => {
    const { log } = i.cluster.member(Number(id)).raft.core;
    i.print(
      `n${id} after ${log.compactedIndex}@${log.compactedTerm} ${describeEntries(log.slice(log.firstIndex, Number.POSITIVE_INFINITY))}`,
    );
  },
  network: (i) => i.print(...i.cluster.network.map(({ message }) => describeMessage(message))),
};

function prefixed(id: MemberId, lines: readonly string[]): string[] {
  return lines.map((line) => `n${id} ${line}`);
}

function parseIds(text: string): MemberId[] {
  return text.split(',').map(Number);
}

function parseChange(words: readonly string[]): ConfigChange {
  const changes: SingleChange[] = [];
  let transition: ConfigChange['transition'] = 'auto';
  for (const word of words) {
    const [, type, member] = CHANGE_PATTERN.exec(word) ?? [];
    if (word === 'joint-implicit' || word === 'joint-explicit') transition = word;
    else if (type !== undefined) changes.push({ type: type as SingleChange['type'], member: Number(member) });
    else if (word !== 'leave-joint') throw new Error(`not a change: ${word}`);
  }
  return { changes, transition, context: new Uint8Array(0) };
}

function describeResult(result: ProposeResult): string {
  return result.accepted ? `accepted ${result.index}@${result.term}` : `refused: ${result.reason}`;
}

function takeMatching(cluster: Cluster, args: readonly string[]): Envelope[] {
  const filter = new Map(args.map((argument) => argument.split('=') as [string, string]));
  let left = Number(filter.get('count') ?? Number.POSITIVE_INFINITY);
  const matches = (message: Message): boolean =>
    (filter.get('from') ?? `${message.from}`) === `${message.from}` &&
    (filter.get('to') ?? `${message.to}`) === `${message.to}` &&
    (filter.get('type') ?? message.type) === message.type;
  const taken: Envelope[] = [];
  cluster.network = cluster.network.filter((envelope) => {
    if (left === 0 || !matches(envelope.message)) return true;
    left -= 1;
    taken.push(envelope);
    return false;
  });
  return taken;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
