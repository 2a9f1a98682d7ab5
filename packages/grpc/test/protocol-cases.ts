/**
 * What a client may do wrong, or unusually, and what must come of it: cases in the manner of h2spec, by section of RFC 9113 (P) or
 * RFC 7541 (H). The preface and empty SETTINGS have been sent before each.
 */
import { literalFields } from '../src/hpack/encoder.js';
import { Flag, FrameType } from '../src/http2/protocol.js';
import {
  data,
  frame,
  headers,
  message,
  ping,
  requestFields,
  resetStream,
  settings,
  u32,
  unaryCall,
  windowUpdate,
} from './support/raw-client.js';

/** `ok`: a ping is answered; `call`: stream 1 comes to this; `stream`: stream 1 is reset so; `connection`: GOAWAY with this error. */
export type Expectation =
  | { readonly is: 'ok' }
  | { readonly is: 'call'; readonly outcome: string }
  | { readonly is: 'stream'; readonly error: string }
  | { readonly is: 'connection'; readonly error: string };

export type ProtocolCase = readonly [name: string, bytes: readonly Uint8Array[], expected: Expectation];

const ok: Expectation = { is: 'ok' };
const call = (outcome: string): Expectation => ({ is: 'call', outcome });
const stream = (error: string): Expectation => ({ is: 'stream', error });
const connection = (error: string): Expectation => ({ is: 'connection', error });

const HI = '200 "hi" 0';
const block = literalFields(requestFields());
const bytes = (length: number): Buffer => Buffer.alloc(length);
const without = (name: string): readonly (readonly [string, string])[] =>
  requestFields().filter(([key]) => key !== name);
const ended = Flag.endHeaders | Flag.endStream;
const padded = (payload: Uint8Array, padding: number): Buffer =>
  Buffer.concat([Buffer.of(padding), payload, bytes(padding)]);
/** A request whose block is these bytes. */
const raw = (...values: readonly number[]): Buffer => frame(FrameType.headers, ended, 1, Uint8Array.from(values));
const held = headers(1, requestFields('Hold'));

