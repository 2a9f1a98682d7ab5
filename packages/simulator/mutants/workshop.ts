/**
 * A private copy of the compiled packages, in a temporary folder, in which mutants are planted one after the other.
 *
 *     <temporary>/packages/raft, replica, simulator ...     compiled, with their tests
 *     <temporary>/node_modules/@quorate/*                   links to these
 *
 * The working tree is only read.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.js';

/** The repository; this file runs from packages/simulator/dist/mutants. */
export const ROOT: string = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..');

/** By folder: their names. */
const PACKAGES = {
  raft: '@quorate/raft',
  replica: '@quorate/replica',
  simulator: '@quorate/simulator',
  proto: '@quorate/proto',
  grpc: '@quorate/grpc',
  client: '@quorate/client',
  server: 'quorate',
} as const;
/** What a package is made of, as far as running it and its tests goes. */
const PARTS = ['package.json', 'dist/src', 'dist/test', 'test'] as const;
/** What the tests need besides. */
const LIBRARIES = ['fast-check', '@grpc/grpc-js', 'pino', 'prom-client', 'commander'] as const;

/** The changed text of each file that the mutant changes. Throws if it does not fit the compiled code under `root`. */
export function changedFiles(root: string, { name, edits }: Mutant): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const before = texts.get(file) ?? readFileSync(path.join(root, file), 'utf8');
    const parts = before.split(find);
    if (parts.length !== 2) throw new Error(`mutant ${name}: ${parts.length - 1} places in ${file} hold "${find}"`);
    texts.set(file, parts.join(replace));
  }
  return texts;
}

export class Workshop {
  readonly folder: string;
  readonly #originals = new Map<string, string>();

  constructor() {
    this.folder = mkdtempSync(path.join(tmpdir(), 'quorate-mutants-'));
    const modules = path.join(this.folder, 'node_modules');
    const link = (to: string, name: string): void => {
      mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
      symlinkSync(to, path.join(modules, name));
    };
    for (const [folder, name] of Object.entries(PACKAGES)) {
      const copy = path.join(this.folder, 'packages', folder);
      for (const part of PARTS) {
        cpSync(path.join(ROOT, 'packages', folder, part), path.join(copy, part), { recursive: true });
      }
      link(copy, name);
    }
    for (const name of LIBRARIES) link(path.join(ROOT, 'node_modules', name), name);
  }

  /** Plants the mutant in place of the one before. */
  plant(mutant: Mutant): void {
    this.revert();
    for (const [file, text] of changedFiles(this.folder, mutant)) {
      const at = path.join(this.folder, file);
      this.#originals.set(at, readFileSync(at, 'utf8'));
      writeFileSync(at, text);
    }
  }

  revert(): void {
    for (const [at, text] of this.#originals) writeFileSync(at, text);
    this.#originals.clear();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
