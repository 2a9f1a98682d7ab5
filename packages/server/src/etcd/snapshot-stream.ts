/**
 * A member's state as the stream that `etcdctl snapshot save` writes to a file (contract 37): pieces of 32 KiB, then the SHA-256 of
 * all of them. etcdctl takes a file for whole if it is 32 bytes longer than a multiple of 512, as etcd's database pages make it; so
 * zeros fill it up, and whoever reads the state stops where it ends.
 */
import { createHash } from 'node:crypto';
import type { SnapshotRequest, SnapshotResponse } from '@quorate/proto';
import type { StateSnapshot } from '@quorate/replica';
import type { CallContext, Duplex } from './service.js';

const BLOB_BYTES = 32 * 1024;
const PAGE_BYTES = 512;

export function streamSnapshot(
  snapshot: StateSnapshot,
  blobs: Duplex<SnapshotRequest, SnapshotResponse>,
  call: CallContext,
  version: string,
): void {
  const digest = createHash('sha256');
  let sentBytes = 0;
  let isOver = false;
  const send = (blob: Uint8Array): boolean => {
    sentBytes += blob.length;
    digest.update(blob);
    // Only about right: how long the state is as bytes is known when they are made.
    const remainingBytes = Math.max(BLOB_BYTES, snapshot.bytesEstimate - sentBytes);
    return blobs.send({ header: undefined, remainingBytes, blob, version });
  };
  const sendSome = (): void => {
    for (let chunk = snapshot.next(); chunk !== undefined; chunk = snapshot.next()) {
      if (chunk.length === 0) {
        setImmediate(sendMore);
        return;
      }
      let isRoomy = true;
      for (let from = 0; from < chunk.length; from += BLOB_BYTES) {
        // What is sent must not change any more, and the chunk's memory is the snapshot's.
        isRoomy = send(chunk.slice(from, from + BLOB_BYTES));
      }
      if (!isRoomy) return;
    }
    isOver = true;
    send(new Uint8Array((PAGE_BYTES - (sentBytes % PAGE_BYTES)) % PAGE_BYTES));
    blobs.send({ header: undefined, remainingBytes: 0, blob: digest.digest(), version });
    blobs.end();
    snapshot.release();
  };
  const sendMore = (): void => {
    if (!isOver && !call.isCancelled) sendSome();
  };
  call.onCancel(() => snapshot.release());
  blobs.onDrain(sendMore);
  sendSome();
}