export const FRAME_CASES: readonly ProtocolCase[] = [
  ['P4.1 ignores a frame of an unknown type', [frame(0x16, 0xff, 0, bytes(8))], ok],
  ['P4.1 ignores unknown flags', [frame(FrameType.ping, 0x16, 0, bytes(8))], ok],
  ['P4.1 ignores the reserved bit of a stream id', [headers(0x80000001), data(0x80000001, message('hi'))], call(HI)],
  [
    'P4.2 accepts a frame of the largest size',
    [headers(1), data(1, message(bytes(16_379)), 0), data(1, bytes(0))],
    call(`200 "${bytes(16_379).toString()}" 0`),
  ],
  ['P4.2 refuses a larger DATA frame', [headers(1), data(1, bytes(16_385))], connection('frameSizeError')],
  [
    'P4.2 refuses a larger HEADERS frame',
    [frame(FrameType.headers, ended, 1, bytes(16_385))],
    connection('frameSizeError'),
  ],
  [
    'P4.3 refuses a block that is interrupted by another stream',
    [frame(FrameType.headers, 0, 1, block), headers(3)],
    connection('protocolError'),
  ],
  [
    'P4.3 refuses a block that is interrupted by DATA',
    [frame(FrameType.headers, 0, 1, block), data(1, bytes(0))],
    connection('protocolError'),
  ],
  [
    'P4.3 refuses a block that is interrupted by an unknown frame',
    [frame(FrameType.headers, 0, 1, block), frame(0x16, 0, 0)],
    connection('protocolError'),
  ],
  ['P6.1 refuses DATA on stream 0', [data(0, bytes(1))], connection('protocolError')],
  ['P6.1 takes padded DATA', [headers(1), data(1, padded(message('hi'), 9), Flag.endStream | Flag.padded)], call(HI)],
  [
    'P6.1 takes DATA of padding alone',
    [headers(1), data(1, padded(bytes(0), 9), Flag.padded), data(1, message('hi'))],
    call(HI),
  ],
  [
    'P6.1 refuses more padding than DATA',
    [headers(1), data(1, Buffer.of(5, 0, 0, 0), Flag.padded)],
    connection('protocolError'),
  ],
  [
    'P6.1 refuses padded DATA without a length',
    [headers(1), data(1, bytes(0), Flag.padded)],
    connection('frameSizeError'),
  ],
  ['P6.2 refuses HEADERS on stream 0', [headers(0)], connection('protocolError')],
  [
    'P6.2 takes padded HEADERS with a priority',
    [
      frame(
        FrameType.headers,
        Flag.endHeaders | Flag.padded | Flag.priority,
        1,
        padded(Buffer.concat([bytes(5), block]), 7),
      ),
      data(1, message('hi')),
    ],
    call(HI),
  ],
  [
    'P6.2 refuses more padding than HEADERS',
    [frame(FrameType.headers, ended | Flag.padded, 1, Buffer.concat([Buffer.of(250), bytes(20)]))],
    connection('protocolError'),
  ],
  [
    'P6.2 refuses HEADERS that are shorter than their priority',
    [frame(FrameType.headers, ended | Flag.priority, 1, bytes(3))],
    connection('frameSizeError'),
  ],
  ['P6.3 ignores PRIORITY', [frame(FrameType.priority, 0, 7, bytes(5)), unaryCall(1)], call(HI)],
  ['P6.3 refuses PRIORITY on stream 0', [frame(FrameType.priority, 0, 0, bytes(5))], connection('protocolError')],
  [
    'P6.3 refuses PRIORITY of another size',
    [held, frame(FrameType.priority, 0, 1, bytes(4))],
    stream('frameSizeError'),
  ],
  ['P6.4 refuses RST_STREAM on stream 0', [resetStream(0, 8)], connection('protocolError')],
  ['P6.4 refuses RST_STREAM on an idle stream', [resetStream(1, 8)], connection('protocolError')],
  [
    'P6.4 refuses RST_STREAM of another size',
    [held, frame(FrameType.resetStream, 0, 1, bytes(3))],
    connection('frameSizeError'),
  ],
  ['P6.5 refuses SETTINGS on a stream', [frame(FrameType.settings, 0, 1)], connection('protocolError')],
  [
    'P6.5 refuses an acknowledgement with settings',
    [frame(FrameType.settings, Flag.ack, 0, bytes(6))],
    connection('frameSizeError'),
  ],
  ['P6.5 refuses SETTINGS that are cut off', [frame(FrameType.settings, 0, 0, bytes(3))], connection('frameSizeError')],
  ['P6.5.2 refuses ENABLE_PUSH of 2', [settings([2, 2])], connection('protocolError')],
  ['P6.5.2 refuses INITIAL_WINDOW_SIZE of 2^31', [settings([4, 0x80000000])], connection('flowControlError')],
  ['P6.5.2 refuses MAX_FRAME_SIZE of 16,383', [settings([5, 16_383])], connection('protocolError')],
  ['P6.5.2 refuses MAX_FRAME_SIZE of 2^24', [settings([5, 16_777_216])], connection('protocolError')],
  ['P6.5.2 ignores unknown settings', [settings([0x99, 1])], ok],
  [
    'P6.6 refuses PUSH_PROMISE',
    [held, frame(FrameType.pushPromise, Flag.endHeaders, 1, bytes(8))],
    connection('protocolError'),
  ],
  ['P6.7 refuses PING on a stream', [frame(FrameType.ping, 0, 1, bytes(8))], connection('protocolError')],
  ['P6.7 refuses PING of another size', [frame(FrameType.ping, 0, 0, bytes(6))], connection('frameSizeError')],
  ['P6.7 does not answer an answer', [frame(FrameType.ping, Flag.ack, 0, bytes(8)), unaryCall(1)], call(HI)],
  ['P6.8 refuses GOAWAY on a stream', [frame(FrameType.goAway, 0, 1, bytes(8))], connection('protocolError')],
  ["P6.8 takes calls after the client's GOAWAY", [frame(FrameType.goAway, 0, 0, bytes(8)), unaryCall(1)], call(HI)],
  ['P6.9 refuses WINDOW_UPDATE of 0 on the connection', [windowUpdate(0, 0)], connection('protocolError')],
  ['P6.9 refuses WINDOW_UPDATE of 0 on a stream', [held, windowUpdate(1, 0)], stream('protocolError')],
  [
    'P6.9 refuses WINDOW_UPDATE of another size',
    [frame(FrameType.windowUpdate, 0, 0, bytes(3))],
    connection('frameSizeError'),
  ],
  ['P6.9 refuses WINDOW_UPDATE on an idle stream', [windowUpdate(1, 100)], connection('protocolError')],
  [
    'P6.9.1 refuses a connection window above 2^31-1',
    [windowUpdate(0, 0x7fffffff), windowUpdate(0, 0x7fffffff)],
    connection('flowControlError'),
  ],
  [
    'P6.9.1 refuses a stream window above 2^31-1',
    [held, windowUpdate(1, 0x7fffffff), windowUpdate(1, 0x7fffffff)],
    stream('flowControlError'),
  ],
  [
    "P6.9.2 refuses an initial window that lifts a stream's above 2^31-1",
    [held, windowUpdate(1, 0x7fff0000), settings([4, 0x7fffffff])],
    connection('flowControlError'),
  ],
  [
    'P6.10 takes a block in pieces',
    [
      frame(FrameType.headers, 0, 1, block.subarray(0, 3)),
      frame(FrameType.continuation, 0, 1, block.subarray(3, 40)),
      frame(FrameType.continuation, Flag.endHeaders, 1, block.subarray(40)),
      data(1, message('hi')),
    ],
    call(HI),
  ],
  [
    'P6.10 refuses CONTINUATION on another stream',
    [frame(FrameType.headers, 0, 1, block), frame(FrameType.continuation, Flag.endHeaders, 3)],
    connection('protocolError'),
  ],
  [
    "P6.10 refuses CONTINUATION after the block's end",
    [held, frame(FrameType.continuation, Flag.endHeaders, 1)],
    connection('protocolError'),
  ],
];

