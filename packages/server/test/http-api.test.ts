/** The HTTP interface to the letter, in process: the seed's calls and their odd inputs, PUT beside them, errors, cluster and probes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { HttpApi } from '../src/http/api.js';
import type { HttpResponse } from '../src/http/types.js';
import { FakeMember, type Trouble } from './fake-member.js';

const TEXT = 'text/plain; charset=utf-8';
const LIMITS = { keyBytesMax: 100, valueBytesMax: 200, keysMax: 3 };

function setUp(limits = LIMITS): { member: FakeMember; api: HttpApi; faults: unknown[] } {
  const member = new FakeMember();
  const faults: unknown[] = [];
  const api = new HttpApi(member, {
    limits,
    version: { etcdserver: '3.7.1' },
    metrics: { contentType: 'text/plain', render: () => Promise.resolve('x 1\n') },
    onFault: (error) => faults.push(error),
  });
  return { member, api, faults };
}

async function call(
  api: HttpApi,
  method: string,
  path: string,
  body?: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<HttpResponse> {
  return api.handle({ method, path, headers, body: body === undefined ? undefined : Buffer.from(body as string) });
}

const entry = (key: string, value = 'b'): string => JSON.stringify({ key, value });

/** Each row on a store that holds a=b; limits as above. */
const LETTER: readonly (readonly [
  method: string,
  path: string,
  body: string | undefined,
  status: number,
  answer: string,
])[] = [
  ['GET', '/hello', undefined, 200, 'world!'],
  ['POST', '/key', entry('c'), 201, 'key created successfully!'],
  ['POST', '/key', entry('a'), 409, 'key already exists\n'],
  ['POST', '/key', entry('k'.repeat(101)), 400, 'key size exceeded\n'],
  ['POST', '/key', entry('k'.repeat(100)), 201, 'key created successfully!'],
  ['POST', '/key', entry('c', 'v'.repeat(201)), 400, 'value size exceeded\n'],
  ['POST', '/key', entry('c', 'v'.repeat(200)), 201, 'key created successfully!'],
  ['POST', '/key', entry('k'.repeat(101), 'v'.repeat(201)), 400, 'key size exceeded\n'],
  ['POST', '/key', '{', 400, 'Unable to decode body\n'],
  ['GET', '/key/a', undefined, 200, '{ "a" : "b" }'],
  ['GET', '/key/c', undefined, 404, 'key not found\n'],
  ['GET', `/key/${'k'.repeat(101)}`, undefined, 400, 'key size exceeded\n'],
  ['GET', `/key/${'k'.repeat(100)}`, undefined, 404, 'key not found\n'],
  ['DELETE', '/key/a', undefined, 200, 'key deleted successfully'],
  ['DELETE', '/key/c', undefined, 404, 'key not found\n'],
  ['DELETE', `/key/${'k'.repeat(101)}`, undefined, 404, 'key not found\n'],
  ['PUT', '/key/a', '{"value":"c"}', 200, 'key updated successfully!'],
  ['PUT', '/key/c', '{"value":"c"}', 201, 'key created successfully!'],
  ['PUT', '/key/c', '{"value":1}', 400, 'Unable to decode body\n'],
  ['PUT', '/key/c', '{}', 400, 'Unable to decode body\n'],
  ['PUT', `/key/${'k'.repeat(101)}`, '{"value":"c"}', 400, 'key size exceeded\n'],
  ['PUT', '/key/c', JSON.stringify({ value: 'v'.repeat(201) }), 400, 'value size exceeded\n'],
  ['POST', '/register-follower', '{"follower_id":"node2","follower_addr":"localhost:21002"}', 200, 'registered'],
  ['POST', '/register-follower', '{', 400, 'unable to decode body\n'],
  ['POST', '/register-follower', '{"follower_id":1}', 400, 'unable to decode body\n'],
  ['POST', '/register-follower', '{}', 500, 'Registration of Follower failed\n'],
  [
    'POST',
    '/register-follower',
    '{"follower_id":"node1","follower_addr":"localhost:9"}',
    500,
    'Registration of Follower failed\n',
  ],
  ['GET', '/nothing', undefined, 404, '404 page not found\n'],
  ['GET', '/', undefined, 404, '404 page not found\n'],
  ['GET', '/keys', undefined, 404, '404 page not found\n'],
  ['GET', '/key/', undefined, 404, '404 page not found\n'],
  ['GET', '/key/a/b', undefined, 404, '404 page not found\n'],
  ['GET', '/hello/', undefined, 404, '404 page not found\n'],
  ['GET', '/key/%', undefined, 400, 'key is not valid percent-encoding\n'],
  ['GET', '/key/%zz', undefined, 400, 'key is not valid percent-encoding\n'],
  ['GET', '/key/a?consistency=serializable', undefined, 200, '{ "a" : "b" }'],
  ['GET', '/key/a?consistency=linearizable', undefined, 200, '{ "a" : "b" }'],
  ['GET', '/key/a?consistency=maybe', undefined, 400, 'consistency must be linearizable or serializable\n'],
  ['GET', '/key/a?other=1', undefined, 200, '{ "a" : "b" }'],
];

