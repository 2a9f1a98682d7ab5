/** Linearizable reads: who shares a read index, and when a read may be served. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Reads } from '../../src/replica/reads.js';

const FIRST_CONTEXT = 100;
const FAR = 1_000;

function setUp(): { reads: Reads; contexts: number[]; answers: string[]; source: { leads: boolean } & Source } {
  const contexts: number[] = [];
  const source = {
    leads: true,
    readIndex(context: number): boolean {
      if (source.leads) contexts.push(context);
      return source.leads;
    },
  };
  return { reads: new Reads(FIRST_CONTEXT, { faulted: assert.fail }), contexts, answers: [], source };
}

interface Source {
  readIndex(context: number): boolean;
}

describe('Reads', () => {
  it('[R1] shares one read index among the reads of a turn', () => {
    const { reads, contexts, answers, source } = setUp();
    for (const name of ['a', 'b', 'c']) reads.add((result) => answers.push(`${name} ${result.ok}`), FAR);
    reads.issue(source, 1);
    assert.equal(contexts.length, 1);
    reads.confirm({ context: contexts[0] ?? 0, index: 5 });
    reads.release(5);
    assert.deepEqual(answers, ['a true', 'b true', 'c true']);
  });

  it('[R2] serves nothing before the index is applied', () => {
    const { reads, contexts, answers, source } = setUp();
    reads.add(() => answers.push('served'), FAR);
    reads.issue(source, 1);
    reads.confirm({ context: contexts[0] ?? 0, index: 5 });
    reads.release(4);
    assert.deepEqual(answers, []);
    reads.release(6);
    assert.deepEqual(answers, ['served']);
  });

  it('[R1] never lets a read join a question that was asked before it arrived', () => {
    const { reads, contexts, answers, source } = setUp();
    reads.add(() => answers.push('early'), FAR);
    reads.issue(source, 1);
    reads.add(() => answers.push('late'), FAR);
    reads.confirm({ context: contexts[0] ?? 0, index: 5 });
    reads.release(5);
    assert.deepEqual(answers, ['early']);
  });

  it('[R3] asks again under a new context, and takes no answer to the old one', () => {
    const { reads, contexts, answers, source } = setUp();
    reads.add(() => answers.push('served'), FAR);
    reads.issue(source, 1);
    reads.reissue(2);
    reads.issue(source, 2);
    assert.equal(new Set(contexts).size, 2);
    reads.confirm({ context: contexts[0] ?? 0, index: 1 });
    reads.release(9);
    assert.deepEqual(answers, []);
    reads.confirm({ context: contexts[1] ?? 0, index: 1 });
    reads.release(9);
    assert.deepEqual(answers, ['served']);
  });

  it('keeps reads waiting while no leader is known, and ends them when told', () => {
    const { reads, answers, source } = setUp();
    source.leads = false;
    reads.add((result) => answers.push(result.ok ? 'served' : result.code), FAR);
    reads.issue(source, 1);
    assert.equal(reads.hasWaiting, true);
    reads.failWaiting();
    assert.deepEqual(answers, ['no-leader']);
    assert.equal(reads.pending, 0);
  });

  it('ends a read when its time is up, wherever it stands', () => {
    const { reads, contexts, answers, source } = setUp();
    const add = (): void => reads.add((result) => answers.push(result.ok ? 'served' : result.code), 10);
    add();
    reads.issue(source, 1);
    reads.confirm({ context: contexts[0] ?? 0, index: 50 });
    add();
    reads.issue(source, 2);
    add();
    reads.expire(10);
    assert.deepEqual(answers, ['timeout', 'timeout', 'timeout']);
    reads.release(50);
    assert.equal(answers.length, 3);
    assert.equal(reads.pending, 0);
  });

  it('ends a read whose question is never answered, however often it is asked again', () => {
    const { reads, contexts, answers, source } = setUp();
    reads.add((result) => answers.push(result.ok ? 'served' : result.code), 10);
    // As a member does it: each tick ends what is late and takes back what is old, and its turn asks anew.
    for (let tick = 1; tick <= 10; tick++) {
      reads.expire(tick);
      reads.reissue(tick - 2);
      reads.issue(source, tick);
    }
    assert.ok(contexts.length > 1);
    assert.deepEqual(answers, ['timeout']);
    assert.equal(reads.pending, 0);
    for (const context of contexts) reads.confirm({ context, index: 1 });
    reads.release(1);
    assert.equal(answers.length, 1);
  });

  it('keeps those of a question that have time left', () => {
    const { reads, contexts, answers, source } = setUp();
    for (const deadlineTick of [10, FAR]) {
      reads.add((result) => answers.push(result.ok ? 'served' : result.code), deadlineTick);
    }
    reads.issue(source, 1);
    reads.expire(10);
    reads.confirm({ context: contexts[0] ?? 0, index: 1 });
    reads.release(1);
    assert.deepEqual(answers, ['timeout', 'served']);
    assert.equal(reads.pending, 0);
  });

  it('ends every read when the member stops', () => {
    const { reads, contexts, answers, source } = setUp();
    const add = (): void => reads.add((result) => answers.push(result.ok ? 'served' : result.code), FAR);
    add();
    reads.issue(source, 1);
    reads.confirm({ context: contexts[0] ?? 0, index: 50 });
    add();
    reads.issue(source, 2);
    add();
    reads.failAll({ ok: false, code: 'stopped', outcome: 'rejected', message: '' });
    assert.deepEqual(answers, ['stopped', 'stopped', 'stopped']);
    assert.equal(reads.pending, 0);
  });
});
