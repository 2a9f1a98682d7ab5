/**
 * Checks what linters cannot: that rooms import only from the rooms below them, that every invariant which code or a test
 * cites exists in docs/invariants.md, and that every invariant there is cited by a test.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** A room's folder, and what its files may import besides their own folder: folders or packages. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'packages/raft/src': [],
  'packages/proto/src': [],
  'packages/replica/src/seams': [],
  'packages/replica/src/store': ['packages/replica/src/seams'],
  'packages/replica/src/watch': ['packages/replica/src/store', 'packages/replica/src/seams'],
  'packages/replica/src/wal': ['packages/replica/src/seams', '@quorate/raft'],
  'packages/replica/src/wire': ['packages/replica/src/seams', '@quorate/raft'],
  'packages/replica/src/replica': [
    'packages/replica/src/seams',
    'packages/replica/src/store',
    'packages/replica/src/watch',
    'packages/replica/src/wal',
    'packages/replica/src/wire',
    '@quorate/raft',
  ],
};

/** The log writes Raft's entries and the wire carries Raft's messages: they know the vocabulary, as types and nothing else. */
const TYPES_ONLY: Readonly<Record<string, string>> = {
  'packages/replica/src/wal': '@quorate/raft',
  'packages/replica/src/wire': '@quorate/raft',
};

const problems: string[] = [];

function sources(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const at = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return ['node_modules', 'dist'].includes(entry.name) ? [] : sources(at);
    return entry.name.endsWith('.ts') ? [at] : [];
  });
}

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

function checkRooms(): void {
  for (const [room, allowed] of Object.entries(ROOMS)) {
    for (const file of sources(room)) {
      for (const [statement, specifier = ''] of read(file).matchAll(
        /^(?:import|export)\s[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'/gm,
      )) {
        const target = specifier.startsWith('.')
          ? path.posix.join(path.posix.dirname(file), specifier)
          : specifier.replace(/^(@[^/]+\/[^/]+|[^/@][^/]*).*$/, '$1');
        const isAllowed = [room, ...allowed].some((place) => target === place || target.startsWith(`${place}/`));
        if (!isAllowed) problems.push(`${file}: ${room} may not import ${specifier}`);
        const isTypesOnly = TYPES_ONLY[room] === target && !/^(?:import|export)\s+type\s/.test(statement);
        if (isTypesOnly) problems.push(`${file}: ${room} may import only types from ${specifier}`);
      }
    }
  }
}

/** Invariants are cited by a letter and a number in brackets, in code and in the names of tests. */
const CITATION = /\[([A-Z]{1,2}\d{1,3})\]/g;

function checkInvariants(): void {
  const document = 'docs/invariants.md';
  const defined = new Set(
    [...read(document).matchAll(/^- \*\*\[([A-Z]{1,2}\d{1,3})\]\*\*/gm)].map(([, id = '']) => id),
  );
  const tested = new Set<string>();
  for (const file of [...sources('packages'), ...sources('tools')]) {
    for (const [, id = ''] of read(file).matchAll(CITATION)) {
      if (!defined.has(id)) problems.push(`${file}: cites [${id}], which ${document} does not define`);
      if (/\/test\/|\/testing\//.test(file)) tested.add(id);
    }
  }
  for (const id of defined) {
    if (!tested.has(id)) problems.push(`${document}: no test cites [${id}]`);
  }
}

checkRooms();
checkInvariants();
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
