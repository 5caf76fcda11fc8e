/** What one run made. */
export interface Output {
  /** Uncompressed bytes. */
  readonly bytesIn: number;
  /** Bytes made, in pieces; where they are thrown away on purpose, their number. */
  readonly out: readonly Uint8Array[] | number;
}

/** One contestant of a group. Its `run` does the whole work once, and the same each time. */
export interface Case {
  readonly name: string;
  /** Names of the cases that it is a rival to; absent for our own. */
  readonly against?: readonly string[];
  run(): Output | Promise<Output>;
  /**
   * The duration to count for the last run, in milliseconds, where the time on the clock is not it: what another process
   * spent, or what is measured inside the run.
   */
  duration?(): number;
  /** Further figures, asked for when all runs are over. */
  figures?(): Figure[];
}

export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly value: number;
}

/** Cases that alternate in one process and do the same work. */
export interface Group {
  readonly suite: string;
  readonly corpus: string;
  readonly unit: Unit;
  /** What one run handles, for units per record or per number. */
  readonly count: number;
  readonly cases: readonly Case[];
  dispose?(): Promise<void>;
}

/** `ns/...` and `ms`: less is better. `.../s`: more is. */
export type Unit = "ns/record" | "ns/number" | "records/s" | "MB/s" | "ms" | "MB";

export function bytesOf({ out }: Output): number {
  return typeof out === "number" ? out : out.reduce((sum, part) => sum + part.length, 0);
}
