/** The Random seam: named streams, so that one more draw in one place does not shift the draws of every other. */
export interface Random {
  /** The stream of that name; the same name gives the same stream. */
  stream(name: string): RandomStream;
}

export interface RandomStream {
  /** An integer in [0, bound), `bound` a positive safe integer. */
  integer(bound: number): number;
}
