/**
 * The HTTP interface as a function from request to answer: what each path and method leads to. It knows no socket; server.ts puts it
 * on node:http. The calls for keys come first and cost as little as they can: no URL object, no table, one await.
 */
import type { Limits, Member } from '@quorate/replica';
import { acceptsJson, ClusterCalls } from './cluster-calls.js';
import { Health } from './health.js';
import { KeyCalls } from './key-calls.js';
import * as answers from './responses.js';
import type { HttpRequest, HttpResponse } from './types.js';

export interface HttpApiOptions {
  /** The seed's three limits. */
  readonly limits: Limits;
  /** The body of `/version`. */
  readonly version: Readonly<Record<string, string>>;
  /** `/metrics`; without it that path is unknown. */
  readonly metrics?: { readonly contentType: string; render(): Promise<string> };
  /** Told of errors that are faults of this program; the caller was answered with 500. */
  readonly onFault?: (error: unknown) => void;
}

const KEY_PATH = '/key';
const SLASH = 0x2f;

type Answer = Promise<HttpResponse> | HttpResponse;

/** Where a server without a member stands: `no-cluster` once it is known that its folder belongs to none. */
export type Phase = 'starting' | 'no-cluster';

export class HttpApi {
  readonly health: Health = new Health();
  private readonly options: HttpApiOptions;
  private readonly onFault: (error: unknown) => void;
  private member: Member | undefined;
  private keys: KeyCalls | undefined;
  private cluster: ClusterCalls | undefined;
  private phase: Phase = 'starting';
  private stopping = false;

  /** Without a member every call that needs one is answered with 503 until `attach`. */
  constructor(member: Member | undefined, options: HttpApiOptions) {
    this.options = options;
    this.onFault = options.onFault ?? (() => {});
    if (member !== undefined) this.attach(member);
  }

  attach(member: Member): void {
    this.member = member;
    this.keys = new KeyCalls(member.kv, this.options.limits, this.onFault);
    this.cluster = new ClusterCalls(member.cluster, this.onFault);
  }

  /** Says to others who ask that this server's folder belongs to no cluster (yet). */
  enterNoCluster(): void {
    this.phase = 'no-cluster';
  }

  /** From here on `/readyz` fails, so that nothing new is sent here; what comes is still answered. */
  beginStop(): void {
    this.stopping = true;
  }

  handle(request: HttpRequest): Answer {
    const target = request.path;
    const mark = target.indexOf('?');
    const path = mark === -1 ? target : target.slice(0, mark);
    const query = mark === -1 ? '' : target.slice(mark + 1);
    if (path.startsWith(KEY_PATH)) {
      if (path.length === KEY_PATH.length) return this.keyCollection(request);
      if (path.charCodeAt(KEY_PATH.length) === SLASH) {
        return this.oneKey(request, path.slice(KEY_PATH.length + 1), query);
      }
    }
    return this.other(request, path, query);
  }

  private keyCollection(request: HttpRequest): Answer {
    if (request.method !== 'POST') return answers.methodNotAllowed('POST');
    return this.keys === undefined ? answers.STARTING : this.keys.create(request.body);
  }

  private oneKey(request: HttpRequest, segment: string, query: string): Answer {
    if (segment === '' || segment.includes('/')) return answers.PAGE_NOT_FOUND;
    const { keys } = this;
    switch (request.method) {
      case 'GET':
        return keys === undefined ? answers.STARTING : keys.get(segment, query);
      case 'PUT':
        return keys === undefined ? answers.STARTING : keys.put(segment, request.body);
      case 'DELETE':
        return keys === undefined ? answers.STARTING : keys.delete(segment);
      default:
        return answers.methodNotAllowed('GET, PUT, DELETE');
    }
  }

  private other(request: HttpRequest, path: string, query: string): Answer {
    switch (path) {
      case '/hello':
        return request.method === 'GET' ? answers.WORLD : answers.methodNotAllowed('GET');
      case '/register-follower':
        return request.method === 'POST' ? this.register(request) : answers.methodNotAllowed('POST');
      case '/version':
        return get(request, () => ({
          ...answers.json(200, this.options.version),
          body: JSON.stringify(this.options.version),
        }));
      case '/metrics': {
        const { metrics } = this.options;
        if (metrics === undefined) return answers.PAGE_NOT_FOUND;
        return get(request, async () => ({
          status: 200,
          contentType: metrics.contentType,
          body: await metrics.render(),
        }));
      }
      default:
        return path.startsWith('/cluster/') ? this.clusterCall(request, path, query) : this.probe(request, path, query);
    }
  }

  private register(request: HttpRequest): Answer {
    if (this.cluster !== undefined) return this.cluster.register(request);
    return acceptsJson(request) ? this.withoutMember() : answers.REGISTRATION_FAILED;
  }

  private probe(request: HttpRequest, path: string, query: string): Answer {
    const [, name, check, rest] = path.split('/');
    if (rest !== undefined || check === '') return answers.PAGE_NOT_FOUND;
    const life = { member: this.member, stopping: this.stopping };
    if (name === 'health' && check === undefined) return get(request, () => this.health.health(life, query));
    if (name !== 'livez' && name !== 'readyz') return answers.PAGE_NOT_FOUND;
    return get(request, async () => {
      const answer = await this.health[name](life, check, query);
      return answer ?? answers.PAGE_NOT_FOUND;
    });
  }

  private clusterCall(request: HttpRequest, path: string, query: string): Answer {
    const [, , noun = '', segment, verb, rest] = path.split('/');
    if (rest !== undefined) return unknownPath(path);
    const { cluster } = this;
    const call = (method: string, act: (cluster: ClusterCalls) => Answer): Answer => {
      if (request.method !== method) return methodRefused(method);
      return cluster === undefined ? this.withoutMember() : act(cluster);
    };
    if (segment === undefined) {
      if (noun === 'status') return call('GET', (calls) => calls.status());
      if (noun === 'transfer-leadership') return call('POST', (calls) => calls.transferLeadership(request.body));
      if (noun !== 'members') return unknownPath(path);
      if (request.method === 'GET') return call('GET', (calls) => calls.members(query));
      return request.method === 'POST' ? call('POST', (calls) => calls.add(request.body)) : methodRefused('GET, POST');
    }
    if (noun !== 'members' || segment === '') return unknownPath(path);
    const idOrName = decodeText(segment);
    if (idOrName === undefined)
      return answers.jsonError(400, 'invalid-argument', 'the path is not valid percent-encoding');
    if (verb === undefined) return call('DELETE', (calls) => calls.remove(idOrName));
    return verb === 'promote' ? call('POST', (calls) => calls.promote(idOrName)) : unknownPath(path);
  }

  private withoutMember(): HttpResponse {
    return this.phase === 'starting'
      ? answers.jsonError(503, 'starting', 'this member is starting')
      : answers.jsonError(503, 'no-cluster', 'this member belongs to no cluster yet');
  }
}

function get(request: HttpRequest, act: () => Answer): Answer {
  // The body of etcd's own 405.
  return request.method === 'GET' ? act() : answers.textError(405, 'Method Not Allowed', { allow: 'GET' });
}

function methodRefused(allow: string): HttpResponse {
  return { ...answers.jsonError(405, 'method-not-allowed', `only ${allow} here`), headers: { allow } };
}

function unknownPath(path: string): HttpResponse {
  return answers.jsonError(404, 'unknown-path', `there is nothing at ${path}`);
}

function decodeText(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
