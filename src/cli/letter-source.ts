import { MillraceError } from "../errors.ts";
import { type Coercion, coerce } from "../schema/coerce.ts";
import type { Table } from "../schema/table.ts";
import { isGzip } from "../source/byte-stream.ts";
import { fileBytes } from "../source/file-bytes.ts";
import { lineSplitter } from "../source/lines.ts";
import { openRaw } from "../source/raw-file.ts";
import { readRecords } from "../source/records.ts";
import type { Origin, Position, Refusal, Slice, Source } from "../source/source.ts";
import { innermost, type KeptLetter, notLetter, originOf, parseLetter, type Restored, restore } from "./letters.ts";
import type { Conversion } from "./load.ts";

/** A letter, its record restored. */
export interface RestoredLetter extends Restored {
  readonly origin: Origin;
}

export interface LetterSource extends Source<RestoredLetter> {
  /** How many lines have been read. */
  readonly lines: number;
}

export interface LetterSourceOptions {
  /** Letters that are not to be sent, by the text of their line. */
  isReplayed(line: string): boolean;
  /** A letter is on its way. @param end where the slice that it was read with ends, in bytes */
  onRead(place: string, line: string, end: number): void;
  /** Every letter of the slices up to this end was taken by the destination, or rejected. */
  onTaken(end: number): Promise<void>;
}

/** A letter holds an original of 4 Mi characters of JSON at most, some of them of several bytes, and what is said about it. */
const longestLine = 64 * 1024 * 1024;

/** So begins what `fileDeadLetter()` writes: such a line is a letter that somebody has damaged. */
const letterStart = '{"time":"';

/** Lines that are looked at before a file is called no dead letter. */
const linesLookedAt = 1_000;

/** Reads a dead letter. A line that is no letter, or whose record cannot be restored, is refused, and its neighbours arrive. */
export function letterSource(
  path: string,
  table: Table,
  { isReplayed, onRead, onTaken }: LetterSourceOptions,
): LetterSource {
  let lines = 0;
  return {
    name: path,
    recovery: "position",
    acknowledge: (positions) => onTaken(endOf(positions[path])),
    get lines() {
      return lines;
    },
    async *read(_from, signal) {
      await mustBeDeadLetter(path, signal);
      for await (const slice of letterLines(path, signal)) {
        const end = endOf(slice.position);
        const letters: RestoredLetter[] = [];
        const places: string[] = [];
        const refused: Refusal[] = (slice.refused ?? []).map(asLetterLine);
        lines += slice.records.length + refused.length;
        for (const [index, { text }] of slice.records.entries()) {
          if (isReplayed(text)) continue;
          const line = slice.placeOf!(index);
          const read = readLetter(text, line, table);
          if ("reason" in read) {
            refused.push(read);
            continue;
          }
          letters.push(read);
          places.push(read.place);
          onRead(read.place, text, end);
        }
        yield {
          partition: path,
          position: slice.position,
          records: letters,
          refused,
          placeOf: (index) => places[index]!,
          originOf: (index) => letters[index]!.origin,
        };
      }
    },
  };
}

/** In bytes; 0 where nothing was read. */
function endOf(position: Position | undefined): number {
  return (position as { readonly byte: number } | undefined)?.byte ?? 0;
}

/** Runs each restored record through the conversion that it was read with. */
export function letterConversion(table: Table): Conversion<RestoredLetter> {
  const coercions = new Map<string, Coercion>();
  let last: { readonly key: string; readonly convert: Coercion } | undefined;

  function coercionFor({ form, renames, values }: Restored): Coercion {
    const key = JSON.stringify([form, renames, values]);
    if (last?.key === key) return last.convert;
    let convert = coercions.get(key);
    if (!convert) {
      convert = coerce(table, form, {
        renames: renames.filter(({ column }) => Object.hasOwn(table.columns, column)),
        ...values,
      });
      // A file of many sources is read as well, with their counts of unknown fields merged.
      if (coercions.size < mostCoercions) coercions.set(key, convert);
    }
    last = { key, convert };
    return convert;
  }

  const convert = (letter: RestoredLetter) => coercionFor(letter)(letter.record);
  return Object.defineProperty(Object.assign(convert, { renames: [] }), "unknownFields", {
    get: () => merged([...coercions.values()].map(({ unknownFields }) => unknownFields)),
  }) as unknown as Conversion<RestoredLetter>;
}