export const STREAM_CASES: readonly ProtocolCase[] = [
  ['P5.1 refuses DATA on an idle stream', [data(1, bytes(1))], connection('protocolError')],
  [
    'P5.1 refuses CONTINUATION on an idle stream',
    [frame(FrameType.continuation, Flag.endHeaders, 1)],
    connection('protocolError'),
  ],
  ['P5.1 refuses DATA after END_STREAM', [held, data(1, message('x')), data(1, message('x'))], stream('streamClosed')],
  [
    'P5.1 refuses HEADERS after END_STREAM',
    [held, data(1, message('x')), headers(1, [], ended)],
    stream('streamClosed'),
  ],
  ['P5.1 refuses DATA on a stream that is complete', [unaryCall(1), data(1, bytes(1))], connection('streamClosed')],
  ['P5.1 refuses HEADERS on a stream that is complete', [unaryCall(1), headers(1)], connection('streamClosed')],
  ['P5.1 refuses DATA after RST_STREAM', [held, resetStream(1, 8), data(1, bytes(1))], stream('streamClosed')],
  ['P5.1 refuses HEADERS after RST_STREAM', [held, resetStream(1, 8), headers(1)], stream('streamClosed')],
  [
    'P5.1 ignores WINDOW_UPDATE and RST_STREAM on a stream that is complete',
    [unaryCall(1), windowUpdate(1, 9), resetStream(1, 8)],
    call(HI),
  ],
  ['P5.1.1 refuses a stream with an even id', [headers(2)], connection('protocolError')],
  [
    'P5.1.1 refuses a stream id that is lower than the last',
    [headers(5, requestFields('Hold')), headers(3)],
    connection('protocolError'),
  ],
  ['P8.1 refuses a second block without END_STREAM', [held, headers(1, [['a', 'b']])], stream('protocolError')],
  ['P8.1 takes trailers', [headers(1), data(1, message('hi'), 0), headers(1, [['a', 'b']], ended)], call(HI)],
  [
    'P8.1 refuses pseudo-header fields in trailers',
    [held, headers(1, [[':path', '/x']], ended)],
    stream('protocolError'),
  ],
  [
    'P8.1.1 refuses less content than announced',
    [headers(1, requestFields('Hold', ['content-length', '100'])), data(1, message('hi'))],
    stream('protocolError'),
  ],
  [
    'P8.1.1 refuses more content than announced',
    [headers(1, requestFields('Hold', ['content-length', '3'])), data(1, message('hi'))],
    stream('protocolError'),
  ],
  [
    'P8.1.1 refuses announced content that never begins',
    [headers(1, requestFields('Hold', ['content-length', '3']), ended)],
    stream('protocolError'),
  ],
  [
    'P8.1.1 takes as much content as announced',
    [headers(1, requestFields('Unary', ['content-length', '7'])), data(1, message('hi'))],
    call(HI),
  ],
  ['P8.2.1 refuses an upper-case name', [headers(1, requestFields('Unary', ['X-Test', 'a']))], stream('protocolError')],
  ['P8.2.1 refuses a space in a name', [headers(1, requestFields('Unary', ['x test', 'a']))], stream('protocolError')],
  ['P8.2.1 refuses an empty name', [headers(1, requestFields('Unary', ['', 'a']))], stream('protocolError')],
  [
    'P8.2.1 refuses a line break in a value',
    [headers(1, requestFields('Unary', ['x', 'a\r\nb: c']))],
    stream('protocolError'),
  ],
  ['P8.2.1 refuses a NUL in a value', [headers(1, requestFields('Unary', ['x', 'a\0b']))], stream('protocolError')],
  [
    'P8.2.1 refuses white space around a value',
    [headers(1, requestFields('Unary', ['x', ' a']))],
    stream('protocolError'),
  ],
  [
    'P8.2.2 refuses connection: close',
    [headers(1, requestFields('Unary', ['connection', 'close']))],
    stream('protocolError'),
  ],
  [
    'P8.2.2 refuses transfer-encoding',
    [headers(1, requestFields('Unary', ['transfer-encoding', 'chunked']))],
    stream('protocolError'),
  ],
  ['P8.2.2 refuses te: gzip', [headers(1, [...without('te'), ['te', 'gzip']])], stream('protocolError')],
  [
    'P8.3 refuses an unknown pseudo-header field',
    [headers(1, [[':test', 'x'], ...requestFields()])],
    stream('protocolError'),
  ],
  [
    "P8.3 refuses a response's pseudo-header field",
    [headers(1, [[':status', '200'], ...requestFields()])],
    stream('protocolError'),
  ],
  [
    'P8.3 refuses a pseudo-header field after others',
    [headers(1, [...without(':path'), [':path', '/test.Echo/Unary']])],
    stream('protocolError'),
  ],
  [
    'P8.3 refuses a pseudo-header field twice',
    [headers(1, [[':path', '/x'], ...requestFields()])],
    stream('protocolError'),
  ],
  ['P8.3.1 refuses a request without :method', [headers(1, without(':method'))], stream('protocolError')],
  ['P8.3.1 refuses a request without :scheme', [headers(1, without(':scheme'))], stream('protocolError')],
  ['P8.3.1 refuses a request without :path', [headers(1, without(':path'))], stream('protocolError')],
  ['P8.3.1 refuses an empty :path', [headers(1, [[':path', ''], ...without(':path')])], stream('protocolError')],
];

