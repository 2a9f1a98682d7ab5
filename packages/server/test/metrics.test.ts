/** `/metrics`: Prometheus' text format, etcd's names, cheap counting of requests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Member } from '@quorate/replica';
import { Health } from '../src/http/health.js';
import { Metrics } from '../src/metrics.js';
import { FakeMember } from './fake-member.js';

/** A line of a sample, as the format's grammar has it. */
const SAMPLE =
  /^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="[^"]*"(,[a-zA-Z_][a-zA-Z0-9_]*="[^"]*")*\})? (\S+)$/;

test('every line is valid, every metric has its help and type once, no sample comes twice', async () => {
  const metrics = new Metrics(() => new FakeMember());
  metrics.addHealth(new Health());
  metrics.requests.observe('GET', '/key/a', 200, 0.001);
  const text = await metrics.render();
  assert.ok(text.endsWith('\n'));
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const name = line.startsWith('#') ? line.split(' ').slice(0, 3).join(' ') : line.slice(0, line.lastIndexOf(' '));
    assert.ok(!seen.has(name), `twice: ${name}`);
    seen.add(name);
    if (line.startsWith('#')) assert.match(line, /^# (HELP \S+ \S|TYPE \S+ (counter|gauge|histogram|summary)$)/);
    else assert.match(line, SAMPLE);
  }
  assert.match(metrics.contentType, /^text\/plain; version=0\.0\.4/);
});

test("a member's state is there under etcd's names", async () => {
  const text = await new Metrics(() => new FakeMember(), { process: false }).render();
  for (const line of [
    'etcd_server_has_leader 1',
    'etcd_server_is_leader 1',
    'etcd_server_is_learner 0',
    'etcd_server_leader_changes_seen_total 1',
    'etcd_server_proposals_committed_total 12',
    'etcd_server_proposals_applied_total 11',
    'etcd_server_proposals_pending 1',
    'etcd_mvcc_put_total 7',
    'etcd_mvcc_db_total_size_in_bytes 1000',
    'etcd_debugging_mvcc_keys_total 0',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 3',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="0.01"} 4',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 5',
    'etcd_disk_wal_fsync_duration_seconds_sum 0.07',
    'etcd_disk_wal_fsync_duration_seconds_count 5',
    'quorate_turn_duration_seconds_bucket{le="0.05"} 9',
    'quorate_turn_duration_seconds_count 10',
    'quorate_slow_turns_total 1',
    'etcd_network_peer_sent_bytes_total{To="1f"} 200',
    'etcd_network_peer_received_bytes_total{From="2"} 50',
    'etcd_server_id{server_id="1"} 1',
    'etcd_server_version{server_version="3.7.1"} 1',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line}\nis not in\n${text}`);
  }
});

test("the process' event loop is watched", async () => {
  const text = await new Metrics(() => undefined).render();
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds \S+$/m);
  assert.match(text, /^nodejs_eventloop_lag_max_seconds \S+$/m);
});

test('while the server starts there are no samples of a member', async () => {
  let member: Member | undefined;
  const metrics = new Metrics(() => member, { process: false });
  assert.ok(!(await metrics.render()).split('\n').some((line) => line.startsWith('etcd_server_has_leader')));
  member = new FakeMember();
  assert.match(await metrics.render(), /^etcd_server_has_leader 1$/m);
});

test('requests are counted by route, method and status; unknown paths do not make new routes', async () => {
  const metrics = new Metrics(() => undefined, { process: false });
  metrics.requests.observe('GET', '/key/a', 200, 0.0002);
  metrics.requests.observe('GET', '/key/b?consistency=serializable', 404, 0.02);
  metrics.requests.observe('POST', '/key', 201, 100);
  metrics.requests.observe('POST', '/cluster/members/x/promote', 200, 0.1);
  metrics.requests.observe('BREW', '/x1', 404, 0.1);
  metrics.requests.observe('BREW', '/x2', 404, 0.1);
  const text = await metrics.render();
  const duration = 'quorate_http_request_duration_seconds';
  for (const line of [
    'quorate_http_requests_total{route="/key/{key}",method="GET",code="200"} 1',
    'quorate_http_requests_total{route="/key/{key}",method="GET",code="404"} 1',
    'quorate_http_requests_total{route="/key",method="POST",code="201"} 1',
    'quorate_http_requests_total{route="/cluster",method="POST",code="200"} 1',
    'quorate_http_requests_total{route="other",method="other",code="404"} 2',
    `${duration}_bucket{le="0.0001",route="/key/{key}",method="GET"} 0`,
    `${duration}_bucket{le="0.00025",route="/key/{key}",method="GET"} 1`,
    `${duration}_bucket{le="30",route="/key",method="POST"} 0`,
    `${duration}_bucket{le="+Inf",route="/key",method="POST"} 1`,
    `${duration}_count{route="/key/{key}",method="GET"} 2`,
  ]) {
    assert.ok(text.split('\n').includes(line), `${line}\nis not in\n${text}`);
  }
});

test('answers of /health are counted', async () => {
  const health = new Health();
  const metrics = new Metrics(() => undefined, { process: false });
  metrics.addHealth(health);
  const member = new FakeMember();
  await health.health({ member, stopping: false }, '');
  member.trouble = 'no-leader';
  await health.health({ member, stopping: false }, '');
  const text = await metrics.render();
  assert.match(text, /^etcd_server_health_success 1$/m);
  assert.match(text, /^etcd_server_health_failures 1$/m);
});
