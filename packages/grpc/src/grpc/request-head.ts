/**
 * What a request's header fields mean: which method, what timeout, what encoding, or why it is refused. A head holds nothing that is
 * particular to one call, so that calls whose header blocks are the same share one.
 */
import { GrpcStatus } from '../status.js';
import { Metadata } from './metadata.js';
import type { MethodEntry, MethodTable } from './method-table.js';
import { parseTimeoutMs } from './timeout.js';

/** The answer to a call that no handler will see. */
export interface Refusal {
  readonly httpStatus: number;
  readonly code: GrpcStatus;
  readonly message: string;
  readonly fields?: readonly (readonly [string, string])[];
}

interface RequestHeadInit {
  readonly path: string;
  readonly authority: string;
  /** Infinity: no deadline. */
  readonly timeoutMs: number;
  readonly isGzip: boolean;
  /** -1: not said. */
  readonly contentLength: number;
  readonly method: MethodEntry | undefined;
  readonly refusal: Refusal | undefined;
}

export class RequestHead implements RequestHeadInit {
  readonly path: string;
  readonly authority: string;
  readonly timeoutMs: number;
  readonly isGzip: boolean;
  readonly contentLength: number;
  readonly method: MethodEntry | undefined;
  readonly refusal: Refusal | undefined;
  private readonly fields: readonly string[];
  private lazyMetadata: Metadata | undefined;

  constructor(fields: readonly string[], init: RequestHeadInit) {
    this.fields = fields;
    this.path = init.path;
    this.authority = init.authority;
    this.timeoutMs = init.timeoutMs;
    this.isGzip = init.isGzip;
    this.contentLength = init.contentLength;
    this.method = init.method;
    this.refusal = init.refusal;
  }

  get metadata(): Metadata {
    this.lazyMetadata ??= new Metadata(this.fields);
    return this.lazyMetadata;
  }
}

function requestHead(fields: readonly string[], request: RequestFields, methods: MethodTable): RequestHead {
  const timeoutMs = request.timeout === undefined ? Infinity : parseTimeoutMs(request.timeout);
  const refusal = refuseProtocol(request, timeoutMs === undefined);
  const method = refusal === undefined ? methods.find(request.path) : undefined;
  return new RequestHead(fields, {
    path: request.path,
    authority: request.authority,
    timeoutMs: timeoutMs ?? Infinity,
    isGzip: request.encoding === 'gzip',
    contentLength: request.contentLength,
    method,
    refusal: refusal ?? (method === undefined ? refuseMethod(request.path, methods) : refuseEncoding(request)),
  });
}

/** A request of which not all fields were kept. */
export function tooLargeHead(listBytes: number, listBytesMax: number): RequestHead {
  return new RequestHead([], {
    path: '',
    authority: '',
    timeoutMs: Infinity,
    isGzip: false,
    contentLength: -1,
    method: undefined,
    refusal: {
      httpStatus: 200,
      code: GrpcStatus.resourceExhausted,
      message: `received metadata larger than max (${listBytes} vs. ${listBytesMax})`,
    },
  });
}

interface RequestFields {
  method: string | undefined;
  scheme: string | undefined;
  path: string;
  authority: string;
  contentType: string;
  timeout: string | undefined;
  encoding: string | undefined;
  contentLength: number;
}

/** What the decoded fields ask for; undefined if the request is malformed (RFC 9113 8.1.1: a stream error). */
export function parseRequestHead(fields: readonly string[], methods: MethodTable): RequestHead | undefined {
  const request: RequestFields = {
    method: undefined,
    scheme: undefined,
    path: '',
    authority: '',
    contentType: '',
    timeout: undefined,
    encoding: undefined,
    contentLength: -1,
  };
  let isPseudo = true;
  let seen = '';
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string;
    const value = fields[at + 1] as string;
    if (!isValue(value)) return undefined;
    if (name.charCodeAt(0) === 0x3a) {
      // RFC 9113 8.3: pseudo-header fields come first, and each but once.
      if (!isPseudo || seen.includes(name) || !takePseudo(request, name, value)) return undefined;
      seen += name;
      continue;
    }
    isPseudo = false;
    if (!isName(name) || !takeField(request, name, value)) return undefined;
  }
  if (request.method === undefined || request.scheme === undefined || request.path === '') return undefined;
  return requestHead(fields, request, methods);
}

