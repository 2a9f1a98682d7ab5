/**
 * The calls for keys: the seed's `POST /key`, `GET /key/{key}` and `DELETE /key/{key}`, and `PUT /key/{key}` beside them.
 *
 * Order of checks, as in the seed: body, key length, value length; then what the store says (full, there already, not there). Where
 * the seed says nothing or cannot work: an empty key is refused (it could never be read or deleted by its path), a body without a key is
 * "not that JSON", a missing value is the empty value, and the key's and the value's JSON in an answer is what JSON.stringify makes.
 */
import type { Kv, Limits, ReadOptions, WriteOptions } from '@quorate/replica';
import { decodeStringFields } from './json-body.js';
import { decodeKeySegment, isLongerThan, queryParameter } from './key-path.js';
import * as answers from './responses.js';
import { type HttpResponse, JSON_TYPE } from './types.js';

const CREATE_FIELDS = ['key', 'value'] as const;
const PUT_FIELDS = ['value'] as const;
const LINEARIZABLE: ReadOptions = { consistency: 'linearizable' };
const SERIALIZABLE: ReadOptions = { consistency: 'serializable' };

export class KeyCalls {
  private readonly kv: Kv;
  private readonly limits: Limits;
  private readonly writeOptions: WriteOptions;
  /** Told of errors that are faults of this program. */
  private readonly onFault: (error: unknown) => void;

  constructor(kv: Kv, limits: Limits, onFault: (error: unknown) => void) {
    this.kv = kv;
    this.limits = limits;
    this.writeOptions = { limits };
    this.onFault = onFault;
  }

  async create(body: Uint8Array | undefined): Promise<HttpResponse> {
    const fields = decodeStringFields(body, CREATE_FIELDS);
    if (fields?.key === undefined) return answers.BAD_BODY;
    const value = fields.value ?? '';
    const refusal = this.refusal(fields.key, value);
    if (refusal !== undefined) return refusal;
    try {
      const result = await this.kv.create(fields.key, value, this.writeOptions);
      return result.created ? answers.CREATED : answers.KEY_EXISTS;
    } catch (error) {
      return this.answerTo(error);
    }
  }

  async put(segment: string, body: Uint8Array | undefined): Promise<HttpResponse> {
    const key = decodeKeySegment(segment);
    if (key === undefined) return answers.BAD_KEY_ENCODING;
    const value = decodeStringFields(body, PUT_FIELDS)?.value;
    if (value === undefined) return answers.BAD_BODY;
    const refusal = this.refusal(key, value);
    if (refusal !== undefined) return refusal;
    try {
      const result = await this.kv.put(key, value, this.writeOptions);
      return result.created ? answers.CREATED : answers.UPDATED;
    } catch (error) {
      return this.answerTo(error);
    }
  }

  async get(segment: string, query: string): Promise<HttpResponse> {
    const key = decodeKeySegment(segment);
    if (key === undefined) return answers.BAD_KEY_ENCODING;
    if (isLongerThan(key, this.limits.keyBytesMax)) return answers.KEY_TOO_LONG;
    const options = readOptions(query);
    if (options === undefined) return answers.BAD_CONSISTENCY;
    try {
      const found = await this.kv.get(key, options);
      if (found === undefined) return answers.KEY_NOT_FOUND;
      const name = typeof key === 'string' ? key : key.toString();
      const body = `{ ${JSON.stringify(name)} : ${JSON.stringify(found.value.toString())} }`;
      return { status: 200, contentType: JSON_TYPE, body };
    } catch (error) {
      return this.answerTo(error);
    }
  }

  /** A key over the limit is not looked at twice: it cannot be there unless another door wrote it, so the store decides, as in the seed. */
  async delete(segment: string): Promise<HttpResponse> {
    const key = decodeKeySegment(segment);
    if (key === undefined) return answers.BAD_KEY_ENCODING;
    try {
      const result = await this.kv.delete(key);
      return result.deleted === 0 ? answers.KEY_NOT_FOUND : answers.DELETED;
    } catch (error) {
      return this.answerTo(error);
    }
  }

  /** Early checks, for a quick answer; the same limits travel with the write and bind when it is applied. */
  private refusal(key: string | Uint8Array, value: string): HttpResponse | undefined {
    if (key.length === 0) return answers.KEY_EMPTY;
    if (isLongerThan(key, this.limits.keyBytesMax)) return answers.KEY_TOO_LONG;
    if (isLongerThan(value, this.limits.valueBytesMax)) return answers.VALUE_TOO_LONG;
    return undefined;
  }

  private answerTo(error: unknown): HttpResponse {
    const answer = answers.textOfError(error);
    if (answer !== undefined) return answer;
    this.onFault(error);
    return answers.INTERNAL_ERROR;
  }
}

/** Undefined: `consistency` is neither of the two. */
export function readOptions(query: string): ReadOptions | undefined {
  if (query === '') return LINEARIZABLE;
  const consistency = queryParameter(query, 'consistency') ?? 'linearizable';
  if (consistency === 'linearizable') return LINEARIZABLE;
  return consistency === 'serializable' ? SERIALIZABLE : undefined;
}
