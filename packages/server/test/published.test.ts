/** What npm would publish, unpacked into a folder of its own: it must hold all that it needs, and no more than it declares. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ProcessCluster } from '@quorate/replica/testing';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const MODULES = path.join(ROOT, 'node_modules');

interface Manifest {
  readonly name: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

let folder = '';

/** As the bundler writes them: each on a line, or as a call. */
const IMPORTS = /(?:^(?:import|export)\b[^"\n]*|\bimport\()"([^"\n]+)"/gm;

function installed(...parts: readonly string[]): string {
  return path.join(folder, 'node_modules', ...parts);
}

function manifest(at: string): Manifest {
  return JSON.parse(readFileSync(path.join(at, 'package.json'), 'utf8')) as Manifest;
}

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'quorate-published-'));
  const shell = process.platform === 'win32';
  await promisify(execFile)('npm', ['pack', '--workspaces', '--pack-destination', folder], { cwd: ROOT, shell });
  for (const name of readdirSync(path.join(ROOT, 'packages'))) {
    const published = manifest(path.join(ROOT, 'packages', name)).name;
    const [archive = ''] = readdirSync(folder).filter((file) =>
      new RegExp(`^${published.replace('@', '').replace('/', '-')}-\\d.*\\.tgz$`).test(file),
    );
    mkdirSync(installed(published), { recursive: true });
    execFileSync('tar', ['-xzf', path.join(folder, archive), '--strip-components=1', '-C', installed(published)]);
  }
  for (const name of Object.keys(manifest(installed('quorate')).dependencies ?? {})) {
    if (!name.startsWith('@quorate/')) symlinkSync(path.join(MODULES, name), installed(name), 'junction');
  }
});

after(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string): string {
  return installed('quorate', manifest(installed('quorate')).bin?.[name] ?? 'missing');
}

test('both programs tell their version, and the simulator runs', async () => {
  for (const name of ['quorate', 'quorate-etcd']) {
    const { stdout } = await promisify(execFile)(process.execPath, [program(name), '--version']);
    assert.match(stdout, /\d+\.\d+\.\d+/, name);
  }
  const { stdout } = await promisify(execFile)(process.execPath, [program('quorate'), 'simulate', '--seed', '1']);
  assert.match(stdout, /\b0 failed\b/);
});

test('a member is served by what is published', async () => {
  const cluster = await ProcessCluster.start({
    size: 1,
    command: () => [process.execPath, program('quorate'), 'serve'],
  });
  try {
    const leader = await cluster.leader();
    const metrics = await leader.call({ method: 'GET', path: '/metrics' });
    assert.ok(metrics.kind === 'answer' && metrics.status === 200);
    assert.match(metrics.body, /^quorate_info\{version="/m);
  } finally {
    await cluster.stop();
  }
});

test('the programs import what the package declares, and what is built into Node.js', () => {
  const at = installed('quorate', 'dist', 'programs');
  const declared = Object.keys(manifest(installed('quorate')).dependencies ?? {});
  for (const file of readdirSync(at)) {
    const source = readFileSync(path.join(at, file), 'utf8');
    for (const [, name = ''] of source.matchAll(IMPORTS)) {
      const isOwn = name.startsWith('./');
      const isKnown = isOwn || declared.includes(name) || builtinModules.includes(name.replace(/^node:/, ''));
      assert.ok(isKnown, `${file} imports ${name}`);
      if (isOwn) assert.ok(readdirSync(at).includes(name.slice(2)), `${file} imports ${name}, which is not there`);
    }
  }
});
