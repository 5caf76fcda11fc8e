import { type Command, InvalidArgumentError, Option } from "commander";
import type { GzipLevel } from "../encode/encoder.ts";
import type { ExcessPrecision } from "../schema/excess-precision.ts";
import type { RaggedRows } from "../source/csv-dialect.ts";
import type { FilesOptions } from "../source/file-options.ts";
import { defaultInferRecords } from "./infer-files.ts";
import { inPhrases } from "./option-words.ts";
import type { ValueOptions } from "./value-options.ts";

/** Readers of flag values, in the way commander wants them. */

export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It takes a whole number from ${least}.`);
  };
}

const units: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Bytes: `1000000`, `64k`, `300M`, `1G`. */
export function byteCount(text: string): number {
  const match = /^(\d+)([kmg]?)b?$/i.exec(text);
  if (match) return Number(match[1]) * units[match[2]!.toLowerCase()]!;
  throw new InvalidArgumentError("It takes bytes, such as 1000000, 64k, 300M or 1G.");
}

export function gzipLevel(text: string): GzipLevel {
  if (text === "1") return 1;
  if (text === "2") return 2;
  throw new InvalidArgumentError("It takes 1 or 2.");
}

/** What says how files are to be read. */
export interface FileFlags {
  format: NonNullable<FilesOptions["format"]>;
  path?: string;
  encoding?: string;
  delimiter?: string;
  quote?: string;
  escape?: string;
  comment?: string;
  skipLines?: number;
  /** False with --no-header. */
  header?: boolean;
  ragged?: RaggedRows;
  trim?: boolean;
  nullText?: string[];
  excessPrecision?: ExcessPrecision;
  inferRecords: number;
}

export function addFileFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--format <format>", "what the files are").choices(["auto", "ndjson", "json", "csv"]).default("auto"),
    )
    .option("--path <path>", "JSON: the dotted path to the array of records, such as features; $: the document itself")
    .option(
      "--encoding <name>",
      "of the text: utf-8, utf-16le, windows-1252, ... (default: UTF-8, or what the first bytes show)",
    )
    .option("--delimiter <char>", "CSV: what separates fields; \\t: a tab (default: what the first rows show)")
    .option("--quote <char>", 'CSV: what encloses fields; none: nothing does (default: ")')
    .option("--escape <char>", "CSV: what stands before a quote in a quoted field (default: the quote itself)")
    .option("--comment <char>", "CSV: leave out rows that begin with it")
    .option("--skip-lines <n>", "CSV: leave out so many lines before the header", wholeNumber(0))
    .option("--no-header", "CSV: the first row is data; fields go to the table's columns by their order")
    .addOption(
      new Option("--ragged <way>", "CSV: rows with fewer fields than the header: refuse, or pad with nulls").choices([
        "refuse",
        "pad",
      ]),
    )
    .option("--trim", "CSV: leave out blanks around fields")
    .option(
      "--null-text <text>",
      "CSV: a text that is null in every column; may be repeated (default: NA, null, - and the like, but not as texts)",
      (text: string, texts: string[] = []) => [...texts, text],
    )
    .addOption(
      new Option("--excess-precision <way>", "times with more than 7 fraction digits: refuse, or truncate").choices([
        "refuse",
        "truncate",
      ]),
    )
    .option(
      "--infer-records <n>",
      "how many records of each file an inferred table rests on; 0: all",
      wholeNumber(0),
      defaultInferRecords,
    );
}

type OnNotice = NonNullable<FilesOptions["onNotice"]>;

export function fileOptions(flags: FileFlags, onNotice: OnNotice): FilesOptions {
  const { format, path, encoding, delimiter, quote, comment, skipLines, header, ragged, trim } = flags;
  return {
    format,
    ...(path !== undefined && { path }),
    ...(encoding !== undefined && { encoding }),
    ...(delimiter !== undefined && { delimiter: delimiter === "\\t" ? "\t" : delimiter }),
    ...(quote !== undefined && { quote }),
    ...(flags.escape !== undefined && { escape: flags.escape }),
    ...(comment !== undefined && { comment }),
    ...(skipLines !== undefined && { skipLines }),
    ...(header === false && { header }),
    ...(ragged !== undefined && { ragged }),
    ...(trim !== undefined && { trim }),
    onNotice: once((notice, kind) => onNotice(inPhrases(notice), kind)),
  };
}

/** A file is opened to be inferred from, matched and read, and has the same to say each time. */
function once(onNotice: OnNotice): OnNotice {
  const said = new Set<string>();
  return (notice, kind) => {
    if (said.has(notice)) return;
    if (said.size < mostRemembered) said.add(notice);
    onNotice(notice, kind);
  };
}

const mostRemembered = 10_000;

export function valueOptions({ nullText, excessPrecision }: FileFlags): ValueOptions {
  return {
    ...(nullText !== undefined && { nullTexts: nullText }),
    ...(excessPrecision !== undefined && { excessPrecision }),
  };
}
