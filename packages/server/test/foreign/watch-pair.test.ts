/** The comparison of watches itself, against systems that answer just as late as a test wants. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type MessageInit, WatchRequest, WatchResponse } from '@quorate/proto';
import { type OpenWatchStream, WatchPair } from './differential/watch-pair.js';

const MARK = new TextEncoder().encode('mark');

/** Answers every creation and every end at once, and tells what it is given to tell. */
class ScriptedSystem {
  readonly requests: WatchRequest[] = [];
  tell: (response: MessageInit<WatchResponse>) => void = () => undefined;
  /** Runs before the answer to a creation. */
  beforeCreation: (watchId: number) => void = () => undefined;
  afterCreation: (watchId: number) => void = () => undefined;
  #watches = 0;

  readonly open: OpenWatchStream = (receive) => {
    this.tell = (response) => receive(WatchResponse.decode(WatchResponse.encode(response)));
    return { send: (request) => this.#answer(request), cancel: () => undefined };
  };

  #answer(request: MessageInit<WatchRequest>): void {
    this.requests.push(WatchRequest.decode(WatchRequest.encode(request)));
    if (request.createRequest) {
      const watchId = this.#watches++;
      this.beforeCreation(watchId);
      this.tell({ watchId, created: true });
      this.afterCreation(watchId);
    } else if (request.cancelRequest) {
      this.tell({ watchId: request.cancelRequest.watchId ?? 0, canceled: true });
    }
  }

  event(watchId: number, modRevision: number): void {
    this.tell({ watchId, events: [{ kv: { key: MARK, modRevision } }] });
  }
}

describe('the comparison of watches', () => {
  it('does not take what an earlier watch tells late for the event of the watch that it waits for', async () => {
    const early = new ScriptedSystem();
    const late = new ScriptedSystem();
    const pair = new WatchPair(early.open, late.open);
    await pair.create({ key: MARK, startRevision: 5 });
    for (const system of [early, late]) {
      system.beforeCreation = () => system.event(0, 5);
    }
    early.afterCreation = (watchId) => early.event(watchId, 6);
    const caughtUp = pair.caughtUp(MARK, 6);
    // A watch that is ended too soon is ended before anything else gets its turn: all answers so far came within the asking.
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      late.requests.filter((request) => request.cancelRequest !== undefined),
      [],
    );
    late.event(1, 6);
    await caughtUp;
    assert.equal(await pair.agree(), undefined);
    assert.equal(late.requests.at(-1)?.cancelRequest?.watchId, 1);
  });
});