/** Trailers of a request mean nothing to gRPC; they must only be well-formed (RFC 9113 8.1: no pseudo-header fields). */
export function areTrailersValid(fields: readonly string[]): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    if (!isName(fields[at] as string) || !isValue(fields[at + 1] as string)) return false;
  }
  return true;
}

function takePseudo(request: RequestFields, name: string, value: string): boolean {
  switch (name) {
    case ':method':
      request.method = value;
      return true;
    case ':scheme':
      request.scheme = value;
      return true;
    case ':path':
      request.path = value;
      return true;
    case ':authority':
      request.authority = value;
      return true;
    default:
      return false;
  }
}

/** False for what RFC 9113 8.2.2 forbids: fields that speak of an HTTP/1.1 connection. */
function takeField(request: RequestFields, name: string, value: string): boolean {
  switch (name) {
    case 'content-type':
      request.contentType = value;
      return true;
    case 'grpc-timeout':
      request.timeout = value;
      return true;
    case 'grpc-encoding':
      request.encoding = value;
      return true;
    case 'content-length':
      request.contentLength = /^\d{1,15}$/.test(value) ? Number(value) : -2;
      return request.contentLength >= 0;
    case 'te':
      return value === 'trailers';
    case 'connection':
    case 'keep-alive':
    case 'proxy-connection':
    case 'transfer-encoding':
    case 'upgrade':
      return false;
    default:
      return true;
  }
}

/** RFC 9113 8.2.1: no control characters, spaces, upper-case letters, colons or bytes above ASCII. */
function isName(name: string): boolean {
  if (name.length === 0) return false;
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f || code === 0x3a || (code >= 0x41 && code <= 0x5a)) return false;
  }
  return true;
}

/** RFC 9113 8.2.1: no NUL, CR or LF, and no white space at the ends. */
function isValue(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code === 0 || code === 0x0a || code === 0x0d) return false;
  }
  return value.length === 0 || !(isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1)));
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** What is no gRPC request, in the words and codes of grpc-go. */
function refuseProtocol(request: RequestFields, isTimeoutMalformed: boolean): Refusal | undefined {
  if (request.method !== 'POST') {
    const message = `Received a HEADERS frame with :method "${request.method}" which should be POST`;
    return { httpStatus: 405, code: GrpcStatus.internal, message };
  }
  if (!/^application\/grpc([+;]|$)/i.test(request.contentType)) {
    const message = `invalid gRPC request content-type "${request.contentType}"`;
    return { httpStatus: 415, code: GrpcStatus.invalidArgument, message };
  }
  if (isTimeoutMalformed) {
    const message = `malformed grpc-timeout: "${request.timeout}"`;
    return { httpStatus: 400, code: GrpcStatus.internal, message };
  }
  return undefined;
}

function refuseMethod(path: string, methods: MethodTable): Refusal {
  const slash = path.lastIndexOf('/');
  const service = path.slice(1, slash);
  let message = `unknown method ${path.slice(slash + 1)} for service ${service}`;
  if (!path.startsWith('/') || slash === 0) message = `malformed method name: "${path}"`;
  else if (!methods.hasService(service)) message = `unknown service ${service}`;
  return { httpStatus: 200, code: GrpcStatus.unimplemented, message };
}

function refuseEncoding(request: RequestFields): Refusal | undefined {
  if (request.encoding === undefined || request.encoding === 'identity' || request.encoding === 'gzip')
    return undefined;
  return {
    httpStatus: 200,
    code: GrpcStatus.unimplemented,
    message: `grpc: Decompressor is not installed for grpc-encoding "${request.encoding}"`,
    fields: [['grpc-accept-encoding', 'gzip']],
  };
}
