import { parse } from "lossless-json";

/** A number as it stands in a JSON text, to the last digit. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A JSON text by lossless-json. Of two members of one name the last counts, as for JSON.parse. @throws SyntaxError */
export function parseLossless(text: string): unknown {
  return parse(text, null, {
    parseNumber: (digits) => new JsonNumber(digits),
    onDuplicateKey: ({ newValue }) => newValue,
  });
}

export type Bag = Readonly<Record<string, unknown>>;

export function isBag(value: unknown): value is Bag {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

/** Node 20 cannot write an integer beyond 2^53 into a nested value. */
export const keepsNestedIntegers = "rawJSON" in JSON;

/** One text for all spellings of a value: members in the order of their names, numbers by what they are worth. */
export function canonicalJson(value: unknown): string {
  if (value instanceof JsonNumber) return canonicalNumber(value.text);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (!isBag(value)) return JSON.stringify(value ?? null);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`).join(",")}}`;
}

/** An integer keeps its digits, as Kusto's dynamic does up to 64 bits; anything else is a double. */
function canonicalNumber(text: string): string {
  const value = Number(text);
  if (/^-?\d{16,19}$/.test(text) && keepsNestedIntegers) return BigInt(text).toString();
  return Object.is(value, -0) ? "0" : String(value);
}
