import type { ExcessPrecision } from "../schema/excess-precision.ts";

/** What says how texts become values: the same for inference and ingestion. */
export interface ValueOptions {
  readonly nullTexts?: readonly string[];
  readonly excessPrecision?: ExcessPrecision;
}
