/**
 * `grpc.health.v1.Health` (grpc/doc/health-checking.md): whether the server, or one of its services, takes calls. The messages have
 * one field each, so that they are written and read here by hand.
 */
import type { GrpcServer } from '../server.js';
import { GrpcStatus } from '../status.js';
import type { StreamCall } from './api.js';

/** `HealthCheckResponse.ServingStatus`. */
export const ServingStatus = { unknown: 0, serving: 1, notServing: 2, serviceUnknown: 3 } as const;
export type ServingStatus = (typeof ServingStatus)[keyof typeof ServingStatus];

/** A watcher's status that has not left yet is replaced by the next, so that a slow watcher holds one. */
interface Watcher {
  readonly service: string;
  readonly call: StreamCall;
  sent: ServingStatus | undefined;
  isBlocked: boolean;
}

export class HealthService {
  readonly #statuses = new Map<string, ServingStatus>();
  readonly #watchers = new Set<Watcher>();

  /** The whole server is the service `""`; it begins as not serving. */
  constructor(server: GrpcServer) {
    this.#statuses.set('', ServingStatus.notServing);
    server.unary('/grpc.health.v1.Health/Check', (call, request) => {
      const service = parseService(request);
      const status = service === undefined ? undefined : this.#statuses.get(service);
      if (service === undefined) call.fail(GrpcStatus.internal, 'malformed HealthCheckRequest');
      else if (status === undefined) call.fail(GrpcStatus.notFound, 'unknown service');
      else call.reply(response(status));
    });
    server.serverStream('/grpc.health.v1.Health/Watch', (call, request) => this.#watch(call, parseService(request)));
  }

  /** Sets a service's status and tells its watchers. */
  set(service: string, status: ServingStatus): void {
    this.#statuses.set(service, status);
    for (const watcher of this.#watchers) if (watcher.service === service) this.#tell(watcher);
  }

  #watch(call: StreamCall, service: string | undefined): void {
    if (service === undefined) return call.end(GrpcStatus.internal, 'malformed HealthCheckRequest');
    const watcher: Watcher = { service, call, sent: undefined, isBlocked: false };
    this.#watchers.add(watcher);
    call.onCancel(() => this.#watchers.delete(watcher));
    call.onDrain(() => {
      watcher.isBlocked = false;
      this.#tell(watcher);
    });
    this.#tell(watcher);
  }

  #tell(watcher: Watcher): void {
    const status = this.#statuses.get(watcher.service) ?? ServingStatus.serviceUnknown;
    if (watcher.isBlocked || watcher.sent === status) return;
    watcher.sent = status;
    watcher.isBlocked = !watcher.call.send(response(status));
  }
}

function response(status: ServingStatus): Uint8Array {
  return Uint8Array.of(0x08, status);
}

/** HealthCheckRequest { string service = 1; }: undefined if it is malformed. Unknown fields are not expected of anyone. */
function parseService(request: Uint8Array): string | undefined {
  if (request.length === 0) return '';
  let length = 0;
  let at = 1;
  for (let shift = 0; shift <= 21; shift += 7) {
    const byte = request[at++];
    if (byte === undefined) return undefined;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  if (request[0] !== 0x0a || at + length !== request.length) return undefined;
  return Buffer.from(request.subarray(at)).toString('utf8');
}
