/** The services as their callers and their servers want them: each method with its codecs, found by gRPC path or by HTTP path. */
import { codecOf } from './codec/registry.js';
import type { Codec } from './codec/types.js';
import { SERVICE_TABLE } from './descriptors/services.js';
import type { MessageTypes } from './messages/types.js';

/** Which sides stream: none, the server, or both. */
export type MethodKind = 'unary' | 'server-stream' | 'duplex';

export interface Method<Request, Response, Kind extends MethodKind = MethodKind> {
  /** The full name of the service, such as `etcdserverpb.KV`. */
  readonly service: string;
  readonly name: string;
  /** The path of a gRPC call, such as `/etcdserverpb.KV/Range`. */
  readonly path: string;
  readonly kind: Kind;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
  /** The paths that the JSON gateway takes by POST; none when it does not have the method. */
  readonly httpPaths: readonly string[];
}

type Table = typeof SERVICE_TABLE;

/** A row of the table as a method, with the types of its messages. */
type MethodOf<Row> = Row extends {
  readonly request: infer Request extends keyof MessageTypes;
  readonly response: infer Response extends keyof MessageTypes;
  readonly kind: infer Kind extends MethodKind;
}
  ? Method<MessageTypes[Request], MessageTypes[Response], Kind>
  : never;

/** Services by full name, methods by name: `SERVICES['etcdserverpb.KV'].Range`. */
export type Services = {
  readonly [Service in keyof Table]: { readonly [Name in keyof Table[Service]]: MethodOf<Table[Service][Name]> };
};

/** A method whose messages are not known to the compiler. */
export type AnyMethod = Method<unknown, unknown>;

/** The decoded request of a method: `RequestOf<Services['etcdserverpb.KV']['Range']>` is RangeRequest. */
export type RequestOf<M> = M extends Method<infer Request, infer _> ? Request : never;

/** The decoded response of a method. */
export type ResponseOf<M> = M extends Method<infer _, infer Response> ? Response : never;

interface Row {
  readonly request: keyof MessageTypes;
  readonly response: keyof MessageTypes;
  readonly kind: MethodKind;
  readonly http: readonly string[];
}

function methodOf(service: string, name: string, { request, response, kind, http }: Row): AnyMethod {
  return {
    service,
    name,
    path: `/${service}/${name}`,
    kind,
    request: codecOf(request) as Codec<unknown>,
    response: codecOf(response) as Codec<unknown>,
    httpPaths: http,
  };
}

function servicesOf(table: Readonly<Record<string, Readonly<Record<string, Row>>>>): Services {
  const services = Object.entries(table).map(([service, rows]) => {
    const methods = Object.entries(rows).map(([name, row]) => [name, methodOf(service, name, row)]);
    return [service, Object.fromEntries(methods)];
  });
  return Object.fromEntries(services) as Services;
}

/** Every service of etcd's API, and gRPC's health service. */
export const SERVICES: Services = servicesOf(SERVICE_TABLE);

const ALL_METHODS: readonly AnyMethod[] = Object.values<Readonly<Record<string, unknown>>>(SERVICES).flatMap(
  (service) => Object.values(service) as AnyMethod[],
);

/** Every method by its gRPC path. */
export const METHODS_BY_PATH: ReadonlyMap<string, AnyMethod> = new Map(
  ALL_METHODS.map((method) => [method.path, method]),
);

/** Every method of the JSON gateway by each of its paths. */
export const METHODS_BY_HTTP_PATH: ReadonlyMap<string, AnyMethod> = new Map(
  ALL_METHODS.flatMap((method) => method.httpPaths.map((path) => [path, method] as const)),
);
