/**
 * The put of a key and a value and nothing else, which is what most puts are: from the bytes of its request to the bytes of its command,
 * and from its revision to the bytes of its answer, with no message in between.
 *
 * Whatever else a request may be (a lease, a flag, an empty key, fields in another order or that nobody knows, lengths longer than they
 * must be, malformed bytes) is left to the ordinary way, which knows what to say about it. Tests hold the two ways against each other.
 */
import type { PutWaiter } from '@quorate/replica';
import { nodePlatform, PLAIN_PUT_HEAD, type Response, type Result } from '@quorate/replica/internal';
import { memberFailure, storeFailure } from './errors.js';
import type { Headers } from './header.js';
import type { DirectCall } from './service.js';

const KEY_TAG = 0x0a;
const VALUE_TAG = 0x12;
/** What the command is longer than the request: a head of four bytes in place of two tags. */
const MORE_BYTES = 2;

/**
 * The command that the bytes of a PutRequest ask for; undefined if they are anything but a key and a value. The two formats differ in what
 * stands around the lengths and bytes of both:
 *
 *     request            0a key-length key 12 value-length value
 *     command       head(4) key-length key    value-length value
 *
 * so the command is the request copied to its end, with the key moved over the tag behind it.
 */
export function plainPutCommand(request: Uint8Array): Uint8Array | undefined {
  if (request[0] !== KEY_TAG) return undefined;
  const keyBytes = shortLength(request, 1);
  // An empty key is refused, but not here.
  if (keyBytes <= 0) return undefined;
  const keyEnd = 1 + lengthBytes(keyBytes) + keyBytes;
  if (request[keyEnd] !== VALUE_TAG) return undefined;
  const valueBytes = shortLength(request, keyEnd + 1);
  if (valueBytes < 0 || keyEnd + 1 + lengthBytes(valueBytes) + valueBytes !== request.length) return undefined;
  const command = nodePlatform.allocate(request.length + MORE_BYTES);
  command.set(request, MORE_BYTES);
  command.copyWithin(PLAIN_PUT_HEAD.length, MORE_BYTES + 1, MORE_BYTES + keyEnd);
  for (let at = 0; at < PLAIN_PUT_HEAD.length; at++) command[at] = PLAIN_PUT_HEAD[at] as number;
  return command;
}

/** A length of at most three bytes, as all within a request's limits are, in its shortest form, which is the command's; -1 for any other. */
function shortLength(bytes: Uint8Array, at: number): number {
  const low = bytes[at] as number;
  if (low < 0x80) return low;
  const middle = bytes[at + 1] as number;
  if (middle < 0x80) return middle === 0 ? -1 : (low & 0x7f) | (middle << 7);
  const high = bytes[at + 2] as number;
  return high < 0x80 && high > 0 ? (low & 0x7f) | ((middle & 0x7f) << 7) | (high << 14) : -1;
}

function lengthBytes(length: number): number {
  if (length < 0x80) return 1;
  return length < 0x4000 ? 2 : 3;
}

/** One put under way, for the call that asked for it. */
export class PlainPut implements PutWaiter {
  readonly #call: DirectCall;
  readonly #headers: Headers;

  constructor(call: DirectCall, headers: Headers) {
    this.#call = call;
    this.#headers = headers;
  }

  put(revision: number): void {
    this.#call.okEncoded(this.#headers.answer(revision));
  }

  done(result: Result<Response>): void {
    if (!result.ok) this.#call.fail(memberFailure(result));
    else if (result.value.kind === 'error') this.#call.fail(storeFailure(result.value.code));
    else if (result.value.kind === 'put') this.put(result.value.revision);
  }
}