export const HEADER_CASES: readonly ProtocolCase[] = [
  ['H2.3.3 refuses an index beyond the table', [raw(0xbf, 0x80)], connection('compressionError')],
  ['H6.1 refuses index 0', [raw(0x80)], connection('compressionError')],
  ['H4.2 refuses a size update after a field', [raw(0x83, 0x20)], connection('compressionError')],
  [
    'H4.2 takes size updates before the fields',
    [
      frame(FrameType.headers, Flag.endHeaders, 1, Buffer.concat([Buffer.of(0x20, 0x3f, 0xe1, 0x1f), block])),
      data(1, message('hi')),
    ],
    call(HI),
  ],
  ['H6.3 refuses a table larger than allowed', [raw(0x3f, 0xe2, 0x1f)], connection('compressionError')],
  [
    'H5.1 refuses an integer without an end',
    [raw(0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01)],
    connection('compressionError'),
  ],
  ['H5.1 refuses an integer that is cut off', [raw(0xff, 0x80)], connection('compressionError')],
  ['H5.2 refuses a string that is cut off', [raw(0x00, 0x7f, 0x61)], connection('compressionError')],
  [
    'H5.2 refuses Huffman padding of more than 7 bits',
    [raw(0x00, 0x86, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0xff, 0x81, 0x1f)],
    connection('compressionError'),
  ],
  [
    'H5.2 refuses Huffman padding that is not the end of the string',
    [raw(0x00, 0x81, 0x18, 0x81, 0x1f)],
    connection('compressionError'),
  ],
  [
    'H5.2 refuses the end of the string within it',
    [raw(0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x81, 0x1f)],
    connection('compressionError'),
  ],
];

