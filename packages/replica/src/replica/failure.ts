/**
 * Operating errors as values. Every request ends in a Result; a failure says whether the request may have been applied.
 */

/** `rejected`: surely not applied. `unknown`: it may have been, or may yet be. `invalid`: the request itself is wrong. */
export type FailureOutcome = 'rejected' | 'unknown' | 'invalid';

export type FailureCode =
  | 'no-leader'
  | 'not-leader'
  | 'outcome-unknown'
  | 'timeout'
  | 'busy'
  | 'stopped'
  | 'request-too-large'
  | 'answer-too-large'
  | 'member-not-found'
  | 'member-exists'
  | 'member-not-caught-up'
  | 'not-a-learner'
  | 'too-many-learners'
  | 'not-enough-started'
  | 'unhealthy'
  | 'bad-transferee'
  | 'configuration-refused'
  | 'invalid-argument'
  | 'data-folder'
  | 'removed';

export interface Failure {
  readonly ok: false;
  readonly code: FailureCode;
  readonly outcome: FailureOutcome;
  readonly message: string;
}

export type Result<T> = { readonly ok: true; readonly value: T } | Failure;

export function success<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function failure(code: FailureCode, outcome: FailureOutcome, message: string): Failure {
  return { ok: false, code, outcome, message };
}

export const noLeader: Failure = failure('no-leader', 'rejected', 'no leader');
export const stopping: Failure = failure('stopped', 'rejected', 'this member is stopping');
export const outcomeUnknown: Failure = failure(
  'outcome-unknown',
  'unknown',
  'the leader was lost before it answered: the outcome is unknown',
);

export function answerTooLarge(bytes: number, bytesMax: number): Failure {
  const limit = `members send each other at most ${bytesMax}: ask the leader, or for less`;
  return failure('answer-too-large', 'unknown', `applied, but its answer has ${bytes} bytes, and ${limit}`);
}

export function commandTooLarge(bytes: number, bytesMax: number): Failure {
  return failure('request-too-large', 'invalid', `a command has at most ${bytesMax} bytes, not ${bytes}`);
}
