/** A data folder belongs to one member, and to one process at a time. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePorts, type ProcessCluster, ProcessMember } from '@quorate/replica/testing';
import { expectStatus, serveCommand, startCluster } from './support.js';

describe('a data folder', () => {
  let cluster: ProcessCluster;
  const others: ProcessMember[] = [];
  before(async () => {
    cluster = await startCluster({ size: 1 });
  });
  after(async () => {
    await Promise.all(others.map((other) => other.kill('SIGKILL')));
    await cluster?.stop();
  });

  /** Another process on the folder of node1, under that name. */
  async function intruder(name: string): Promise<ProcessMember> {
    const owner = cluster.member('node1');
    const [httpPort = 0, peerPort = 0] = await freePorts(2);
    const address = `127.0.0.1:${httpPort}`;
    const peerAddress = `127.0.0.1:${peerPort}`;
    const settings = {
      'server-address': address,
      'service-raft-addr': peerAddress,
      'service-raft-store-dir': owner.dataFolder,
      'service-raft-node-id': name,
      'service-raft-leader': 'true',
      'quorate-log-format': 'text',
    };
    const flags = Object.entries(settings).flatMap(([flag, value]) => [`--${flag}`, value]);
    const member = new ProcessMember({
      name,
      address,
      peerAddress,
      dataFolder: owner.dataFolder,
      command: [...serveCommand(), ...flags],
      workingFolder: path.dirname(owner.dataFolder),
    });
    others.push(member);
    return member;
  }

  it('is locked against a second process while the first one runs', async () => {
    const second = await intruder('node1');
    second.start();
    const exit = await second.waitExit();
    assert.notEqual(exit.code, 0);
    assert.match(second.logText(10), /in use|locked/);
    assert.ok(second.logText(10).includes(cluster.member('node1').dataFolder), second.logText(10));
    const owner = cluster.member('node1');
    expectStatus(await owner.call({ method: 'PUT', path: '/key/a', body: { value: 'b' } }), 201);
  });

  it('is free again after kill -9, but not for a member of another name', async () => {
    const owner = cluster.member('node1');
    await owner.kill('SIGKILL');
    const stranger = await intruder('stranger');
    stranger.start();
    const exit = await stranger.waitExit();
    assert.notEqual(exit.code, 0);
    assert.match(stranger.logText(10), /belongs to member "node1", it cannot be started as "stranger"/);
    owner.start();
    await cluster.waitReady();
    const read = await owner.call({ method: 'GET', path: '/key/a' });
    assert.equal(read.kind === 'answer' && read.body, '{ "a" : "b" }');
  });
});