/** One for each set of renames, of which a dead letter of many sources has some. */
const mostCoercions = 1_000;

interface PlacedLetter extends RestoredLetter {
  readonly place: string;
}

function readLetter(text: string, line: string, table: Table): PlacedLetter | Refusal {
  const parsed = parseLetter(text);
  if (typeof parsed === "string") return asLetterLine({ place: line, reason: parsed, original: text });
  const letter = innermost(parsed);
  if (typeof letter === "string") return refusalOf(parsed, line, letter, table);
  const place = placeOf(line, letter);
  if (letter.table !== table.name)
    return asLetterLine({
      place,
      reason: `it is a letter of table ${letter.table}: replay it with --table ${letter.table}`,
      original: text,
    });
  const restored = restore(letter, table);
  if (typeof restored === "string") return refusalOf(letter, place, restored, table);
  return { ...restored, place, origin: originOf(letter, table) };
}

/** The line, and where the record was when it was first refused. */
function placeOf(line: string, { place }: KeptLetter): string {
  return place === undefined ? line : `${line}${from}${place.split(from).at(-1)}`;
}

const from = ", from ";

function refusalOf(letter: KeptLetter, place: string, reason: string, table: Table): Refusal {
  const { original, source } = originOf(letter, table);
  return { place, reason, original, source };
}

/** The line itself is the original, also where it is a whole letter. */
function asLetterLine(refusal: Refusal): Refusal {
  return { ...refusal, source: { ...refusal.source, format: "letter" } };
}

/** @throws MillraceError BAD_SOURCE for a file of data, whose lines would all be rejected one by one. */
export async function mustBeDeadLetter(path: string, signal: AbortSignal): Promise<void> {
  let lines = 0;
  let first: string | undefined;
  for await (const slice of letterLines(path, signal)) {
    for (const { text } of slice.records) {
      const parsed = parseLetter(text);
      if (typeof parsed !== "string" || !parsed.startsWith(notLetter) || text.startsWith(letterStart)) return;
      first ??= parsed;
    }
    lines += slice.records.length + (slice.refused?.length ?? 0);
    if (lines >= linesLookedAt) break;
  }
  if (lines === 0) return;
  throw new MillraceError(
    "BAD_SOURCE",
    `${path} is not a dead letter, of its first line: ${first ?? "it cannot be read"}. Files of records are for millrace ingest.`,
    { context: { file: path } },
  );
}

function merged(counts: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const each of counts) for (const [field, n] of each) sums.set(field, (sums.get(field) ?? 0) + n);
  return sums;
}

/** The lines of a dead letter, as texts. */
export async function* letterLines(path: string, signal: AbortSignal): AsyncGenerator<Slice<{ text: string }>> {
  const file = await openRaw(path);
  try {
    const slices = readRecords({
      partition: path,
      name: path,
      encoding: "utf-8",
      bytes: fileBytes(file, { isGzip: isGzip(await file.at(0, 2)), encoding: "utf-8" }, 0, signal),
      from: 0,
      splitter: lineSplitter({ byte: 0, line: 1 }),
      parse: (text) => ({ text: text.replace(/^\ufeff/, "") }), // some editors put a byte order mark at the start
      format: () => ({ format: "letter" }),
      maxRecordBytes: longestLine,
      signal,
    });
    for await (const slice of slices) yield { ...slice, records: slice.records as { text: string }[] };
  } finally {
    await file.close();
  }
}
