import type { StateBackend } from "../checkpoint/state-backend.ts";
import type { LoggedBatch } from "../log/write-ahead-log.ts";

/** A state backend over storage that is empty at first and that no other test uses. */
export interface StateUnderTest {
  /** The backend as a new process makes it. Each call is over the same storage. */
  state(): StateBackend;
  /**
   * Takes the lease away from a process that was paused or killed, as an operator does: removes a lock file, ends a session. Leave it out
   * where an opening always succeeds.
   */
  breakLease?(): unknown;
  /** Changes a stored byte of this batch. */
  damage?(batch: LoggedBatch): unknown;
  /** How a child process makes the backend over the same storage, to be killed while it writes. */
  child?: StateChild;
}

/** A module for a child process. */
export interface StateChild {
  /** URL of a module with an exported function `state(argument)` that returns the backend. */
  readonly module: string | URL;
  /** Handed to the function: the folder, the name of the table. */
  readonly argument: string;
}
