/** Calls of the etcd services in `/metrics`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SERVICES } from '@quorate/proto';
import { Metrics } from '../../src/metrics.js';
import { base64, bytes, call, JsonStream, postJson, refuses, runEtcd, until, Watching } from './support.js';

test('calls of both carriers are counted by method and code, and open watch streams', async (t) => {
  const server = await runEtcd(t);
  const metrics = new Metrics(() => server.member, { process: false });
  metrics.addCalls(server.etcd);
  const { Put, Range } = SERVICES['etcdserverpb.KV'];
  await call(server, Put, { key: bytes('a') });
  await postJson(server, '/v3/kv/put', { key: base64('a') });
  await refuses(call(server, Range, {}), 'EmptyKey');
  await postJson(server, '/v3/kv/range', {});
  await call(server, SERVICES['etcdserverpb.Lease'].LeaseGrant, { TTL: 10 });
  const watching = new Watching(server);
  watching.create({ key: bytes('a') });
  await watching.next();
  const json = new JsonStream(server, '/v3/watch');
  json.send({ create_request: { key: base64('a') } });
  await json.next();
  const shows = async (lines: readonly string[]): Promise<void> => {
    const text = await metrics.render();
    for (const line of lines) assert.ok(text.split('\n').includes(line), `${line}\nis not in\n${text}`);
  };
  const put = 'grpc_type="unary",grpc_service="etcdserverpb.KV",grpc_method="Put"';
  const range = 'grpc_type="unary",grpc_service="etcdserverpb.KV",grpc_method="Range"';
  const watch = 'grpc_type="bidi_stream",grpc_service="etcdserverpb.Watch",grpc_method="Watch"';
  await shows([
    `grpc_server_started_total{${put}} 2`,
    `grpc_server_handled_total{${put},grpc_code="OK"} 2`,
    `grpc_server_handled_total{${range},grpc_code="OK"} 0`,
    `grpc_server_handled_total{${range},grpc_code="InvalidArgument"} 2`,
    `grpc_server_started_total{${watch}} 2`,
    'etcd_server_client_requests_total{type="unary"} 5',
    'etcd_server_client_requests_total{type="stream"} 2',
    'etcd_debugging_mvcc_watch_stream_total 2',
    'etcd_debugging_mvcc_watcher_total 2',
    'etcd_debugging_lease_granted_total 1',
    'etcd_mvcc_put_total 2',
    'etcd_cluster_version{cluster_version="3.7"} 1',
  ]);
  assert.match(await metrics.render(), /^etcd_network_client_grpc_received_bytes_total [1-9]/m);
  watching.stream.cancel();
  json.request.destroy();
  await until(() => server.member.metrics().watchers === 0);
  await shows([
    'etcd_debugging_mvcc_watch_stream_total 0',
    `grpc_server_handled_total{${watch},grpc_code="Canceled"} 2`,
  ]);
});
