/**
 * A CPU profile of V8 as a tree of calls, and where its samples lie by room: a package, a folder of one, a part of Node.
 *
 * Samples are counted, not the times between them: a thread that waits for a core is sampled once when it gets one, however long that
 * took, and processor time is what is asked for.
 */
import type { Profiler } from 'node:inspector';

/** In the order of a call's way through a member. */
export const ROOMS = [
  'grpc',
  'proto',
  'server',
  'replica',
  'raft',
  'store',
  'watch',
  'wal',
  'wire',
  'socket writes',
  'streams, net',
  'fs',
  'node',
  'collection',
  'kernel, libuv',
] as const;
export type Room = (typeof ROOMS)[number];

/** The first that matches the address of a function's file decides. The adapters belong to the rooms that they serve. */
const ROOM_OF_FILE: readonly (readonly [RegExp, Room])[] = [
  [/\/grpc\/dist\//, 'grpc'],
  [/\/proto\/dist\//, 'proto'],
  [/\/server\/dist\//, 'server'],
  [/\/raft\/dist\//, 'raft'],
  [/\/replica\/dist\/src\/store\//, 'store'],
  [/\/replica\/dist\/src\/watch\//, 'watch'],
  [/\/replica\/dist\/src\/(?:wal|adapters\/(?:file-disk|path-order))\b/, 'wal'],
  [/\/replica\/dist\/src\/(?:wire|adapters\/(?:tcp-|frame-queue))/, 'wire'],
  [/\/replica\/dist\//, 'replica'],
  [/^node:(?:internal\/streams?|net$|internal\/net|events$)/, 'streams, net'],
  [/^node:(?:internal\/)?fs/, 'fs'],
];

/** What V8 puts in the place of a function when none runs. */
const NO_FUNCTION: Readonly<Record<string, Room>> = {
  '(garbage collector)': 'collection',
  '(program)': 'kernel, libuv',
};
const IDLE = '(idle)';
export const ANONYMOUS = '(anonymous)';

export interface Call {
  readonly name: string;
  /** File and line; empty for what is not JavaScript. */
  readonly place: string;
  readonly room: Room;
  /** Samples in the function itself. */
  readonly self: number;
  /** Samples in it and in what it calls. */
  readonly total: number;
  /** The largest first. */
  readonly calls: readonly Call[];
}

export interface CallTree {
  /** All that is not idle. */
  readonly root: Call;
  /** Samples while the thread waited for events. */
  readonly idle: number;
}

export function callTree(profile: Profiler.Profile): CallTree {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  let idle = 0;
  const read = (
    node: Profiler.ProfileNode,
    caller: { readonly room: Room; readonly url: string },
  ): Call | undefined => {
    const { functionName, lineNumber } = node.callFrame;
    const self = node.hitCount ?? 0;
    if (functionName === IDLE) {
      idle += self;
      return undefined;
    }
    const isNative = node.callFrame.url === '';
    const url = isNative ? caller.url : node.callFrame.url;
    const room = NO_FUNCTION[functionName] ?? (isNative ? nativeRoom(caller) : roomOf(url));
    const calls = (node.children ?? [])
      .flatMap((id) => read(nodes.get(id) as Profiler.ProfileNode, { room, url }) ?? [])
      .toSorted((a, b) => b.total - a.total);
    const total = calls.reduce((sum, call) => sum + call.total, self);
    const place = isNative ? '' : `${shortened(url)}:${lineNumber + 1}`;
    return { name: functionName === '' ? ANONYMOUS : functionName, place, room, self, total, calls };
  };
  const root = read(profile.nodes[0] as Profiler.ProfileNode, { room: 'node', url: '' });
  if (root === undefined) throw new Error('a profile begins with its root');
  return { root: { ...root, name: '(all but idle)' }, idle };
}

function roomOf(url: string): Room {
  return ROOM_OF_FILE.find(([file]) => file.test(url))?.[1] ?? 'node';
}

/** Native functions count as their caller's, but for the system calls of sockets, which are worth a room of their own. */
function nativeRoom(caller: { readonly room: Room; readonly url: string }): Room {
  return caller.url === 'node:internal/stream_base_commons' ? 'socket writes' : caller.room;
}

function shortened(url: string): string {
  return url.replace(/^.*\/packages\//, '').replace('/dist/src/', '/');
}

/** Of all samples that are not idle, the part in each room; the parts add up to 1. */
export function roomShares({ root }: CallTree): ReadonlyMap<Room, number> {
  const samples = new Map<Room, number>(ROOMS.map((room) => [room, 0]));
  const add = (call: Call): void => {
    samples.set(call.room, (samples.get(call.room) ?? 0) + call.self);
    for (const one of call.calls) add(one);
  };
  add(root);
  return new Map([...samples].map(([room, count]) => [room, count / Math.max(1, root.total)]));
}
