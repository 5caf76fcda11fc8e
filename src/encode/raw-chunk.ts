import type { SharedBytes } from "./shared-buffer.ts";

/**
 * Rows that the caller had encoded already, some hundred kilobytes of them: the unit that crosses to a subtask beside the
 * chunk. It holds whole rows, and its last byte is a newline; `raw-packer` cuts it so.
 */
export interface RawChunk {
  readonly bytes: SharedBytes;
  readonly length: number;
  /** How many records had been packed before: raw rows have no number among the records. */
  readonly recordsBefore: number;
}

/** What an encoder found in a raw chunk. */
export interface RawTally {
  /** Rows, sound and refused; empty lines are none. */
  rows: number;
  readonly refused: RefusedRow[];
}

/** A row that was left out. The bytes are those of the raw chunk, which goes back to where it came from. */
export interface RefusedRow {
  /** Its number in the raw chunk, from 0. */
  readonly row: number;
  /** First byte of the row, and of the next one. */
  readonly start: number;
  readonly end: number;
  /** An index of `rawReasons`. */
  readonly reason: number;
  /** Where in the row, in bytes; of a wrong number of fields that number. */
  readonly detail: number;
}
