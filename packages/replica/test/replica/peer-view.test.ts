/** What a member tells somebody about the id that he would have. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMPTY_CONFIG, type Entry, type EntryType } from '@quorate/raft';
import { Directory, encodeMembers, encodePublication } from '../../src/replica/directory.js';
import { peerViewOf, tracesIn } from '../../src/replica/peer-view.js';

type Traced = Parameters<typeof tracesIn>[0];

const own = { clusterId: 77, memberId: 1 };

function directoryOf(...ids: readonly number[]): Directory {
  const members = ids.map((id) => ({
    id,
    name: `n${id}`,
    peerAddress: `host:${id}`,
    clientAddress: '',
    instance: '',
    promoteWhenCaughtUp: false,
  }));
  const directory = new Directory();
  const config = { ...EMPTY_CONFIG, voters: ids };
  directory.applyConfigChange({ changes: [], transition: 'auto', context: encodeMembers(members) }, config);
  return directory;
}

/** A member that has these in its log, of which it has applied `applied`. */
function traced(vote: number, applied: number, contents: readonly Uint8Array[], type: EntryType = 'normal'): Traced {
  const entry = (index: number): Entry => ({ index, term: 1, type, data: contents[index - 1] as Uint8Array });
  return { core: { vote, log: { applied, entry, lastIndex: contents.length } } };
}

function startedIn(directory: Directory, heardOf: readonly number[]): readonly number[] {
  const { members } = peerViewOf(own, directory, heardOf, 2);
  return members.filter(({ isStarted }) => isStarted).map(({ id }) => id);
}

describe('a member is told to be started', () => {
  it('when the directory says so', () => {
    const directory = directoryOf(1, 2, 3);
    assert.deepEqual(startedIn(directory, []), []);
    directory.applyPublication({ id: 2, instance: 'folder' });
    directory.applyPublication({ id: 3, clientUrls: ['http://host:3'] });
    assert.deepEqual(startedIn(directory, []), [2, 3]);
  });

  it('when it was heard of', () => {
    assert.deepEqual(startedIn(directoryOf(1, 2, 3), [3]), [3]);
  });
});

describe('[M4] traces of members', () => {
  const command = Uint8Array.of(1, 2, 3);

  it('are votes given', () => {
    assert.deepEqual(tracesIn(traced(2, 0, [])), [2]);
  });

  it('are publications in the log that are not applied, as after a restart that has forgotten what is committed', () => {
    const published = encodePublication({ id: 2, instance: 'folder' });
    const addressed = encodePublication({ id: 3, clientUrls: ['http://host:3'] });
    assert.deepEqual(tracesIn(traced(0, 1, [command, published, new Uint8Array(0), addressed])), [0, 2, 3]);
    assert.deepEqual(tracesIn(traced(0, 2, [command, published])), [0], 'what is applied stands in the directory');
  });

  it('are not what an operator has published of another, nor what looks like a publication', () => {
    const moved = encodePublication({ id: 2, peerUrls: ['http://host:9'] });
    assert.deepEqual(tracesIn(traced(0, 0, [moved])), [0]);
    assert.deepEqual(tracesIn(traced(0, 0, [Uint8Array.of(0xfe)], 'config')), [0]);
  });
});
