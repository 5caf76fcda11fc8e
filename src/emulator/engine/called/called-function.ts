import type { Stored } from "../../values/stored.ts";

/**
 * A function of Kusto's that is written here, because SQL has nothing like it. It takes JSON texts, one per argument
 * (`null` where there is no value; datetimes and timespans as their ticks where `takesTicks`), and gives a value of
 * one SQL type: `json` and `text` are both texts, but only the first is a dynamic.
 */
export interface CalledFunction {
  readonly gives: "json" | "text" | "long" | "real" | "bool";
  readonly takesTicks?: true;
  readonly act: (...args: string[]) => Stored;
}