export const GRPC_CASES: readonly ProtocolCase[] = [
  ['answers a call', [unaryCall(1)], call(HI)],
  ['answers before the client has closed its side', [headers(1), data(1, message('hi'), 0)], call(HI)],
  [
    'takes a message in single bytes',
    [headers(1), ...[...message('hi')].map((byte) => data(1, Buffer.of(byte), 0)), data(1, bytes(0))],
    call(HI),
  ],
  [
    'refuses GET',
    [headers(1, [[':method', 'GET'], ...without(':method')], ended)],
    call('405 13 Received a HEADERS frame with :method "GET" which should be POST'),
  ],
  [
    'refuses another content type',
    [headers(1, [...without('content-type'), ['content-type', 'text/plain']], ended)],
    call('415 3 invalid gRPC request content-type "text/plain"'),
  ],
  [
    'refuses no content type',
    [headers(1, without('content-type'), ended)],
    call('415 3 invalid gRPC request content-type ""'),
  ],
  [
    'takes content types of gRPC with a suffix',
    [headers(1, [...without('content-type'), ['content-type', 'application/grpc+proto']]), data(1, message('hi'))],
    call(HI),
  ],
  [
    'refuses a malformed timeout',
    [headers(1, requestFields('Unary', ['grpc-timeout', '1x']), ended)],
    call('400 13 malformed grpc-timeout: "1x"'),
  ],
  [
    'ends a call without time',
    [headers(1, requestFields('Hold', ['grpc-timeout', '0n'])), data(1, message(''))],
    call('200 4 context deadline exceeded'),
  ],
  [
    'refuses a malformed method',
    [headers(1, [[':path', 'nothing'], ...without(':path')], ended)],
    call('200 12 malformed method name: "nothing"'),
  ],
  [
    'refuses an unknown service',
    [headers(1, [[':path', '/a.B/C'], ...without(':path')], ended)],
    call('200 12 unknown service a.B'),
  ],
  [
    'refuses an unknown method',
    [headers(1, requestFields('Nope'), ended)],
    call('200 12 unknown method Nope for service test.Echo'),
  ],
  [
    'refuses an unknown encoding',
    [headers(1, requestFields('Unary', ['grpc-encoding', 'br'])), data(1, message('hi', 1))],
    call('200 12 grpc: Decompressor is not installed for grpc-encoding "br"'),
  ],
  [
    'refuses a compressed message without an encoding',
    [headers(1), data(1, message('hi', 1))],
    call('200 13 grpc: compressed flag set with identity or empty encoding'),
  ],
  [
    'refuses what is not gzip',
    [headers(1, requestFields('Unary', ['grpc-encoding', 'gzip'])), data(1, message('hi', 1))],
    call('200 13 grpc: failed to decompress the received message: incorrect header check'),
  ],
  [
    'refuses an unknown message flag',
    [headers(1), data(1, message('hi', 2))],
    call('200 13 grpc: received unexpected payload format 2'),
  ],
  [
    'refuses a unary call without a message',
    [headers(1, requestFields(), ended)],
    call('200 13 cardinality violation: received no request message'),
  ],
  [
    'refuses a unary call with two messages',
    [headers(1, requestFields('Hold')), data(1, Buffer.concat([message('a'), message('b')]))],
    call('200 13 cardinality violation: received multiple request messages'),
  ],
  [
    'refuses a message that is cut off',
    [headers(1), data(1, message('hello').subarray(0, 8))],
    call('200 13 unexpected EOF'),
  ],
  [
    'refuses a large message by its prefix',
    [headers(1), data(1, Buffer.concat([Buffer.of(0), u32(0x7fffffff)]), 0)],
    call('200 8 grpc: received message larger than max (2147483647 vs. 2097152)'),
  ],
  ['answers pings', [ping()], ok],
];
