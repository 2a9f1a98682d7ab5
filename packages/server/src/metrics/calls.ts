/** Calls of the etcd services under the names that etcd's dashboards use (contract, section 13). */
import { GRPC_CODES, type MethodKind } from '@quorate/proto';
import type { CallCount, CallCounts } from '../etcd/call-counts.js';
import type { Labels, ScrapedMetric } from './scraped.js';

export interface CallSource {
  readonly counts: CallCounts;
  /** Of gRPC connections. */
  readonly grpcBytes: { readonly read: number; readonly written: number };
}

const KINDS: Readonly<Record<MethodKind, string>> = {
  unary: 'unary',
  'server-stream': 'server_stream',
  duplex: 'bidi_stream',
};

/** As the metrics of Go's gRPC spell them: `InvalidArgument`. `OK` stays as it is. */
const CODE_NAMES: readonly string[] = Object.keys(GRPC_CODES).map((name) =>
  name === 'OK' ? name : name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()),
);

const WATCH = 'etcdserverpb.Watch';

export function callMetrics(source: CallSource): readonly ScrapedMetric[] {
  const { counts } = source;
  return [
    {
      name: 'grpc_server_started_total',
      help: 'Calls that have begun, over gRPC and as JSON.',
      type: 'counter',
      read: () => counts.all().map((count) => ({ value: count.started, labels: labelsOf(count) })),
    },
    {
      name: 'grpc_server_handled_total',
      help: 'Calls that have ended, over gRPC and as JSON, by code.',
      type: 'counter',
      read: () => counts.all().flatMap((count) => handled(count)),
    },
    {
      name: 'etcd_server_client_requests_total',
      help: 'Calls that have begun, by whether they stream.',
      type: 'counter',
      read: () => [
        { value: started(counts, (kind) => kind === 'unary'), labels: { type: 'unary' } },
        { value: started(counts, (kind) => kind !== 'unary'), labels: { type: 'stream' } },
      ],
    },
    {
      name: 'etcd_debugging_mvcc_watch_stream_total',
      help: 'Watch streams that are open.',
      type: 'gauge',
      read: () => [{ value: counts.all().reduce((sum, one) => sum + (one.service === WATCH ? one.open : 0), 0) }],
    },
    {
      name: 'etcd_network_client_grpc_sent_bytes_total',
      help: 'Bytes sent on gRPC connections of clients.',
      type: 'counter',
      read: () => [{ value: source.grpcBytes.written }],
    },
    {
      name: 'etcd_network_client_grpc_received_bytes_total',
      help: 'Bytes received on gRPC connections of clients.',
      type: 'counter',
      read: () => [{ value: source.grpcBytes.read }],
    },
  ];
}

function labelsOf({ kind, service, name }: CallCount): Labels {
  return { grpc_type: KINDS[kind], grpc_service: service, grpc_method: name };
}

/** Codes that have not occurred are left out, but for OK. */
function handled(count: CallCount): ReturnType<ScrapedMetric['read']> {
  return count.ended.flatMap((value, code) =>
    value === 0 && code !== GRPC_CODES.OK
      ? []
      : [{ value, labels: { ...labelsOf(count), grpc_code: CODE_NAMES[code] ?? 'Unknown' } }],
  );
}

function started(counts: CallCounts, isCounted: (kind: MethodKind) => boolean): number {
  return counts.all().reduce((sum, { kind, started: value }) => sum + (isCounted(kind) ? value : 0), 0);
}
