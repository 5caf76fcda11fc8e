import { arrayFunctions } from "./arrays.ts";
import { bagFunctions } from "./bags.ts";
import type { CalledFunction } from "./called-function.ts";
import { datetimeFunctions } from "./datetimes.ts";
import { formatFunctions } from "./formats.ts";
import { gatheredFunctions } from "./gathered.ts";
import { hashFunctions } from "./hashes.ts";
import { numberFunctions } from "./numbers.ts";
import { parsedFunctions } from "./parsed.ts";
import { textFunctions } from "./texts.ts";

/** Functions of Kusto that are written in JavaScript, by name. */
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
