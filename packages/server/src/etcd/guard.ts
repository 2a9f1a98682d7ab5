/** What is asked before any service is: contract 24 (a leader that the client insists on) and 34 (what a learner serves). */
import type { RangeRequest } from '@quorate/proto';
import type { EtcdBackend } from './backend.js';
import { etcdFailure } from './errors.js';
import type { CallContext, RpcFailure, Served } from './service.js';

const RANGE = '/etcdserverpb.KV/Range';
const STATUS = '/etcdserverpb.Maintenance/Status';
const SNAPSHOT = '/etcdserverpb.Maintenance/Snapshot';

export function guarded(backend: EtcdBackend, served: readonly Served[]): readonly Served[] {
  return served.map((one) => {
    const { path } = one.method;
    if (one.kind === 'unary') {
      const { handler, direct } = one;
      return {
        ...one,
        // What is refused takes the ordinary way, where the refusal has its place.
        direct: direct && ((request, call) => refusalOf(backend, false, call) === undefined && direct(request, call)),
        handler: (request, call, reply) => {
          const isForLearners = path === STATUS || (path === RANGE && (request as RangeRequest).serializable);
          const refusal = refusalOf(backend, isForLearners, call);
          if (refusal === undefined) handler(request, call, reply);
          else reply.fail(refusal);
        },
      };
    }
    const { handler } = one;
    return {
      ...one,
      handler: (duplex: Parameters<typeof handler>[0], call: CallContext) => {
        const refusal = refusalOf(backend, path === SNAPSHOT, call);
        if (refusal === undefined) handler(duplex, call);
        else duplex.end(refusal);
      },
    };
  });
}

function refusalOf(
  backend: EtcdBackend,
  isForLearners: boolean,
  call: Pick<CallContext, 'metadata'>,
): RpcFailure | undefined {
  if (!isForLearners && backend.door.isLearner()) return etcdFailure('NotSupportedForLearner');
  if (call.metadata('hasleader') === 'true' && !backend.door.hasLeader()) return etcdFailure('NoLeader');
  return undefined;
}
