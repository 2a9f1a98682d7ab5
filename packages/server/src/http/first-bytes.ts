/**
 * Tells by the first bytes of a connection which protocol it speaks, so that one port serves them all: HTTP/2 clients begin with
 * a fixed preface (RFC 9113 3.4), and no HTTP/1.1 request begins like it.
 */
import type { Socket } from 'node:net';

/** Enough of the preface to tell: `PRI` is reserved and no method of HTTP/1.1. */
const PREFACE = Buffer.from('PRI * HTTP/2.0', 'latin1');
const PREFACE_TELLING_BYTES = 4;

export interface FirstBytesPort {
  /** `head`: what was read of the connection so far. */
  http2(socket: Socket, head: Buffer): void;
  http1(socket: Socket, head: Buffer): void;
}

/** A connection that says nothing for so long is closed. */
export function tellProtocol(socket: Socket, timeoutMs: number, port: FirstBytesPort): void {
  let head: Buffer = Buffer.alloc(0);
  const leave = (): void => {
    clearTimeout(timer);
    socket.off('readable', read);
    socket.off('end', hangUp);
    socket.off('error', leave);
    socket.off('close', leave);
  };
  const hangUp = (): void => socket.destroySoon();
  const read = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const telling = head.subarray(0, PREFACE_TELLING_BYTES);
    const isLikePreface = telling.equals(PREFACE.subarray(0, telling.length));
    if (isLikePreface && telling.length < PREFACE_TELLING_BYTES) return;
    leave();
    if (isLikePreface) port.http2(socket, head);
    else port.http1(socket, head);
  };
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  socket.on('readable', read);
  // It has said too little to be answered, and will say no more.
  socket.on('end', hangUp);
  // Whoever hangs up before saying anything is nobody's error.
  socket.on('error', leave);
  socket.on('close', leave);
}