test("every answer of the seed's page is met to the letter", async () => {
  for (const [method, path, body, status, answer] of LETTER) {
    const { api } = setUp();
    await call(api, 'POST', '/key', entry('a'));
    const response = await call(api, method, path, body);
    const what = `${method} ${path} ${body ?? ''}`;
    assert.equal(response.status, status, what);
    assert.equal(response.body, answer, what);
    const type = response.body.startsWith('{') ? 'application/json' : TEXT;
    assert.equal(response.contentType, type, what);
  }
});

test('the map takes as many keys as its limit says, and no more', async () => {
  const { api } = setUp();
  for (const key of ['a', 'b', 'c']) assert.equal((await call(api, 'POST', '/key', entry(key))).status, 201);
  const full = await call(api, 'POST', '/key', entry('d'));
  assert.deepEqual([full.status, full.body], [400, 'max keys exceeded\n']);
  assert.equal((await call(api, 'PUT', '/key/a', '{"value":"c"}')).status, 200);
});

/** Bodies of POST /key and what becomes of them; the key that is then there, and its value. */
const BODIES: readonly (readonly [body: string, key: string | undefined, value?: string])[] = [
  ['{"key":"x","value":"y"}', 'x', 'y'],
  [' \n{ "key" : "x" , "value" : "y" } \n', 'x', 'y'],
  ['{"key":"x","value":"y"} trailing', 'x', 'y'],
  ['{"key":"x","value":"y"}{"key":"z"}', 'x', 'y'],
  ['{"key":"x}","value":"y\\"}"}]', 'x}', 'y"}'],
  ['{"KEY":"x","Value":"y"}', 'x', 'y'],
  ['{"key":"x","value":"y","more":{"a":[1]}}', 'x', 'y'],
  ['{"key":"x","value":"y","KEY":"z"}', 'z', 'y'],
  ['{"key":"x"}', 'x', ''],
  ['{"key":"x","value":null}', 'x', ''],
  ['{"key":"x","value":""}', 'x', ''],
  ['{"key":"x","value":1}', undefined],
  ['{"key":1,"value":"y"}', undefined],
  ['{"key":["x"],"value":"y"}', undefined],
  ['{"value":"y"}', undefined],
  ['{"key":null,"value":"y"}', undefined],
  ['{}', undefined],
  ['null', undefined],
  ['[]', undefined],
  ['"x"', undefined],
  ['1', undefined],
  ['', undefined],
  ['{"key":"x","value":"y"', undefined],
  ["{'key':'x'}", undefined],
  ['key=x&value=y', undefined],
  ['\ufeff{"key":"x","value":"y"}', undefined],
  ['} {"key":"x"}', undefined],
  ['{"key":"x\ny","value":"y"}', undefined],
  ['{"__proto__":{"key":"p"},"value":"y"}', undefined],
];

