import { elementsOf, membersOf } from "../../values/json-texts.ts";

/** The text that a JSON text stands for: of a string its value, of null the empty text, of the rest the JSON. */
export function textIn(json: string | undefined): string {
  if (json === undefined || json === "null") return "";
  return json.startsWith('"') ? (JSON.parse(json) as string) : json;
}

/** A whole number; null for what is none. */
export function longIn(json: string | undefined): bigint | null {
  if (json === undefined || !/^-?\d+(\.0+)?$/.test(json)) return null;
  return BigInt(json.split(".")[0]!);
}

/** A number, with the words that stand for what JSON has no number for. */
export function realIn(json: string | undefined): number | null {
  if (json === undefined || json === "null") return null;
  const text = textIn(json).toLowerCase();
  if (text === "nan") return Number.NaN;
  if (text === "inf" || text === "infinity") return Number.POSITIVE_INFINITY;
  if (text === "-inf" || text === "-infinity") return Number.NEGATIVE_INFINITY;
  const value = Number(text);
  return Number.isNaN(value) ? null : value;
}

/** The texts of an array's elements; null for what is no array. */
export function itemsIn(json: string | undefined): string[] | null {
  return json?.trimStart().startsWith("[") ? elementsOf(json) : null;
}

/** The texts of a bag's values by name; null for what is no bag. */
export function bagIn(json: string | undefined): Map<string, string> | null {
  return json?.trimStart().startsWith("{") ? membersOf(json) : null;
}

export const arrayText = (items: readonly string[]): string => `[${items.join(",")}]`;

export function bagText(members: Iterable<readonly [string, string]>): string {
  return `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
}

/** One text for all texts of the same JSON value, whatever the blanks and the order of names. */
export function canonical(json: string): string {
  const members = bagIn(json);
  if (members)
    return bagText(
      [...members].map(([name, value]) => [name, canonical(value)] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  const items = itemsIn(json);
  if (items) return arrayText(items.map(canonical));
  // Whole numbers beyond a double's digits are told apart by their text.
  return /^-?\d+$/.test(json) ? json : JSON.stringify(JSON.parse(json));
}
