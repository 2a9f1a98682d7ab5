/** What the tests of errors share. */
import assert from 'node:assert/strict';
import { ClientError } from '../src/index.js';

/** The error that the work rejects with. */
export async function failure(work: Promise<unknown>): Promise<ClientError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof ClientError, String(error));
    return error;
  }
  return assert.fail('it should have failed');
}
