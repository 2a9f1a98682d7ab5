/**
 * One request of a connection at a time. node:http hands over what a client has pipelined at once and puts the answers in order; what
 * the requests do would then happen side by side, and a delete overtake the write before it (RFC 9112 9.3.2 allows that to safe requests
 * only).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** So many may wait on one connection. One more is refused, and the connection closed behind the refusal. */
export const PIPELINED_MAX = 128;

interface Waiting {
  readonly outgoing: ServerResponse;
  readonly begin: () => void;
}

interface Pipeline {
  /** A request is under way. */
  isBusy: boolean;
  readonly waiting: Waiting[];
}

export class Pipelines {
  private readonly bySocket = new WeakMap<Socket, Pipeline>();

  /** Calls `begin`, now or when all that came before on this connection is answered, or `refuse` if too much waits already. */
  enter({ socket }: IncomingMessage, outgoing: ServerResponse, begin: () => void, refuse: () => void): void {
    const pipeline = this.of(socket);
    if (!pipeline.isBusy) this.run(socket, pipeline, { outgoing, begin });
    else if (pipeline.waiting.length < PIPELINED_MAX) pipeline.waiting.push({ outgoing, begin });
    else if (pipeline.waiting.length === PIPELINED_MAX) pipeline.waiting.push({ outgoing, begin: refuse });
    // Behind the refusal nothing is answered any more.
  }

  private of(socket: Socket): Pipeline {
    const known = this.bySocket.get(socket);
    if (known !== undefined) return known;
    const pipeline: Pipeline = { isBusy: false, waiting: [] };
    this.bySocket.set(socket, pipeline);
    return pipeline;
  }

  private run(socket: Socket, pipeline: Pipeline, { outgoing, begin }: Waiting): void {
    pipeline.isBusy = true;
    outgoing.once('close', () => {
      pipeline.isBusy = false;
      const next = pipeline.waiting.shift();
      // What has not begun when the connection is gone never does.
      if (next !== undefined && !socket.destroyed) this.run(socket, pipeline, next);
    });
    begin();
  }
}
