/** One thing that is fuzzed: makes cases from a stream of random words and judges them by an oracle we did not write. */
export interface Subject {
  readonly name: string;
  /** Runs some cases, no longer than about a tenth of a second; returns how many. Throws at the first that is wrong. */
  step(next: () => number): number | Promise<number>;
}
