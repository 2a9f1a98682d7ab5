/** What a member tells the cluster about itself. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DirectoryMember } from '../../src/replica/directory.js';
import { publicationOf } from '../../src/replica/publishing.js';

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

describe('a member that joined by its own call', () => {
  it('publishes what has changed, its peer address among it', () => {
    assert.equal(publicationOf(self, known), undefined);
    const moved = publicationOf({ ...self, peerAddress: 'peer:2' }, known);
    assert.equal(moved?.peerAddress, 'peer:2');
    assert.equal(publicationOf({ ...self, clientUrls: ['http://x:1'] }, known)?.clientUrls?.[0], 'http://x:1');
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
});