test('bodies are read as Go reads them', async () => {
  for (const [body, key, value] of BODIES) {
    const { api, member } = setUp();
    const response = await call(api, 'POST', '/key', body);
    if (key === undefined) {
      assert.deepEqual([response.status, response.body], [400, 'Unable to decode body\n'], body);
      assert.equal(member.entries.size, 0);
    } else {
      assert.equal(response.status, 201, body);
      assert.equal(member.entries.get(key)?.value.toString(), value, body);
    }
  }
});

test('no body at all cannot be decoded', async () => {
  assert.equal((await call(setUp().api, 'POST', '/key')).body, 'Unable to decode body\n');
});

test('an empty key is refused', async () => {
  const response = await call(setUp().api, 'POST', '/key', entry(''));
  assert.deepEqual([response.status, response.body], [400, 'key is empty\n']);
});

test('limits count bytes of UTF-8', async () => {
  const { api } = setUp({ keyBytesMax: 6, valueBytesMax: 4, keysMax: 10 });
  assert.equal((await call(api, 'POST', '/key', entry('äöü', '😀'))).status, 201);
  assert.equal((await call(api, 'POST', '/key', entry('äöüx', 'x'))).body, 'key size exceeded\n');
  assert.equal((await call(api, 'POST', '/key', entry('x', '😀x'))).body, 'value size exceeded\n');
  assert.equal((await call(api, 'GET', `/key/${encodeURIComponent('äöüx')}`)).body, 'key size exceeded\n');
  assert.equal((await call(api, 'GET', `/key/${encodeURIComponent('äöü')}`)).body, '{ "äöü" : "😀" }');
});

test('any key and value come back as valid JSON, whatever they contain', async () => {
  const property = fc.asyncProperty(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    fc.string({ unit: 'binary', maxLength: 30 }),
    async (key, value) => {
      const { api } = setUp({ keyBytesMax: 1000, valueBytesMax: 1000, keysMax: 10 });
      assert.equal((await call(api, 'POST', '/key', entry(key, value))).status, 201);
      const response = await call(api, 'GET', `/key/${encodeURIComponent(key)}`);
      assert.deepEqual(Object.entries(JSON.parse(response.body) as object), [[key, value]]);
      assert.equal(response.body, `{ ${JSON.stringify(key)} : ${JSON.stringify(value)} }`);
      assert.equal((await call(api, 'DELETE', `/key/${encodeURIComponent(key)}`)).status, 200);
    },
  );
  await fc.assert(property);
});

test('keys with slashes, commas, colons, spaces and quotes are whole', async () => {
  for (const key of ['a/b', 'a,b:c', 'command:SET,key:x', ' ', '"', '\\', '..', '.', '%2F', '+', '?', '#', 'a&b=c']) {
    const { api } = setUp();
    assert.equal((await call(api, 'POST', '/key', entry(key, 'x,y:z'))).status, 201);
    const path = `/key/${encodeURIComponent(key)}`;
    assert.equal((await call(api, 'GET', path)).body, `{ ${JSON.stringify(key)} : "x,y:z" }`);
    assert.equal((await call(api, 'DELETE', path)).status, 200);
  }
});

test('bytes in a path that are not percent-encoded are taken as they are', async () => {
  const { api } = setUp();
  await call(api, 'POST', '/key', entry('ä'));
  const raw = Buffer.from('/key/ä').toString('latin1');
  assert.equal((await call(api, 'GET', raw)).body, '{ "ä" : "b" }');
  assert.equal((await call(api, 'GET', '/key/%FF')).status, 404);
  assert.equal((await call(api, 'PUT', '/key/%FF', '{"value":"x"}')).status, 201);
  assert.equal((await call(api, 'GET', '/key/%FF')).status, 200);
});

