/** What a member tells the cluster about itself, and when it finds that it is not who it thinks. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConfigState } from '@quorate/raft';
import { Directory, type DirectoryMember, encodeMembers } from '../../src/replica/directory.js';
import { impostorOf, publicationOf } from '../../src/replica/publishing.js';

const known: DirectoryMember = {
  id: 2,
  name: 'b',
  peerAddress: 'peer:1',
  clientAddress: 'client:1',
  instance: 'folder',
  promoteWhenCaughtUp: false,
  peerUrls: ['http://peer:1'],
  clientUrls: ['http://client:1'],
};
const self = { memberId: 2, name: 'b', peerAddress: 'peer:1', clientAddress: 'client:1' };

function directoryWith(member: DirectoryMember): Directory {
  const config: ConfigState = { voters: [2], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  const directory = new Directory();
  directory.applyConfigChange({ changes: [], transition: 'auto', context: encodeMembers([member]) }, config);
  return directory;
}

describe('a member that joined by its own call', () => {
  it('publishes what has changed, its peer address among it', () => {
    assert.equal(publicationOf(self, known), undefined);
    const moved = publicationOf({ ...self, peerAddress: 'peer:2' }, known);
    assert.equal(moved?.peerAddress, 'peer:2');
    assert.equal(publicationOf({ ...self, clientUrls: ['http://x:1'] }, known)?.clientUrls?.[0], 'http://x:1');
  });

  it('does not look for an impostor: its folder was known before its id', () => {
    assert.equal(impostorOf(self, directoryWith({ ...known, instance: 'another' })), undefined);
  });
});

describe('a member whose id was given before its folder was there', () => {
  const given = { ...self, folderOfGivenId: 'folder' };

  it('takes the id for its folder, and leaves its peer URLs to the directory', () => {
    const said = publicationOf(given, { ...known, name: '', instance: '', clientAddress: '', clientUrls: [] });
    assert.deepEqual(said, {
      id: 2,
      name: 'b',
      clientAddress: 'client:1',
      clientUrls: ['http://client:1'],
      instance: 'folder',
    });
    assert.equal(publicationOf({ ...given, peerAddress: 'peer:2' }, known), undefined);
  });

  it('[M4] stops where another folder has the id', () => {
    assert.equal(impostorOf(given, directoryWith(known)), undefined);
    assert.equal(impostorOf(given, directoryWith({ ...known, instance: '' })), undefined);
    assert.equal(impostorOf(given, new Directory()), undefined);
    const found = impostorOf(given, directoryWith({ ...known, instance: 'another' }));
    assert.equal(found?.code, 'data-folder');
    assert.match(found?.message ?? '', /member 2 has already been bootstrapped/);
  });
});
