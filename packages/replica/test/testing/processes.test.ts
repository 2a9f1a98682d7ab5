/** The harness itself, with a stand-in for a member: a process that answers one path. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ConditionTimeout, freePorts, ProcessCluster, ProcessMember, waitUntil } from '../../src/testing/processes.js';

const STAND_IN = `
  const [address] = process.argv.slice(1);
  require('node:http')
    .createServer((request, response) => response.end('here'))
    .listen(Number(address.split(':')[1]), '127.0.0.1', () => console.log('listening'));
`;

const folder = mkdtempSync(path.join(tmpdir(), 'quorate-harness-'));
const members: ProcessMember[] = [];

async function standIn(script: string): Promise<ProcessMember> {
  const [port = 0, peerPort = 0] = await freePorts(2);
  const address = `127.0.0.1:${port}`;
  const member = new ProcessMember({
    name: 'stand-in',
    address,
    peerAddress: `127.0.0.1:${peerPort}`,
    dataFolder: path.join(folder, String(port)),
    command: [process.execPath, '-e', script, address],
    workingFolder: folder,
  });
  members.push(member);
  return member;
}

describe('a member as a process', () => {
  after(async () => {
    await Promise.all(members.map((member) => member.kill('SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  });

  it('is started, killed and started again, and keeps its log', async () => {
    const member = await standIn(STAND_IN);
    member.start();
    await member.waitReady();
    await member.waitLog(/listening/);
    assert.throws(() => member.start(), /running already/);
    assert.deepEqual(await member.kill('SIGKILL'), { code: null, signal: 'SIGKILL' });
    assert.equal(member.isRunning, false);
    const since = member.logPosition;
    member.start();
    await member.waitLog(/listening/, since);
    assert.deepEqual(await member.kill('SIGTERM'), { code: null, signal: 'SIGTERM' });
  });

  it('answers nothing while it is paused, and the rest when it goes on', async () => {
    const member = await standIn(STAND_IN);
    member.start();
    await member.waitReady();
    member.pause();
    assert.equal(member.isRunning, true);
    assert.equal(member.isUp, false);
    const impatient = await member.call({ method: 'GET', path: '/', timeoutMs: 50 });
    assert.equal(impatient.kind, 'lost');
    const patient = member.call({ method: 'GET', path: '/' });
    member.resume();
    assert.deepEqual(await patient, { kind: 'answer', status: 200, body: 'here' });
  });

  it('tells a call that was refused from one that was lost', async () => {
    const member = await standIn(STAND_IN);
    assert.equal((await member.call({ method: 'GET', path: '/' })).kind, 'refused');
  });

  it('says at once, with its last words, that it ended before it was ready', async () => {
    const member = await standIn(`console.error('no luck today'); process.exit(3);`);
    member.start();
    await assert.rejects(member.waitReady(), /ended before it was ready[^]*no luck today[^]*exit code 3/);
    assert.deepEqual(await member.exited, { code: 3, signal: null });
  });
});

describe('waiting for a condition', () => {
  it('ends with what was waited for, the evidence and the last error', async () => {
    const vain = waitUntil(() => Promise.reject(new Error('not there')), 'the impossible', {
      timeoutMs: 20,
      evidence: () => 'what the members said',
    });
    await assert.rejects(vain, (error) => {
      assert.ok(error instanceof ConditionTimeout);
      assert.match(error.message, /the impossible\nwhat the members said/);
      assert.match(String(error.cause), /not there/);
      return true;
    });
  });
});

describe('a cluster of processes', () => {
  it('leaves nothing behind when its members do not start', async () => {
    const cluster = await ProcessCluster.create({ size: 2, command: () => [process.execPath, '-e', ''] });
    assert.equal(existsSync(path.join(cluster.folder, 'node1.env')), true);
    for (const member of cluster.members) member.start();
    await assert.rejects(cluster.waitReady(), /ended before it was ready/);
    await cluster.stop();
    assert.equal(existsSync(cluster.folder), false);
  });

  it('gives its members ports that nobody else has', async () => {
    const ports = [...(await freePorts(20)), ...(await freePorts(20))];
    assert.equal(new Set(ports).size, 40);
    // Another test file at the same time, whose process looks for a place where this one did.
    const module = new URL('../../src/testing/free-ports.js', import.meta.url).href;
    const script =
      `Object.defineProperty(process, 'pid', { value: ${process.pid} });` +
      `const { freePorts } = await import(${JSON.stringify(module)}); console.log(JSON.stringify(await freePorts(80)));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
    const others = JSON.parse(stdout) as number[];
    assert.equal(new Set([...ports, ...others]).size, 120);
  });
});
