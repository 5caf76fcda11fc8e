import type { Kind } from "../../src/schema/kinds.ts";
import type { ComparedColumn } from "./compare.ts";
import { isTextForNull } from "./differences.ts";
import { type Bag, JsonNumber } from "./json-values.ts";
import type { SourceRow } from "./readings.ts";

/**
 * The kind that a column of nothing but integers, or nothing but true and false, must have; undefined for other columns. A
 * wider kind takes the values too, but a real would round them, and a string would hide that they are numbers.
 */
export function narrowestKind(
  { kind: made, field, index }: ComparedColumn,
  rows: readonly SourceRow[],
): Kind | undefined {
  let least = 0n;
  let greatest = 0n;
  let seen: "integer" | "bool" | undefined;
  for (const { value } of rows) {
    const bag = value as Bag;
    const given = Array.isArray(value) ? value[index] : Object.hasOwn(bag, field) ? bag[field] : undefined;
    if (given === null || given === undefined || (given === "" && Array.isArray(value))) continue;
    if (Array.isArray(value) && isTextForNull(made, String(given))) continue;
    const kind = kindOf(given, Array.isArray(value));
    if (kind === undefined || (seen !== undefined && seen !== kind)) return undefined;
    seen = kind;
    if (kind === "bool") continue;
    const number = BigInt(given instanceof JsonNumber ? given.text : String(given));
    if (number < least) least = number;
    if (number > greatest) greatest = number;
  }
  if (seen !== "integer") return seen;
  const fits = (bits: number) => BigInt.asIntN(bits, least) === least && BigInt.asIntN(bits, greatest) === greatest;
  return fits(32) ? "int" : fits(64) ? "long" : undefined;
}

function kindOf(given: unknown, isCsv: boolean): "integer" | "bool" | undefined {
  if (typeof given === "boolean" || (isCsv && /^(true|false)$/i.test(String(given)))) return "bool";
  const text = given instanceof JsonNumber ? given.text : isCsv ? String(given) : "";
  // -0 is a real, for an integer would lose its sign; 007 is a name.
  return /^(0|-?[1-9]\d{0,30})$/.test(text) ? "integer" : undefined;
}
