import type { Source } from "../source/source.ts";

/** A source over records that no other test reads. */
export interface SourceUnderTest<R = unknown> {
  /**
   * The source as a new process makes it, after the process before it has ended or was killed. Each call is over the same records; of a
   * source with `recovery: "none"` only one is read.
   */
  source(): Source<R>;
  /** What tells a record from all others. */
  keyOf(record: R): string;
  /** The keys of all records, in the order in which they were written. Enough for ten slices or more. */
  readonly keys: readonly string[];
  /** How many things there are beside the records that cannot be read as one. Default 0. */
  readonly refused?: number;
  /** The source waits for more behind the last record, and does not end by itself. Default false. */
  readonly isLive?: boolean;
  /** Two sources that are read at once share the partitions, as members of a group. Default false. */
  readonly isGroup?: boolean;
  /** Writes one more record, and gives its key. */
  put?(): string | Promise<string>;
  /** Breaks the connection of the reading that is under way. The next reading finds the system sound. */
  interrupt?(): unknown;
  /** With `recovery: "none"`: how many records the source has taken, so that nobody else has them. */
  taken?(): number;
  /** Of a source with `recovery: "redelivery"`. */
  readonly broker?: BrokerUnderTest;
}

/** The broker that a source reads, as its operator sees it. */
export interface BrokerUnderTest {
  /** How long a record that was received is hidden, in milliseconds. */
  readonly leaseMs: number;
  /** Lets so much time pass: moves the clock of a double, or waits. */
  elapse(ms: number): unknown;
  /** How many records the broker would give now. */
  ready(): number | Promise<number>;
}
