/** Service KV (contract sections 3 and 4). */
import {
  type CompactionRequest,
  type CompactionResponse,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type RangeStreamResponse,
  type ResponseHeader,
  SERVICES,
  type TxnRequest,
  type TxnResponse,
} from '@quorate/proto';
import type { Command, RangeOperation, Response, TxnOperation } from '@quorate/replica/internal';
import type { EtcdBackend } from './backend.js';
import { etcdFailure, memberFailure, storeFailure } from './errors.js';
import { PlainPut, plainPutCommand } from './plain-put.js';
import {
  type CallContext,
  type DirectCall,
  type Duplex,
  type Reply,
  type Served,
  stream,
  type UnaryHandler,
  unary,
} from './service.js';
import {
  deleteMessage,
  deleteOperation,
  putMessage,
  putOperation,
  Refused,
  rangeMessage,
  rangeOperation,
  safeInteger,
  txnMessage,
  txnOperation,
} from './translate.js';

/** Bytes of keys and values in one part of a RangeStream, about. */
const STREAM_PART_BYTES = 256 * 1024;

/** What the store says of a change. */
type Changed = Extract<Response, { readonly kind: 'put' | 'delete' | 'txn' }>;

export class KvService {
  readonly #backend: EtcdBackend;

  constructor(backend: EtcdBackend) {
    this.#backend = backend;
  }

  methods(): readonly Served[] {
    const methods = SERVICES['etcdserverpb.KV'];
    return [
      unary(
        methods.Range,
        refusing((request, _call, reply) => this.#range(request, reply)),
      ),
      unary(
        methods.Put,
        refusing((request, call, reply) => this.#put(request, call, reply)),
        (request, call) => this.#putDirectly(request, call),
      ),
      unary(
        methods.DeleteRange,
        refusing((request, call, reply) => this.#delete(request, call, reply)),
      ),
      unary(
        methods.Txn,
        refusing((request, call, reply) => this.#txn(request, call, reply)),
      ),
      unary(methods.Compact, (request, _call, reply) => this.#compact(request, reply)),
      stream(methods.RangeStream, (parts) => this.#rangeStream(parts)),
    ];
  }

  #range(request: RangeRequest, reply: Reply<RangeResponse>): void {
    const operation = rangeOperation(request);
    this.#read(request.serializable, reply, () => {
      const response = this.#backend.door.store().range(operation);
      if (response.kind === 'error') reply.fail(storeFailure(response.code));
      else reply.ok({ ...rangeMessage(response), header: this.#backend.headers.now() });
    });
  }

  #put(request: PutRequest, call: CallContext, reply: Reply<PutResponse>): void {
    const operation = putOperation(request);
    this.#execute({ operation, limits: undefined }, 'put', call, reply, putMessage);
  }

  #putDirectly(request: Uint8Array, call: DirectCall): boolean {
    if (request.length > this.#backend.settings.requestBytesMax) return false;
    const command = plainPutCommand(request);
    if (command === undefined) return false;
    this.#backend.door.put(command, new PlainPut(call, this.#backend.headers));
    return true;
  }

  #delete(request: DeleteRangeRequest, call: CallContext, reply: Reply<DeleteRangeResponse>): void {
    const operation = deleteOperation(request);
    this.#execute({ operation, limits: undefined }, 'delete', call, reply, deleteMessage);
  }

  #txn(request: TxnRequest, call: CallContext, reply: Reply<TxnResponse>): void {
    const operation = txnOperation(request, this.#backend.settings.txnOperationsMax);
    if (isReadOnly(request)) {
      this.#readTransaction(request, operation, reply);
      return;
    }
    this.#execute({ operation, limits: undefined }, 'txn', call, reply, txnMessage);
  }

  /** Contract 14: no log entry, and no question to anybody if every range in it may be stale. */
  #readTransaction(request: TxnRequest, operation: TxnOperation, reply: Reply<TxnResponse>): void {
    const ranges = [...request.success, ...request.failure];
    const isSerializable = ranges.every(({ requestRange }) => requestRange?.serializable === true);
    const kept = withOwnOperands(operation);
    this.#read(isSerializable, reply, () => {
      const response = this.#backend.door.store().query(kept);
      if (response.kind === 'error') reply.fail(storeFailure(response.code));
      else if (response.kind === 'txn') reply.ok({ ...txnMessage(response), header: this.#backend.headers.now() });
    });
  }

  /** Its memory comes back by itself, a slice at a time; `physical` asks to wait for that, and there is no database file to wait for. */
  #compact(request: CompactionRequest, reply: Reply<CompactionResponse>): void {
    const operation = { kind: 'compact', revision: safeInteger(request.revision) } as const;
    this.#backend.door.execute({ operation, limits: undefined }, (result) => {
      if (!result.ok) reply.fail(memberFailure(result));
      else if (result.value.kind === 'error') reply.fail(storeFailure(result.value.code));
      else reply.ok({ header: this.#backend.headers.now() });
    });
  }

  /**
   * Contract 8: one pinned revision in parts of a bounded size; header, count and `more` come with the last. Parts are read one at
   * a time at that revision, so a slow client costs one part of memory.
   */
  #rangeStream(parts: Duplex<RangeRequest, RangeStreamResponse>): void {
    parts.onMessage((request) => {
      const failed: Pick<Reply<never>, 'fail'> = { fail: (failure) => parts.end(failure) };
      try {
        const operation = rangeOperation(request);
        checkStreamable(operation);
        this.#read(request.serializable, failed, () => this.#sendParts(parts, operation));
      } catch (error) {
        refused(error, failed);
      }
    });
  }