test('a wrong method is answered with 405 and the methods allowed', async () => {
  const { api } = setUp();
  const rows = [
    ['GET', '/key', 'POST'],
    ['POST', '/key/a', 'GET, PUT, DELETE'],
    ['PATCH', '/key/a', 'GET, PUT, DELETE'],
    ['HEAD', '/key/a', 'GET, PUT, DELETE'],
    ['POST', '/hello', 'GET'],
    ['GET', '/register-follower', 'POST'],
    ['POST', '/health', 'GET'],
    ['POST', '/metrics', 'GET'],
    ['DELETE', '/cluster/members', 'GET, POST'],
    ['GET', '/cluster/members/1', 'DELETE'],
    ['GET', '/cluster/transfer-leadership', 'POST'],
  ] as const;
  for (const [method, path, allow] of rows) {
    const response = await call(api, method, path);
    assert.equal(response.status, 405, path);
    assert.equal(response.headers?.['allow'], allow, path);
    assert.ok(response.body.endsWith('\n'), path);
  }
});

test('reads are linearizable unless the caller says otherwise', async () => {
  const { api, member } = setUp();
  await call(api, 'GET', '/key/a');
  await call(api, 'GET', '/key/a?consistency=serializable');
  assert.deepEqual(member.lastReads, ['linearizable', 'serializable']);
});

test('troubles of the member become 503 and 504, with one body each', async () => {
  const rows: readonly (readonly [Trouble, string, string, number, string])[] = [
    ['no-leader', 'POST', '/key', 503, 'no leader\n'],
    ['no-leader', 'DELETE', '/key/a', 503, 'no leader\n'],
    ['no-leader', 'PUT', '/key/a', 503, 'no leader\n'],
    ['no-leader', 'GET', '/key/a', 503, 'no leader\n'],
    ['outcome-unknown', 'POST', '/key', 504, 'outcome unknown: the write may or may not have been applied\n'],
    ['outcome-unknown', 'DELETE', '/key/a', 504, 'outcome unknown: the write may or may not have been applied\n'],
    ['outcome-unknown', 'GET', '/key/a', 504, 'request timed out\n'],
    ['busy', 'POST', '/key', 503, 'too many requests under way\n'],
    ['fault', 'POST', '/key', 500, 'internal error\n'],
  ];
  for (const [trouble, method, path, status, body] of rows) {
    const { api, member, faults } = setUp();
    member.trouble = trouble;
    const response = await call(api, method, path, '{"key":"a","value":"b"}');
    assert.deepEqual(
      [response.status, response.body, response.contentType],
      [status, body, TEXT],
      `${trouble} ${method}`,
    );
    assert.equal(response.headers?.['retry-after'], status === 503 ? '1' : undefined);
    assert.equal(faults.length, trouble === 'fault' ? 1 : 0);
  }
});

test('a serializable read needs no leader', async () => {
  const { api, member } = setUp();
  await call(api, 'POST', '/key', entry('a'));
  member.trouble = 'no-leader';
  assert.equal((await call(api, 'GET', '/key/a?consistency=serializable')).status, 200);
});

test('registering again is fine; joiners that accept JSON learn who they are', async () => {
  const { api, member } = setUp();
  const body =
    '{"follower_id":"node2","follower_addr":"localhost:21002","client_addr":"localhost:8889","instance":"i"}';
  assert.equal((await call(api, 'POST', '/register-follower', body)).body, 'registered');
  const response = await call(api, 'POST', '/register-follower', body, { accept: 'application/json' });
  assert.deepEqual([response.status, response.contentType], [200, 'application/json']);
  assert.deepEqual(JSON.parse(response.body), { clusterId: 77, memberId: 2, members: member.members });
  assert.deepEqual(member.joins[1], {
    name: 'node2',
    peerAddress: 'localhost:21002',
    clientAddress: 'localhost:8889',
    instance: 'i',
  });
  const taken = '{"follower_id":"node2","follower_addr":"localhost:1"}';
  const refused = await call(api, 'POST', '/register-follower', taken, { accept: 'application/json' });
  assert.equal(refused.status, 409);
  assert.equal((JSON.parse(refused.body) as { error: string }).error, 'member-exists');
  member.trouble = 'no-leader';
  const without = await call(api, 'POST', '/register-follower', body);
  assert.deepEqual([without.status, without.body], [500, 'Registration of Follower failed\n']);
});

