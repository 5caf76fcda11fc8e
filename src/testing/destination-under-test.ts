import type { Destination } from "../destination/destination.ts";
import type { Payload } from "../encode/payload.ts";
import type { SinkOptions } from "../options.ts";

/**
 * A request to the target. A destination that makes each of its requests through it is tried with a process that dies before or behind
 * any of them, and with requests that arrive late. The calls of a process that has died reject with the code EACCES, which is no reason to try again.
 */
export type TargetCall = <T>(request: () => Promise<T>) => Promise<T>;

/** A row of the table that the contract writes. */
export interface ContractRow {
  /** A `long`. No two records have the same. */
  readonly n: number;
  /** A `string`: with quotes, line ends, commas and characters beyond ASCII. */
  readonly text: string;
}

/** A destination whose target has the table, with no rows. */
export interface DestinationUnderTest {
  /** The destination as a new process makes it. Each call is for the same target. */
  destination(call: TargetCall): Destination<Payload>;
  /** All rows that the target has now, read by something else than the destination. */
  rows(): readonly ContractRow[] | Promise<readonly ContractRow[]>;
  /** The table's name. It has the columns `n` (long) and `text` (string). Default "Contract". */
  readonly table?: string;
  /** Options of the sinks, such as `format`. */
  readonly options?: Pick<SinkOptions, "format" | "preset" | "gzipLevel" | "retryBaseMs" | "retryTimeoutMs">;
  /** Delivery at least once: a batch that is sent twice is there once. Default false. */
  readonly isRepeatable?: boolean;
  /** A text for which the target refuses a row, and takes its neighbours. */
  readonly refusedText?: string;
}
