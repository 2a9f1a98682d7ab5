/**
 * The directory of members: who is in the cluster, under which name and addresses, and who ever left it.
 *
 * It is part of the replicated state machine. Members enter it by the context of a configuration change, change their
 * addresses by a `publish` entry, and leave it when the configuration no longer holds them: not when their removal is
 * proposed, because within a joint configuration the outgoing half still has to be reached. An id that left is
 * remembered for good, so that its owner is told and can never come back with half a memory (raft-bugs 12, 35).
 */
import { type ConfigChange, type ConfigState, configMembers, type MemberId } from '@quorate/raft';
import { urlsOf } from './peer-urls.js';

export interface DirectoryMember {
  readonly id: MemberId;
  readonly name: string;
  /** host:port of the Raft transport: what is dialled. */
  readonly peerAddress: string;
  /** host:port of the HTTP interface; '' until the member has said it. */
  readonly clientAddress: string;
  /** Identifies the data folder that joined under this id; '' if it was added by somebody else's call. */
  readonly instance: string;
  readonly promoteWhenCaughtUp: boolean;
  /** As they were given, such as `http://10.0.0.1:2380`; never empty. */
  readonly peerUrls: readonly string[];
  /** Empty until the member has said them: it has never been part of the cluster so far. */
  readonly clientUrls: readonly string[];
}

/** A member as it may stand in a log or a snapshot: those of before the URLs have addresses only. */
export type RecordedMember = Omit<DirectoryMember, 'peerUrls' | 'clientUrls'> &
  Partial<Pick<DirectoryMember, 'peerUrls' | 'clientUrls'>>;

/**
 * What a `publish` entry carries: a member says under which name and addresses it can be reached now, or an operator says it of a
 * member's peer URLs. What is absent stays as it is.
 */
export interface Publication {
  readonly id: MemberId;
  readonly name?: string;
  readonly peerAddress?: string;
  readonly clientAddress?: string;
  readonly peerUrls?: readonly string[];
  readonly clientUrls?: readonly string[];
  /** The data folder that says it, where a member's id was given before its folder was there. */
  readonly instance?: string;
}

interface DirectoryRecord {
  readonly members: readonly RecordedMember[];
  readonly removed: readonly MemberId[];
}

/** First byte of a log entry that holds a Publication; store commands begin with their own version byte. */
export const PUBLICATION_TAG = 0xfe;

export function encodeMembers(members: readonly RecordedMember[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(members));
}

export function encodePublication(publication: Publication): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(publication));
  const data = new Uint8Array(json.length + 1);
  data[0] = PUBLICATION_TAG;
  data.set(json, 1);
  return data;
}

export function decodePublication(data: Uint8Array): Publication {
  return JSON.parse(new TextDecoder().decode(data.subarray(1))) as Publication;
}

export class Directory {
  readonly #members = new Map<MemberId, DirectoryMember>();
  readonly #removed = new Set<MemberId>();
  /** What encode() and list() returned last, until something changes: they are asked often, and members change seldom. */
  #encoded: Uint8Array | undefined;
  #listed: readonly DirectoryMember[] | undefined;

  /** Sorted by id. */
  list(): readonly DirectoryMember[] {
    this.#listed ??= [...this.#members.values()].toSorted((a, b) => a.id - b.id);
    return this.#listed;
  }

  get(id: MemberId): DirectoryMember | undefined {
    return this.#members.get(id);
  }

  byName(name: string): DirectoryMember | undefined {
    return this.list().find((member) => member.name === name);
  }

  byPeerAddress(address: string): DirectoryMember | undefined {
    return this.list().find((member) => member.peerAddress === address);
  }

  /** Another member than `except` that is reached by one of these URLs. */
  byPeerUrls(urls: readonly string[], except: MemberId = 0): DirectoryMember | undefined {
    return this.list().find((member) => member.id !== except && member.peerUrls.some((url) => urls.includes(url)));
  }

  isRemoved(id: MemberId): boolean {
    return this.#removed.has(id);
  }

  /** Follows a configuration change that has just taken effect as `config`. */
  applyConfigChange(change: ConfigChange, config: ConfigState): void {
    this.#changed();
    const added = change.context.length === 0 ? [] : decodeMembers(change.context);
    const present = new Set(configMembers(config));
    for (const member of added) {
      if (present.has(member.id)) this.#members.set(member.id, member);
    }
    for (const { type, member: id } of change.changes) {
      const member = this.#members.get(id);
      if (type === 'add-voter' && member?.promoteWhenCaughtUp === true) {
        this.#members.set(id, { ...member, promoteWhenCaughtUp: false });
      }
    }
    for (const id of this.#members.keys()) {
      if (present.has(id)) continue;
      this.#members.delete(id);
      this.#removed.add(id);
    }
  }

  /**
   * Ignored if the member has left meanwhile, and as to its peer URLs if another member has got one of them meanwhile: two requests that
   * fitted the directory when they were proposed need not fit it one after the other. An id belongs to the first folder that takes it.
   */
  applyPublication(publication: Publication): void {
    const member = this.#members.get(publication.id);
    if (member === undefined) return;
    // Somebody else's folder under a taken id: nothing of what it says counts.
    if (publication.instance !== undefined && member.instance !== '' && publication.instance !== member.instance)
      return;
    const { peerAddress, clientAddress, ...said } = publication;
    const peerUrls = said.peerUrls ?? (peerAddress === undefined ? member.peerUrls : urlsOf(peerAddress));
    const clientUrls = said.clientUrls ?? (clientAddress === undefined ? member.clientUrls : urlsOf(clientAddress));
    const next = { ...member, ...publication, peerUrls, clientUrls };
    const isTaken = said.peerUrls !== undefined && this.byPeerUrls(peerUrls, member.id) !== undefined;
    this.#changed();
    this.#members.set(
      member.id,
      isTaken ? { ...next, peerAddress: member.peerAddress, peerUrls: member.peerUrls } : next,
    );
  }

  #changed(): void {
    this.#encoded = undefined;
    this.#listed = undefined;
  }

  /** Not to be written to. */
  encode(): Uint8Array {
    this.#encoded ??= this.#encode();
    return this.#encoded;
  }

  #encode(): Uint8Array {
    const record: DirectoryRecord = { members: this.list(), removed: [...this.#removed].toSorted((a, b) => a - b) };
    return new TextEncoder().encode(JSON.stringify(record));
  }

  static decode(bytes: Uint8Array): Directory {
    return Directory.#of(JSON.parse(new TextDecoder().decode(bytes)) as DirectoryRecord);
  }

  /** The directory of a cluster that begins with these members. */
  static of(members: readonly RecordedMember[]): Directory {
    return Directory.#of({ members, removed: [] });
  }

  static #of(record: DirectoryRecord): Directory {
    const directory = new Directory();
    for (const member of record.members) directory.#members.set(member.id, complete(member));
    for (const id of record.removed) directory.#removed.add(id);
    return directory;
  }
}

function decodeMembers(bytes: Uint8Array): readonly DirectoryMember[] {
  return (JSON.parse(new TextDecoder().decode(bytes)) as readonly RecordedMember[]).map(complete);
}

function complete(member: RecordedMember): DirectoryMember {
  const { peerUrls = urlsOf(member.peerAddress), clientUrls = urlsOf(member.clientAddress) } = member;
  return { ...member, peerUrls, clientUrls };
}