test('members are listed, added, promoted and removed, by id or name', async () => {
  const { api, member } = setUp();
  const added = await call(api, 'POST', '/cluster/members', '{"name":"node 2","peerAddress":"localhost:21002"}');
  assert.equal((JSON.parse(added.body) as { memberId: number }).memberId, 2);
  assert.equal((await call(api, 'POST', '/cluster/members/node%202/promote', '{}')).status, 200);
  assert.equal(member.members[1]?.voter, true);
  const list = await call(api, 'GET', '/cluster/members?consistency=serializable');
  assert.deepEqual(JSON.parse(list.body), { members: member.members });
  assert.equal((await call(api, 'DELETE', '/cluster/members/2')).status, 200);
  assert.equal(member.members.length, 1);
  const missing = await call(api, 'DELETE', '/cluster/members/node9');
  assert.equal(missing.status, 404);
  assert.deepEqual(JSON.parse(missing.body), {
    error: 'member-not-found',
    message: 'there is no member "node9"; the members are node1 (1)',
  });
  const last = await call(api, 'DELETE', '/cluster/members/node1');
  assert.equal(last.status, 409);
  const status = await call(api, 'GET', '/cluster/status');
  assert.deepEqual(JSON.parse(status.body), JSON.parse(JSON.stringify(member.cluster.status())));
});

test('a member is added by its URLs alone, as a voter or a learner', async () => {
  const { api, member } = setUp();
  const voter = await call(api, 'POST', '/cluster/members', '{"peerUrls":["http://a:1"]}');
  assert.equal(voter.status, 200);
  await call(api, 'POST', '/cluster/members', '{"peerUrls":["http://b:1"],"isLearner":true}');
  const added = member.members.slice(1);
  assert.deepEqual(
    added.map(({ name, peerUrls, voter: isVoter }) => [name, peerUrls[0], isVoter]),
    [
      ['', 'http://a:1', true],
      ['', 'http://b:1', false],
    ],
  );
  member.trouble = 'no-leader';
  assert.equal((await call(api, 'POST', '/cluster/members', '{"peerUrls":["http://c:1"]}')).status, 503);
});

test('wrong bodies of the cluster calls are refused with what is wrong', async () => {
  const { api } = setUp();
  const bodies = [
    '',
    '[]',
    '{}',
    '{"name":"x"}',
    '{"name":"x","peerAddress":"a:1","promoteWhenCaughtUp":1}',
    '{"peerUrls":"http://a:1"}',
    '{"peerUrls":[1]}',
    '{"peerUrls":["http://a:1"],"isLearner":1}',
  ];
  for (const body of bodies) {
    const response = await call(api, 'POST', '/cluster/members', body);
    assert.equal(response.status, 400, body);
    assert.equal((JSON.parse(response.body) as { error: string }).error, 'invalid-argument');
  }
  assert.equal((await call(api, 'POST', '/cluster/transfer-leadership', '{"target":[1]}')).status, 400);
  assert.equal((await call(api, 'GET', '/cluster/nothing')).status, 404);
  assert.equal((await call(api, 'DELETE', '/cluster/members/%')).status, 400);
});

test('leadership goes to whom it is sent, or to anyone', async () => {
  const { api } = setUp();
  await call(api, 'POST', '/cluster/members', '{"name":"node2","peerAddress":"localhost:21002"}');
  const named = await call(api, 'POST', '/cluster/transfer-leadership', '{"target":"node2"}');
  assert.deepEqual(JSON.parse(named.body), { leaderId: 2 });
  const numbered = await call(api, 'POST', '/cluster/transfer-leadership', '{"target":1}');
  assert.deepEqual(JSON.parse(numbered.body), { leaderId: 1 });
  assert.deepEqual(JSON.parse((await call(api, 'POST', '/cluster/transfer-leadership')).body), { leaderId: 2 });
});

