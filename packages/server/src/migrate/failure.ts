/** A migration that cannot go on, with the reason for the operator. */
export class MigrationFailure extends Error {
  override readonly name = 'MigrationFailure';
}
