/** The same random requests to a real etcd and to Quorate: every field of every answer is the same. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyRequestStatuses } from './differential/empty-requests.js';
import { DifferentialSession } from './differential/session.js';
import { GrpcClient } from './support/grpc-client.js';
import { ForeignSystem } from './support/systems.js';
import { optionalTool } from './support/tools.js';

const REQUESTS = 3_000;

describe('beside a real etcd', () => {
  it('answers random requests, and tells watches of them, exactly as etcd does', async (t) => {
    if (!(await optionalTool(t, 'etcd'))) return;
    const seed = Math.floor(Math.random() * 2 ** 31);
    const systems = await Promise.all([ForeignSystem.start('etcd'), ForeignSystem.start('quorate')]);
    try {
      const [etcd = '', quorate = ''] = systems.map(({ endpoints }) => endpoints);
      const result = await new DifferentialSession(etcd, quorate, { seed, requests: REQUESTS }).run();
      const replay = `node packages/server/dist/test/foreign/differential/bin.js --seed ${seed} --requests ${REQUESTS}`;
      assert.deepEqual(result.differences, [], `replay: ${replay}`);
      // It asked for something: most requests are sound, and some are not.
      assert.ok(result.refused > REQUESTS / 50 && result.refused < REQUESTS / 2, `${result.refused} refused`);
    } finally {
      await Promise.all(systems.map((system) => system.stop()));
    }
  });

  it('answers an empty request of every method as etcd does', async (t) => {
    if (!(await optionalTool(t, 'etcd'))) return;
    const systems = await Promise.all([ForeignSystem.start('etcd'), ForeignSystem.start('quorate')]);
    const clients = systems.map(({ endpoints }) => new GrpcClient(endpoints));
    try {
      const [etcd, quorate] = await Promise.all(clients.map(emptyRequestStatuses));
      assert.deepEqual(quorate, etcd);
    } finally {
      for (const client of clients) client.close();
      await Promise.all(systems.map((system) => system.stop()));
    }
  });
});
