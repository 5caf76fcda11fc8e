import type { ScalarFunction } from "./call.ts";
import { conditions } from "./conditions.ts";
import { conversions } from "./conversions.ts";
import { datetimes } from "./datetimes.ts";
import { dynamics } from "./dynamics.ts";
import { extents } from "./extent-functions.ts";
import { hashes } from "./hashes.ts";
import { numbers } from "./numbers.ts";
import { patterns } from "./patterns.ts";
import { principals } from "./principals.ts";
import { strings } from "./strings.ts";
import { windows } from "./windows.ts";

/** Scalar functions by name. */
export const scalarFunctions: Readonly<Record<string, ScalarFunction | undefined>> = {
  ...conditions,
  ...conversions,
  ...datetimes,
  ...dynamics,
  ...extents,
  ...hashes,
  ...numbers,
  ...patterns,
  ...principals,
  ...strings,
  ...windows,
};
