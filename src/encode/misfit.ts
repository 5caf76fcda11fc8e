import type { NamedColumn } from "../schema/table.ts";

/** Why a record does not fit: at which column (undefined: the record as a whole), for which value. */
export interface Misfit {
  readonly column: NamedColumn | undefined;
  readonly value: unknown;
  readonly reason: string;
  /** What reading the record threw. */
  readonly cause?: unknown;
}
