import { gunzipSync } from "node:zlib";
import { type Info, parse as parseCsv } from "csv-parse/sync";
import { type Bag, isBag, parseLossless } from "./json-values.ts";

/** A file as programs that are not ours read it: csv-parse, and lossless-json. */
export interface Reading {
  readonly form: "csv" | "json";
  /** CSV: the header row. JSON: all member names of the records, in the order in which they appear. */
  readonly fields: readonly string[];
  readonly rows: readonly SourceRow[];
  /** Why the file as a whole is not of its format. */
  readonly fault?: string;
}

export interface SourceRow {
  /** CSV and NDJSON: the line on which it begins, from 1. */
  readonly line: number | undefined;
  /** CSV: texts, in the order of the header. JSON: by the names of `fields`. */
  readonly value: readonly string[] | Bag;
  /** Why the format's standard has it refused. */
  readonly fault?: string;
}

/** What a user would tell millrace about a file: the flags of its command line, and the same for our reader. */
export interface Dialect {
  readonly format: "csv" | "json" | "ndjson";
  readonly delimiter: string;
  readonly flags: readonly string[];
}

/** The dialect by the name, and for CSV by the delimiter that the first line has most of. */
export function dialectOf(path: string, bytes: Buffer, given?: string): Dialect {
  const name = path.toLowerCase().replace(/\.gz$/, "");
  if (/\.(json|geojson|topojson)$/.test(name)) return { format: "json", delimiter: ",", flags: [] };
  if (/\.(ndjson|jsonl)$/.test(name)) return { format: "ndjson", delimiter: ",", flags: [] };
  const standard = name.endsWith(".tsv") ? "\t" : ",";
  const [first = ""] = bytes.toString("latin1").split(/[\r\n]/, 1);
  const count = (text: string) => first.split(text).length - 1;
  const best = ["\t", ";", "|"].reduce((a, b) => (count(b) > count(a) ? b : a), standard);
  const delimiter = given ?? (count(standard) > 0 ? standard : best);
  const flags = name.match(/\.(csv|tsv)$/) ? [] : ["--format", "csv"];
  return { format: "csv", delimiter, flags: delimiter === standard ? flags : [...flags, "--delimiter", delimiter] };
}

export function unpacked(bytes: Buffer): Buffer {
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
}

export function readIndependently(bytes: Buffer, dialect: Dialect): Reading {
  const mark = bytes.length < 2 ? 0 : bytes.readUInt16BE(0);
  if (mark === 0xfffe || mark === 0xfeff) {
    const text = new TextDecoder(mark === 0xfffe ? "utf-16le" : "utf-16be").decode(bytes);
    return readIndependently(Buffer.from(text), dialect);
  }
  const plain = bytes.subarray(0, 3).equals(Buffer.from("\ufeff")) ? bytes.subarray(3) : bytes;
  if (dialect.format === "csv") return csvReading(plain, dialect.delimiter);
  return jsonReading(plain, dialect.format === "ndjson");
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface RawRow {
  readonly line: number;
  readonly fields: readonly string[];
  readonly fault?: string;
}

function csvReading(bytes: Buffer, delimiter: string): Reading {
  // Every byte as a character, so that a byte that is no UTF-8 harms its own field only.
  const raw = rawRows(bytes.toString("latin1"), delimiter);
  const [header, ...others] = raw.map(decoded);
  if (!header) return { form: "csv", fields: [], rows: [] };
  const { fields, fault } = header;
  const rows = others.map(({ line, fields: value, fault }): SourceRow => {
    const width =
      value.length === fields.length ? undefined : `${value.length} fields, and the header ${fields.length}`;
    const why = fault ?? width;
    return { line, value, ...(why !== undefined && { fault: why }) };
  });
  return { form: "csv", fields, rows, ...(fault !== undefined && { fault: `header: ${fault}` }) };
}

function decoded({ line, fields, fault }: RawRow): RawRow {
  try {
    const texts = fields.map((field) => utf8.decode(Buffer.from(field, "latin1")));
    return { line, fields: texts, ...(fault !== undefined && { fault }) };
  } catch {
    return { line, fields, fault: "not UTF-8" };
  }
}

/** A stray quote stops csv-parse: it is let on behind that line. */
function rawRows(text: string, delimiter: string): RawRow[] {
  const rows: RawRow[] = [];
  // Files of old Macs end their lines by a carriage return alone.
  const ends = !text.includes("\n") && text.includes("\r") ? ["\r"] : ["\r\n", "\n"];
  let rest = text;
  let before = 0;
  for (;;) {
    const found: { record: string[]; raw: string; info: Info }[] = [];
    try {
      parseCsv(rest, {
        ...{ delimiter, record_delimiter: ends, relax_column_count: true, info: true, raw: true },
        on_record: (each: unknown) => {
          found.push(each as (typeof found)[number]);
          return null;
        },
      });
      take(found);
      return rows;
    } catch (error) {
      const end = take(found);
      const broken = linesFrom(rest, end);
      const [line = "", ...following] = broken;
      rows.push({ line: before + end + 1, fields: [line], fault: `quotes (${(error as { code?: string }).code})` });
      before += end + 1;
      rest = following.join("\n");
      if (following.length === 0) return rows;
    }
  }

  /** Returns how many lines they take. */
  function take(found: readonly { record: string[]; raw: string }[]): number {
    let line = 0;
    for (const { record, raw } of found) {
      const isEmpty = /^[\r\n]*$/.test(raw);
      if (!isEmpty) rows.push({ line: before + line + 1, fields: record });
      line += Math.max(1, raw.split(ends.at(-1)!).length - 1);
    }
    return line;
  }

  function linesFrom(text: string, line: number): string[] {
    return text.split(ends.at(-1)!).slice(line);
  }
}

function jsonReading(bytes: Buffer, isLines: boolean): Reading {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { form: "json", fields: [], rows: [], fault: "not UTF-8" };
  }
  const rows = isLines ? lineRows(text) : (documentRows(text) ?? lineRows(text));
  const fields = new Set<string>();
  for (const { value, fault } of rows) if (fault === undefined) for (const name of Object.keys(value)) fields.add(name);
  return { form: "json", fields: [...fields], rows };
}

/** An array's elements, the elements of the only member that is an array of objects, or the document. */
function documentRows(text: string): SourceRow[] | undefined {
  let value: unknown;
  try {
    value = parseLossless(text);
  } catch {
    return undefined;
  }
  if (Array.isArray(value)) return value.map((each) => rowOf(each, undefined));
  if (isBag(value)) {
    const arrays = Object.values(value).filter((each) => Array.isArray(each) && each.length > 0 && each.every(isBag));
    if (arrays.length === 1) return (arrays[0] as unknown[]).map((each) => rowOf(each, undefined));
  }
  return [rowOf(value, undefined)];
}

function lineRows(text: string): SourceRow[] {
  return text.split("\n").flatMap((line, index) => {
    if (/^[ \t\r]*$/.test(line)) return [];
    try {
      return [rowOf(parseLossless(line), index + 1)];
    } catch (error) {
      return [{ line: index + 1, value: {}, fault: (error as Error).message }];
    }
  });
}

function rowOf(value: unknown, line: number | undefined): SourceRow {
  return isBag(value) ? { line, value } : { line, value: {}, fault: "not an object" };
}
