import type { WriteAheadLog } from "../log/write-ahead-log.ts";
import type { Json } from "../schema/kinds.ts";

/** Where a job's decisions and its batches on their way are kept. What is in it survives the process. */
export interface StateBackend {
  /** For messages: the folder, the server; never a secret. */
  readonly name: string;
  /**
   * Takes the lease of the state. The one before it is fenced from then on.
   *
   * @throws MillraceError STATE_IN_USE when a living process of this machine holds it; STATE_DAMAGED, STATE_UNWRITABLE,
   *   STATE_FOREIGN (a newer format).
   */
  open(signal: AbortSignal): Promise<StateLease>;
}

/** An open state, of one process at a time: entries by key, and the log of batches. */
export interface StateLease extends Omit<StoreLease, "refuseIfPassed"> {
  /** The sealed batches on their way. */
  readonly log: WriteAheadLog;
}

/**
 * Where decisions alone are kept: some dozen small entries, changed under compare-and-set. Everything that is written through an older
 * lease than the newest is refused, so that two processes can never both decide. A table of a database or a key-value service will do;
 * `stateIn(store, folder)` puts the log beside it.
 */
export interface StateStore {
  /** For messages: the folder, the server; never a secret. */
  readonly name: string;
  /** As {@link StateBackend.open}. */
  open(signal: AbortSignal): Promise<StoreLease>;
}

/** An open store, of one process at a time. */
export interface StoreLease {
  /** Counted from 1, one more with every opening. */
  readonly generation: number;
  /** All entries, as of the newest change that was made. */
  read(): ReadonlyMap<string, StateEntry>;
  /**
   * Makes all the changes in one durable write, or none. Resolved: they survive whatever happens to the machine. Calls
   * overlap: each takes effect on what the one before it has left.
   *
   * @throws MillraceError STATE_FENCED when a newer lease has been taken, or an entry has not the version expected;
   *   STATE_UNWRITABLE.
   */
  compareAndSet(changes: readonly StateChange[]): Promise<void>;
  /** @throws MillraceError STATE_FENCED when a newer lease has been taken. */
  refuseIfPassed(): Promise<void>;
  /** Gives the lease back. */
  close(): Promise<void>;
}

/** A value in the state. Plain JSON, without a secret. */
export interface StateEntry {
  /** Counted from 1, one more with every change of this key. */
  readonly version: number;
  readonly value: Json;
}

/** One change of a compare-and-set. */
export interface StateChange {
  readonly key: string;
  /** The version that the entry has now; 0: there is none. */
  readonly expected: number;
  /** Undefined: the entry goes. */
  readonly value: Json | undefined;
}
