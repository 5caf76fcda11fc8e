import type { Kind } from "../../schema/kinds.ts";
import type { PathStep } from "../engine/mapping.ts";
import { canonicalDecimal } from "../values/decimal.ts";
import { elementsOf, membersOf } from "../values/json-texts.ts";
import type { Stored } from "../values/stored.ts";
import { dynamicOf, stringOf, textReaders } from "../values/text-values.ts";
import { isBag, type JsonRecord } from "./json.ts";

/** The text and the value that a path leads to, or undefined where it leads nowhere. */
export interface Found {
  readonly value: unknown;
  text(): string;
}

/** Follows a path; the text is looked up only when somebody asks for it, since most values do not need it. */
export function follow(record: JsonRecord, steps: readonly PathStep[]): Found | undefined {
  let value: unknown = record.value;
  for (const step of steps) {
    if (typeof step === "number" ? !Array.isArray(value) : !isBag(value)) return undefined;
    if (!Object.hasOwn(value as object, step)) return undefined;
    value = (value as Record<PathStep, unknown>)[step];
  }
  return { value, text: () => textAt(record.text, steps) };
}

function textAt(text: string, steps: readonly PathStep[]): string {
  return steps.reduce<string>(
    (at, step) => (typeof step === "number" ? elementsOf(at)[step]! : membersOf(at).get(step)!),
    text.trim(),
  );
}

/** Reads a JSON value as a value of one type; what does not fit becomes null, a string takes the text of anything. */
export function storedOf({ value, text }: Found, kind: Kind): Stored {
  if (value === null) return kind === "string" ? "" : null;
  switch (kind) {
    case "string":
      return stringOf(typeof value === "string" ? value : text());
    case "dynamic":
      return dynamicOf(text());
    case "real":
      return typeof value === "number" ? value : textReaders.real(textOfScalar(value));
    case "decimal":
      return typeof value === "number" ? canonicalDecimal(text()) : canonicalDecimal(textOfScalar(value));
    case "long":
      return typeof value === "number" && !Number.isSafeInteger(value)
        ? textReaders.long(text())
        : textReaders.long(textOfScalar(value));
    default:
      return textReaders[kind](textOfScalar(value));
  }
}

/** Objects and arrays have no scalar text, and so fit no scalar column. */
function textOfScalar(value: unknown): string {
  return typeof value === "object" ? "" : String(value);
}
