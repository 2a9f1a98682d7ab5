/** Whose a data folder is: written, replaced, damaged. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodePlatform } from '../../src/adapters/platform.js';
import { IDENTITY_FILE, type Identity, readIdentity, WalError, writeIdentity } from '../../src/wal/wal.js';
import { World } from './support.js';

const IDENTITY: Identity = { clusterId: 2 ** 52 + 1, memberId: 17, name: 'a "näme" \u{1f600}\n', instance: 'f00d' };

function write(world: World, identity: Identity): void {
  world.succeed((done) => writeIdentity(world.disk, nodePlatform, identity, done));
}

describe('identity of a data folder', () => {
  test('a fresh folder has none', () => {
    assert.equal(readIdentity(new World().disk, nodePlatform), undefined);
  });

  test('is there after the power was cut, and can be replaced', () => {
    const world = new World();
    write(world, { ...IDENTITY, clusterId: 0, memberId: 0 });
    write(world, IDENTITY);
    world.disk = world.disk.crash();
    assert.deepEqual(readIdentity(world.disk, nodePlatform), IDENTITY);
    const text = new TextDecoder().decode(world.disk.read(IDENTITY_FILE, 0, 1000));
    assert.equal((JSON.parse(text) as Identity).name, IDENTITY.name);
  });

  test('cut at any point of being replaced, it is the old or the new one', () => {
    const next = { ...IDENTITY, memberId: 18 };
    for (let seed = 1; seed < 60; seed += 1) {
      const world = new World(seed);
      write(world, IDENTITY);
      writeIdentity(world.disk, nodePlatform, next, () => {});
      world.scheduler.steps(seed % 13);
      const found = readIdentity(world.disk.crash(), nodePlatform);
      assert.ok(found?.memberId === 17 || found?.memberId === 18);
    }
  });

  test('a damaged bit anywhere is refused', () => {
    const world = new World();
    write(world, IDENTITY);
    for (let offset = 0; offset < world.disk.size(IDENTITY_FILE); offset += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        world.disk.flipBit(IDENTITY_FILE, offset, bit);
        assert.throws(() => readIdentity(world.disk, nodePlatform), WalError, `bit ${bit} of byte ${offset}`);
        world.disk.flipBit(IDENTITY_FILE, offset, bit);
      }
    }
  });

  test('a later format version is refused by its number, an empty file as damaged', () => {
    const world = new World();
    const text = new TextEncoder().encode('{ "formatVersion": 2, "new": true }');
    world.succeed((done) => world.disk.create(IDENTITY_FILE, 0, done));
    assert.throws(() => readIdentity(world.disk, nodePlatform), /identity\.json at byte 0: not JSON/);
    world.succeed((done) => world.disk.write(IDENTITY_FILE, 0, [text], done));
    assert.throws(() => readIdentity(world.disk, nodePlatform), /format version 2, this program reads 1/);
  });
});