test("probes answer as etcd's", async () => {
  const { api, member } = setUp();
  assert.deepEqual((await call(api, 'GET', '/health')).body, '{"health":"true","reason":""}');
  assert.equal((await call(api, 'GET', '/version')).body, '{"etcdserver":"3.7.1"}');
  assert.equal((await call(api, 'GET', '/metrics')).body, 'x 1\n');
  assert.equal((await call(api, 'GET', '/livez')).body, 'ok\n');
  assert.equal((await call(api, 'GET', '/readyz/linearizable_read')).body, 'ok\n');
  assert.equal((await call(api, 'GET', '/readyz/nothing')).status, 404);
  assert.equal(
    (await call(api, 'GET', '/readyz?verbose')).body,
    '[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\nok\n',
  );
  member.trouble = 'no-leader';
  const health = await call(api, 'GET', '/health');
  assert.deepEqual([health.status, health.body], [503, '{"health":"false","reason":"RAFT NO LEADER"}\n']);
  assert.equal((await call(api, 'GET', '/health?serializable=true')).status, 200);
  assert.equal((await call(api, 'GET', '/livez')).status, 200);
  const ready = await call(api, 'GET', '/readyz');
  assert.equal(ready.status, 503);
  assert.match(ready.body, /^\[-\]linearizable_read failed: no leader$/m);
  const excluded = await call(api, 'GET', '/readyz?verbose&exclude=linearizable_read');
  assert.equal(excluded.status, 200);
  assert.match(excluded.body, /^\[\+\]linearizable_read excluded: ok$/m);
  member.trouble = 'none';
  member.role = 'learner';
  assert.match((await call(api, 'GET', '/readyz')).body, /non_learner failed: this member is learner/);
});

test('alarms make a member unhealthy unless they are excluded, and only corruption makes it not ready', async () => {
  const { api, member } = setUp();
  const raise = (alarm: 'no-space' | 'corrupt'): void => {
    const operation = { kind: 'alarm', action: 'activate', alarm, member: 1 } as const;
    member.door.execute({ operation, limits: undefined }, () => {});
  };
  const health = async (query: string): Promise<unknown> => {
    const { status, body } = await call(api, 'GET', `/health${query}`);
    return [status, (JSON.parse(body) as { reason: string }).reason];
  };
  raise('no-space');
  assert.deepEqual(await health(''), [503, 'ALARM NOSPACE']);
  assert.deepEqual(await health('?exclude=NOSPACE'), [200, '']);
  assert.equal((await call(api, 'GET', '/readyz')).status, 200);
  raise('corrupt');
  assert.deepEqual(await health('?exclude=NOSPACE'), [503, 'ALARM CORRUPT']);
  assert.deepEqual(await health('?exclude=NOSPACE&exclude=CORRUPT'), [200, '']);
  const ready = await call(api, 'GET', '/readyz/data_corruption');
  assert.deepEqual([ready.status, ready.body], [503, '[-]data_corruption failed: alarm activated: CORRUPT\n']);
});

test('before there is a member it is alive, not ready, and says why it cannot serve', async () => {
  const api = new HttpApi(undefined, { limits: LIMITS, version: {} });
  assert.equal((await call(api, 'GET', '/hello')).status, 200);
  for (const [method, path] of [
    ['POST', '/key'],
    ['GET', '/key/a'],
    ['PUT', '/key/a'],
    ['DELETE', '/key/a'],
  ] as const) {
    const response = await call(api, method, path, '{}');
    assert.deepEqual([response.status, response.body], [503, 'starting\n']);
  }
  assert.equal((await call(api, 'GET', '/livez')).body, 'ok\n');
  assert.equal((await call(api, 'GET', '/readyz')).status, 503);
  assert.equal((await call(api, 'GET', '/health')).status, 503);
  assert.equal((await call(api, 'POST', '/register-follower', '{}')).status, 500);
  const code = async (): Promise<string> =>
    (JSON.parse((await call(api, 'GET', '/cluster/status')).body) as { error: string }).error;
  assert.equal(await code(), 'starting');
  api.enterNoCluster();
  assert.equal(await code(), 'no-cluster');
  api.attach(new FakeMember());
  assert.equal((await call(api, 'GET', '/readyz')).status, 200);
  api.beginStop();
  assert.equal((await call(api, 'GET', '/readyz')).status, 503);
  assert.equal((await call(api, 'GET', '/key/a')).status, 404);
});
