import { isCode, MillraceError, reasonOf } from "../errors.ts";
import type { Coercion } from "../schema/coerce.ts";
import type { OriginalFormat } from "../source/original-format.ts";
import type { Origin, Refusal, Slice } from "../source/source.ts";

/** What a transform does to records: another record comes of them, or the same one. */
export type Effect = "converts" | "keeps" | Pick<Coercion, "from" | "renames" | "nullTexts" | "excessPrecision">;

/**
 * Makes a slice of what became of another one's records. Places are those of the records that it was made of, and so are origins, but for
 * records that a function of the program made.
 */
export interface SliceBuilder<B> {
  /** @param index of the record that it was made of */
  add(index: number, record: B): void;
  /** The record goes to the dead letter. */
  refuse(index: number, reason: string, cause?: unknown): void;
  slice(): Slice<B>;
}

/** @param name of the source, for the places of records that have none */
export function sliceBuilder<A, B>(name: string, of: Slice<A>, effect: Effect): SliceBuilder<B> {
  const records: B[] = [];
  /** Of which record each was made, as soon as it is not the one at its own index: most transforms keep all of them. */
  let origins: number[] | undefined;
  const refused: Refusal[] = (of.refused ?? []).map((refusal) => withEffectOn(refusal, effect));

  const originAt = (index: number): Origin => {
    const { original, source } = of.originOf?.(index) ?? { original: of.records[index], source: {} };
    return { original, source: withEffect(source, effect) };
  };

  const originOf = (index: number): number => (origins ? origins[index]! : index);

  return {
    add(index, record) {
      if (!origins && index !== records.length) origins = [...records.keys()];
      origins?.push(index);
      records.push(record);
    },
    refuse(index, reason, cause) {
      const place = of.placeOf?.(index) ?? placeIn(name, of, index);
      refused.push({ place, reason, ...originAt(index), ...(cause !== undefined && { cause }) });
    },
    slice() {
      const { partition, position, moved, dropped, bytes } = of;
      // What a function made of a record is what the table refuses, and can be written again; what it was made of cannot.
      const hasOrigins = effect === "keeps" ? of.originOf !== undefined : effect !== "converts";
      return {
        ...{ partition, position, records },
        ...(refused.length > 0 && { refused }),
        ...(of.placeOf && { placeOf: (index: number) => of.placeOf!(originOf(index)) }),
        ...(hasOrigins && { originOf: (index: number) => originAt(originOf(index)) }),
        ...(moved && { moved }),
        ...(dropped && { dropped }),
        ...(bytes !== undefined && { bytes }),
      };
    },
  };
}

/** `orders, partition 3: record 17 of the slice before position 4711` */
function placeIn(name: string, { partition, position }: Slice<unknown>, index: number): string {
  return `${name}, partition ${partition}: record ${index} of the slice before position ${JSON.stringify(position)}`;
}

function withEffectOn(refusal: Refusal, effect: Effect): Refusal {
  return refusal.source ? { ...refusal, source: withEffect(refusal.source, effect) } : refusal;
}

function withEffect(source: OriginalFormat, effect: Effect): OriginalFormat {
  if (effect === "keeps") return source;
  if (effect === "converts") return { ...source, isConverted: true };
  const { from, renames, nullTexts, excessPrecision } = effect;
  return {
    ...source,
    ...(from === "csv" && source.format === undefined && { format: "csv" }),
    ...(renames.length > 0 && { renames }),
    ...(nullTexts && { nullTexts }),
    ...(excessPrecision && { excessPrecision }),
  };
}

/** Why a record goes to the dead letter: the words of what a function of the program threw. */
export function thrownReason(what: string, error: unknown): string {
  return `${what} threw: ${reasonOf(error)}`;
}

/** These say that the program, or the source as a whole, is wrong: no record can be right. The run ends with them. */
export function isWrongAsWhole(error: unknown): error is MillraceError {
  return isCode(error, "BAD_OPTION", "BAD_SOURCE", "BAD_SCHEMA");
}

/** Why a record of which a function made none goes to the dead letter. Undefined where it made one. */
export function nothingReturned(what: string, value: unknown): string | undefined {
  if (value !== undefined && value !== null) return undefined;
  return `${what}: its function returned ${value}; it takes a record, and filter() leaves records out`;
}

/**
 * @param advice what to do instead
 * @throws MillraceError BAD_OPTION where an async function was given to a transform that does not wait.
 */
export function refusePromise(what: string, value: unknown, advice = "Use asyncMap() for functions that wait."): void {
  if (!isThenable(value)) return;
  Promise.resolve(value).catch(() => {}); // nobody waits for it
  throw new MillraceError(
    "BAD_OPTION",
    `${what}: its function returned a promise, and nobody waits for it. ${advice}`,
    { context: { option: what } },
  );
}

function isThenable(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  try {
    return typeof (value as { then?: unknown }).then === "function";
  } catch {
    return false; // the sink refuses it
  }
}
