/** The settings that an embedder gives: what they become, and what is refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QuorateError } from '../src/index.js';
import { type OpenOptions, settle } from '../src/options.js';

function settled(options: Partial<OpenOptions>): ReturnType<typeof settle> {
  return settle({ dir: 'unused', ...options });
}

describe('settings', () => {
  it('cut time into ticks of whole milliseconds, since timers drop fractions', () => {
    for (let heartbeatMs = 5; heartbeatMs <= 120; heartbeatMs += 1) {
      const electionMs = 5 * heartbeatMs + 3;
      const { tickMs, heartbeatTicks, electionTicks } = settled({ heartbeatMs, electionMs });
      assert.ok(Number.isSafeInteger(tickMs) && tickMs >= 1, `${tickMs} ms for ${heartbeatMs}`);
      assert.ok(heartbeatTicks >= 5);
      assert.ok(Math.abs(heartbeatTicks * tickMs - heartbeatMs) <= tickMs / 2);
      assert.ok(Math.abs(electionTicks * tickMs - electionMs) <= tickMs / 2);
    }
  });

  it('are integers', () => {
    const numbers = ['heartbeatMs', 'electionMs', 'requestTimeoutMs', 'priority', 'historyRetentionRevisions'] as const;
    for (const name of numbers) {
      for (const value of [1000.5, Number.NaN, Number.POSITIVE_INFINITY, -1]) {
        assert.throws(
          () => settled({ [name]: value }),
          (error) =>
            error instanceof QuorateError &&
            error.message.includes(`${name} is`) &&
            error.message.includes('an integer from'),
          `${name}: ${value}`,
        );
      }
    }
  });

  it('are of their kind, also where the caller has no types', () => {
    const dir = 'unused';
    const listen = '127.0.0.1:0';
    const cluster = { token: 't', members: [{ name: 'a', peerUrls: ['http://a:1'] }], state: 'new' };
    const wrong: readonly (readonly [string, unknown])[] = [
      ['dir is undefined; allowed: the path of a folder', undefined],
      ['dir is undefined', null],
      ['dir is undefined', {}],
      ['dir is 5', { dir: 5 }],
      ["dir is ''", { dir: '' }],
      ["dir is 'a\\\\x00b'", { dir: 'a\0b' }],
      ['name is 5; allowed: a text', { dir, name: 5 }],
      ['peer is null', { dir, peer: null }],
      ['peer.listen is undefined; allowed: host:port', { dir, peer: {} }],
      ["peer.listen is 'foo'; allowed: host:port or .* from 0 to 65535", { dir, peer: { listen: 'foo' } }],
      ["peer.listen is ':1'", { dir, peer: { listen: ':1' } }],
      ["peer.advertise is 'foo:0'; allowed: .* from 1 to 65535", { dir, peer: { listen, advertise: 'foo:0' } }],
      ["peer.alsoListen is 'foo:1'; allowed: a list", { dir, peer: { listen, alsoListen: 'foo:1' } }],
      ["peer.alsoListen is 'foo'; allowed: host:port", { dir, peer: { listen, alsoListen: ['a:1', 'foo'] } }],
      ['clientAddress is 8888', { dir, clientAddress: 8888 }],
      ["awaitDisk is 'often'; allowed: brief or never", { dir, awaitDisk: 'often' }],
      ["clientUrls is 'http://a:1'; allowed: a list", { dir, clientUrls: 'http://a:1' }],
      ["cluster is 'a'; allowed: an object", { dir, cluster: 'a' }],
      ['cluster.token is undefined', { dir, cluster: { ...cluster, token: undefined } }],
      ["cluster.state is 'old'; allowed: new or existing", { dir, cluster: { ...cluster, state: 'old' } }],
      ['cluster.members is \\[ null ]', { dir, cluster: { ...cluster, members: [null] } }],
      ["forceNewCluster is 'no'; allowed: true or false", { dir, forceNewCluster: 'no' }],
      ['signal is {}; allowed: an AbortSignal', { dir, signal: {} }],
      ["join is 'a:1'; allowed: a function", { dir, join: 'a:1' }],
      ['trace is null', { dir, trace: null }],
      ['priority is 5n; allowed: an integer', { dir, priority: 5n }],
    ];
    for (const [message, options] of wrong) {
      assert.throws(() => settle(options as OpenOptions), {
        name: 'QuorateError',
        code: 'invalid-argument',
        outcome: 'invalid',
        message: new RegExp(`^${message}`),
      });
    }
    settle({ dir, peer: { listen, advertise: '[::1]:1', alsoListen: ['a:1'] }, signal: AbortSignal.abort() });
  });

  it('are one of those that there are', () => {
    const wrong = [{ reads: 'fast' }, { historyMode: 'never' }] as unknown as readonly Partial<OpenOptions>[];
    for (const options of wrong) {
      assert.throws(() => settled(options), { name: 'QuorateError', code: 'invalid-argument' });
    }
  });
});
