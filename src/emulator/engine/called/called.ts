import type { Stored } from "../../values/stored.ts";
import { arrayFunctions } from "./arrays.ts";
import { bagFunctions } from "./bags.ts";
import { datetimeFunctions } from "./datetimes.ts";
import { formatFunctions } from "./formats.ts";
import { gatheredFunctions } from "./gathered.ts";
import { hashFunctions } from "./hashes.ts";
import { numberFunctions } from "./numbers.ts";
import { parsedFunctions } from "./parsed.ts";
import { textFunctions } from "./texts.ts";

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

export const calledFunctions: Readonly<Record<string, CalledFunction | undefined>> = {
  ...arrayFunctions,
  ...bagFunctions,
  ...datetimeFunctions,
  ...formatFunctions,
  ...gatheredFunctions,
  ...hashFunctions,
  ...numberFunctions,
  ...parsedFunctions,
  ...textFunctions,
};
