import type { StoredColumn } from "../engine/entities.ts";
import { type MappingEntry, type PathStep, pathOf } from "../engine/mapping.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import { elementsOf, membersOf } from "../values/json-texts.ts";
import type { Stored } from "../values/stored.ts";
import { dynamicOf, stringOf } from "../values/text-values.ts";
import { datetimeText, unixEpoch } from "../values/ticks.ts";
import { isBag } from "./json.ts";

/** 100 ns per unit, as a fraction of whole numbers. */
const unixUnits: Readonly<Record<string, readonly [bigint, bigint]>> = {
  DateTimeFromUnixSeconds: [10_000_000n, 1n],
  DateTimeFromUnixMilliseconds: [10_000n, 1n],
  DateTimeFromUnixMicroseconds: [10n, 1n],
  DateTimeFromUnixNanoseconds: [1n, 100n],
};

/**
 * The reader of a text that a mapping transforms, or undefined where it does not (documentation, "Mapping transformations").
 *
 * @throws IngestionFailure BadRequest_InvalidMapping for a transformation that this kind of mapping does not have.
 */
export function transformed(
  entry: MappingEntry | undefined,
  column: StoredColumn,
  kind: string,
  mapping: readonly MappingEntry[] = [],
): ((text: string) => Stored) | undefined {
  const name = entry?.transform;
  if (name === undefined) return undefined;
  const unit = unixUnits[name];
  if (unit && kind !== "w3clogfile") return (text) => unixTime(text, unit, column);
  if (kind === "json" || kind === "parquet") {
    if (name === "PropertyBagArrayToDictionary") return (text) => asJson(dictionary(text), column);
    if (name === "DropMappedFields") {
      const mapped = othersUnder(entry!, mapping);
      return (text) => asJson(without(text, mapped), column);
    }
  }
  // The bytes are encoded where they are read.
  if (kind === "parquet" && name === "BytesAsBase64") return undefined;
  throw new IngestionFailure(
    "BadRequest_InvalidMapping",
    `The transform '${name}' of column '${column.name}' is not one of ${kind} mappings.`,
  );
}

function unixTime(text: string, [multiply, divide]: readonly [bigint, bigint], { kind }: StoredColumn): Stored {
  if (!/^\s*-?\d+\s*$/.test(text)) return kind === "string" ? "" : null;
  const ticks = unixEpoch + (BigInt(text.trim()) * multiply) / divide;
  return kind === "string" ? datetimeText(ticks) : ticks;
}

const asJson = (text: string, { kind }: StoredColumn): Stored => (kind === "string" ? stringOf(text) : dynamicOf(text));

/** Of `[{"a":1},{"b":2}]`, `{"a":1,"b":2}`; the texts of the values stay as they are. */
function dictionary(text: string): string {
  if (!text.trimStart().startsWith("[")) return text;
  const members = elementsOf(text).flatMap((element) => (isBag(JSON.parse(element)) ? [...membersOf(element)] : []));
  return bagOf(new Map(members));
}

/** The paths of the other columns that lead into this one's value, from there on. */
function othersUnder(entry: MappingEntry, mapping: readonly MappingEntry[]): PathStep[][] {
  const own = pathOf(entry) ?? [];
  return mapping.flatMap((other) => {
    const path = other === entry ? undefined : pathOf(other);
    return path && path.length > own.length && own.every((step, index) => path[index] === step)
      ? [path.slice(own.length)]
      : [];
  });
}

function without(text: string, paths: readonly PathStep[][]): string {
  if (paths.length === 0 || !text.trimStart().startsWith("{")) return text;
  const kept = [...membersOf(text)].flatMap(([name, value]): [string, string][] => {
    const under = paths.filter(([step]) => step === name).map((path) => path.slice(1));
    return under.some((path) => path.length === 0) ? [] : [[name, without(value, under)]];
  });
  return bagOf(new Map(kept));
}

const bagOf = (members: ReadonlyMap<string, string>) =>
  `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