  #sendParts(parts: Duplex<RangeRequest, RangeStreamResponse>, operation: RangeOperation): void {
    // One whole read at the pinned revision: its key-values are views of the store's own memory, so it is only the list that is held.
    const response = this.#backend.door.store().range(operation);
    if (response.kind === 'error') {
      parts.end(storeFailure(response.code));
      return;
    }
    const { kvs, more, count } = rangeMessage(response);
    const header = this.#backend.headers.now();
    let next = 0;
    let isOver = false;
    const sendSome = (): void => {
      while (!isOver) {
        const from = next;
        let bytes = 0;
        for (; next < kvs.length && (bytes < STREAM_PART_BYTES || next === from); next++) {
          bytes += (kvs[next]?.key.length ?? 0) + (kvs[next]?.value.length ?? 0);
        }
        const part = kvs.slice(from, next);
        if (next === kvs.length) {
          isOver = true;
          parts.send({ rangeResponse: { header, kvs: part, more, count } });
          parts.end();
          return;
        }
        if (!parts.send({ rangeResponse: { header: undefined, kvs: part, more: false, count: 0 } })) return;
      }
    };
    parts.onDrain(sendSome);
    sendSome();
  }

  #read(isSerializable: boolean, reply: Pick<Reply<never>, 'fail'>, then: () => void): void {
    this.#backend.door.read(isSerializable ? 'serializable' : 'linearizable', (result) => {
      if (!result.ok) reply.fail(memberFailure(result));
      else if (this.#isCorrupt()) reply.fail(etcdFailure('Corrupt'));
      else then();
    });
  }

  #isCorrupt(): boolean {
    return this.#backend.door
      .store()
      .alarms()
      .some(({ alarm }) => alarm === 'corrupt');
  }

  #execute<Answer extends Changed, Body extends object>(
    command: Command,
    kind: Answer['kind'],
    call: CallContext,
    reply: Reply<Body & { readonly header: ResponseHeader }>,
    translate: (response: Answer) => Body,
  ): void {
    if (call.requestBytes > this.#backend.settings.requestBytesMax) throw new Refused(etcdFailure('RequestTooLarge'));
    this.#backend.door.execute(command, (result) => {
      if (!result.ok) reply.fail(memberFailure(result));
      else if (result.value.kind === 'error') reply.fail(storeFailure(result.value.code));
      else if (result.value.kind === kind) {
        const response = result.value as Answer;
        reply.ok({ ...translate(response), header: this.#backend.headers.now(response.revision) });
      }
    });
  }
}

/** The transaction without a view of its message, which is not there any more when it is looked at. */
function withOwnOperands(operation: TxnOperation): TxnOperation {
  const compares = operation.compares.map((compare) =>
    compare.target === 'value' ? { ...compare, operand: Uint8Array.from(compare.operand) } : compare,
  );
  return { ...operation, compares };
}

function isReadOnly(request: TxnRequest): boolean {
  return [...request.success, ...request.failure].every(({ requestRange }) => requestRange !== undefined);
}

function checkStreamable(operation: RangeOperation): void {
  if (operation.sortOrder !== 'none' && (operation.sortTarget !== 'key' || operation.sortOrder !== 'ascending')) {
    throw new Refused(etcdFailure('RangeStreamSortUnsupported'));
  }
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = operation;
  if (minModRevision + maxModRevision + minCreateRevision + maxCreateRevision > 0) {
    throw new Refused(etcdFailure('RangeStreamFilterUnsupported'));
  }
}

/** The handler, which answers with the refusal that it throws, if it throws one. */
function refusing<Request, Message>(handler: UnaryHandler<Request, Message>): UnaryHandler<Request, Message> {
  return (request, call, reply) => {
    try {
      handler(request, call, reply);
    } catch (error) {
      refused(error, reply);
    }
  };
}

function refused(error: unknown, reply: Pick<Reply<never>, 'fail'>): void {
  if (!(error instanceof Refused)) throw error;
  reply.fail(error.failure);
}
