/**
 * The answers that do not vary, made once, and the translation of a member's errors into answers: as text for the seed's calls
 * (error bodies end with a newline, as Go's http.Error writes them) and as `{"error": code, "message": text}` for the rest.
 */
import { type ErrorCode, QuorateError } from '@quorate/replica';
import { type HttpResponse, JSON_TYPE, TEXT } from './types.js';

export function text(status: number, body: string): HttpResponse {
  return { status, contentType: TEXT, body };
}

export function textError(status: number, message: string, headers?: Readonly<Record<string, string>>): HttpResponse {
  const body = `${message}\n`;
  return headers === undefined ? { status, contentType: TEXT, body } : { status, contentType: TEXT, body, headers };
}

export function json(status: number, value: unknown, headers?: Readonly<Record<string, string>>): HttpResponse {
  const body = `${JSON.stringify(value)}\n`;
  return headers === undefined
    ? { status, contentType: JSON_TYPE, body }
    : { status, contentType: JSON_TYPE, body, headers };
}

export function jsonError(status: number, code: string, message: string): HttpResponse {
  return json(status, { error: code, message }, status === 503 ? RETRY_SOON : undefined);
}

const RETRY_SOON = { 'retry-after': '1' } as const;

export const WORLD: HttpResponse = text(200, 'world!');
export const CREATED: HttpResponse = text(201, 'key created successfully!');
export const UPDATED: HttpResponse = text(200, 'key updated successfully!');
export const DELETED: HttpResponse = text(200, 'key deleted successfully');
export const REGISTERED: HttpResponse = text(200, 'registered');

export const KEY_EXISTS: HttpResponse = textError(409, 'key already exists');
export const KEY_TOO_LONG: HttpResponse = textError(400, 'key size exceeded');
export const VALUE_TOO_LONG: HttpResponse = textError(400, 'value size exceeded');
export const TOO_MANY_KEYS: HttpResponse = textError(400, 'max keys exceeded');
export const KEY_EMPTY: HttpResponse = textError(400, 'key is empty');
export const BAD_BODY: HttpResponse = textError(400, 'Unable to decode body');
/** The seed spells it with a small letter here. */
export const BAD_REGISTRATION_BODY: HttpResponse = textError(400, 'unable to decode body');
export const REGISTRATION_FAILED: HttpResponse = textError(500, 'Registration of Follower failed');
export const KEY_NOT_FOUND: HttpResponse = textError(404, 'key not found');
export const BAD_KEY_ENCODING: HttpResponse = textError(400, 'key is not valid percent-encoding');
export const BAD_CONSISTENCY: HttpResponse = textError(400, 'consistency must be linearizable or serializable');
/** What Go's http.NotFound answers, as the seed does for a path that it does not know. */
export const PAGE_NOT_FOUND: HttpResponse = textError(404, '404 page not found');
export const BODY_TOO_LARGE: HttpResponse = textError(413, 'request body too large');
export const NO_LEADER: HttpResponse = textError(503, 'no leader', RETRY_SOON);
export const STARTING: HttpResponse = textError(503, 'starting', RETRY_SOON);
export const STOPPING: HttpResponse = textError(503, 'this member is stopping', RETRY_SOON);
export const TOO_MANY_PIPELINED: HttpResponse = textError(503, 'too many requests wait on this connection', {
  ...RETRY_SOON,
  connection: 'close',
});
export const BUSY: HttpResponse = textError(503, 'too many requests under way', RETRY_SOON);
export const TIMED_OUT: HttpResponse = textError(504, 'request timed out');
export const OUTCOME_UNKNOWN: HttpResponse = textError(
  504,
  'outcome unknown: the write may or may not have been applied',
);
export const INTERNAL_ERROR: HttpResponse = textError(500, 'internal error');

export function methodNotAllowed(allow: string): HttpResponse {
  return textError(405, 'method not allowed', { allow });
}

/** What an error means over HTTP. `satisfies` keeps it complete: a new code does not compile until it has an answer. */
const STATUS_BY_CODE = {
  'no-leader': 503,
  'outcome-unknown': 504,
  timeout: 504,
  busy: 503,
  stopped: 503,
  'key-empty': 400,
  'key-too-long': 400,
  'value-too-long': 400,
  'too-many-keys': 400,
  'request-too-large': 413,
  'answer-too-large': 504,
  compacted: 400,
  'future-revision': 400,
  'invalid-argument': 400,
  'member-not-found': 404,
  'member-exists': 409,
  'member-not-caught-up': 409,
  'not-a-learner': 409,
  'too-many-learners': 409,
  'not-enough-started': 409,
  unhealthy: 503,
  'bad-transferee': 409,
  'no-space': 507,
  corrupt: 500,
  'configuration-refused': 409,
  'not-leader': 503,
  'data-folder': 500,
  disk: 500,
  'not-opened': 500,
  removed: 503,
} as const satisfies Record<ErrorCode, number>;

/** The seed's own words for the errors that it has words for. */
const TEXT_BY_CODE: Partial<Record<ErrorCode, HttpResponse>> = {
  'no-leader': NO_LEADER,
  'outcome-unknown': OUTCOME_UNKNOWN,
  timeout: TIMED_OUT,
  busy: BUSY,
  'key-empty': KEY_EMPTY,
  'key-too-long': KEY_TOO_LONG,
  'value-too-long': VALUE_TOO_LONG,
  'too-many-keys': TOO_MANY_KEYS,
  'request-too-large': BODY_TOO_LARGE,
  stopped: STOPPING,
};

/** Undefined: not one of ours, that is a fault of this program, which the caller must log. */
export function textOfError(error: unknown): HttpResponse | undefined {
  if (!(error instanceof QuorateError)) return undefined;
  // Whatever went wrong, a write that may have been applied must not read as one that was not.
  if (error.outcome === 'unknown') return OUTCOME_UNKNOWN;
  const status = STATUS_BY_CODE[error.code];
  return TEXT_BY_CODE[error.code] ?? textError(status, error.message, status === 503 ? RETRY_SOON : undefined);
}

/** The same as JSON. */
export function jsonOfError(error: unknown): HttpResponse | undefined {
  if (!(error instanceof QuorateError)) return undefined;
  if (error.outcome === 'unknown') return jsonError(504, 'outcome-unknown', error.message);
  return jsonError(STATUS_BY_CODE[error.code], error.code, error.message);
}
