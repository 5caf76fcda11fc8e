import { badArgument, checkOptionalFunction, sortOf } from "../arguments.ts";
import { MillraceError } from "../errors.ts";
import { refuseUnknownOptions } from "../option-names.ts";
import type { RaggedRows } from "./csv-dialect.ts";
import type { FileFormat } from "./format.ts";
import { encodingNamed } from "./text-encoding.ts";

/** Options of {@link files} and {@link stdin}. */
export interface FilesOptions {
  /** Default "auto": by the file's name, or its first bytes. */
  format?: FileFormat | "auto";
  /**
   * JSON only: the dotted path to the array whose elements are the records, such as "features"; "$": the document itself is
   * the record. Default: the only member that is an array of objects, if the document is an object that has one.
   */
  path?: string;
  /**
   * The encoding of the text, by a name that TextDecoder knows, "utf-32le" or "utf-32be". "latin1" is ISO 8859-1, "windows-1252" is
   * what Windows calls ANSI in the west. Default: UTF-8; UTF-16 or UTF-32 where the file begins with their mark or looks so.
   */
  encoding?: string;
  /**
   * CSV only: one ASCII character. Default: what a first line `sep=;` says, else what divides each of the first rows alike (a
   * comma, semicolon, tab or bar), else a tab for `.tsv` and `.tab`, a bar for `.psv`, a comma.
   */
  delimiter?: string;
  /** CSV only: what encloses fields, one ASCII character, or "none". Default `"`. */
  quote?: string;
  /** CSV only: what stands before a quote within a quoted field, such as `\`. Default: the quote itself, so that it is doubled. */
  escape?: string;
  /** CSV only: rows that begin with this ASCII character are left out. Default none. */
  comment?: string;
  /** CSV only: lines at the start of the file that are left out. Default 0. */
  skipLines?: number;
  /**
   * CSV only: does the first row have the names? Without, fields are called `column_1`, `column_2`, ... Default true.
   */
  header?: boolean;
  /**
   * CSV only: "refuse" (default) rows with another number of fields than the first, or "pad": missing fields are null, and empty
   * ones behind the last column are left out. A row with more values than columns is refused either way.
   */
  ragged?: RaggedRows;
  /** CSV only: leave out spaces and tabs around fields that are not quoted. Default false. */
  trim?: boolean;
  /** A longer record is refused, and not held in memory. Default 16 MiB. */
  maxRecordBytes?: number;
  /**
   * The files have been written to their end, so a last line without a line end is a record. Default: true, and false where
   * `run()` reads for a sink with a state: then such a line is left for the next run, because its rest may still be written. A
   * last line of NDJSON that is a whole object is always read, and so is that of a gzip file.
   */
  final?: boolean;
  /**
   * What to do with a file that is not the one its position belongs to (replaced, truncated, edited): "error" (default),
   * "read-again" from its start, or "skip" it.
   */
  onChanged?: "error" | "read-again" | "skip";
  /**
   * Told what a reader of the data should know: columns without a name, and the like. A "warning" says that records may be missing
   * if the file is not what it seems to be.
   */
  onNotice?: ((notice: string, kind?: "warning") => void) | undefined;
}

export const defaultMaxRecordBytes = 16 * 1024 * 1024;

const formats = ["auto", "ndjson", "json", "csv"];
const csvOptions = ["delimiter", "quote", "escape", "comment", "skipLines", "header", "ragged", "trim"] as const;

const changedWays: readonly string[] = ["error", "read-again", "skip"];

export function checkOptions(what: string, options: FilesOptions): void {
  refuseUnknownOptions(what, options, [
    ...["format", "path", "encoding", ...csvOptions, "maxRecordBytes", "final", "onChanged", "onNotice"],
  ]);
  const { format = "auto", path, encoding, skipLines = 0, ragged = "refuse", maxRecordBytes = 1 } = options;
  const { final, onChanged = "error", onNotice } = options;
  const refuse = (reason: string): never => {
    throw new MillraceError("BAD_OPTION", `${what}: ${reason}.`);
  };
  const show = (value: unknown) => (typeof value === "string" ? JSON.stringify(value) : sortOf(value));
  if (!formats.includes(format)) refuse(`format is ${show(format)}; it takes ${formats.join(", ")}`);
  if (path !== undefined && typeof path !== "string") throw badArgument(what, "path", path, "a dotted path");
  for (const name of ["encoding", "delimiter", "quote", "escape", "comment"] as const)
    if (options[name] !== undefined && typeof options[name] !== "string")
      throw badArgument(what, name, options[name], "a text");
  checkOptionalFunction(what, "onNotice", onNotice);
  if (path !== undefined && (format === "csv" || format === "ndjson")) refuse(`path has no meaning in ${format}`);
  if (path === "" || path?.split(".").includes("")) refuse(`path ${JSON.stringify(path)} has an empty name in it`);
  const isJson = format === "json" || format === "ndjson" || path !== undefined;
  const misplaced = csvOptions.find((name) => name !== "delimiter" && options[name] !== undefined);
  if (isJson && misplaced !== undefined) refuse(`${misplaced} has no meaning in JSON`);
  if (encoding !== undefined && encodingNamed(encoding) === undefined)
    refuse(`encoding ${JSON.stringify(encoding)} is not known; "utf-8", "utf-16le", "windows-1252" are some that are`);
  checkCharacters(options, refuse);
  if (!Number.isSafeInteger(skipLines) || skipLines < 0) refuse("skipLines is a whole number from 0");
  if (ragged !== "refuse" && ragged !== "pad") refuse(`ragged is ${show(ragged)}; it takes refuse, pad`);
  for (const name of ["header", "trim"] as const)
    if (options[name] !== undefined && typeof options[name] !== "boolean") refuse(`${name} is true or false`);
  if (!Number.isSafeInteger(maxRecordBytes) || maxRecordBytes < 1) refuse("maxRecordBytes is a positive whole number");
  if (final !== undefined && typeof final !== "boolean") refuse("final is true or false");
  if (!changedWays.includes(onChanged)) refuse(`onChanged is ${show(onChanged)}; it takes ${changedWays.join(", ")}`);
}

const visibleAscii = /^[!-~]$/;

function checkCharacters(options: FilesOptions, refuse: (reason: string) => never): void {
  const { delimiter, quote = '"', escape: escapeMark, comment } = options;
  if (delimiter !== undefined && (!/^[\t -~]$/.test(delimiter) || delimiter === quote))
    refuse("delimiter is one ASCII character, and no quote");
  if (quote !== "none" && !visibleAscii.test(quote)) refuse('quote is one ASCII character, or "none"');
  if (escapeMark !== undefined && !visibleAscii.test(escapeMark)) refuse("escape is one ASCII character");
  if (escapeMark !== undefined && quote === "none") refuse("escape has no meaning where nothing encloses fields");
  if (comment !== undefined && !visibleAscii.test(comment)) refuse("comment is one ASCII character");
  const others = [delimiter, quote === escapeMark ? undefined : escapeMark, comment].filter((c) => c !== undefined);
  if (new Set([...others, quote]).size <= others.length)
    refuse("delimiter, quote, escape and comment are four characters that differ");
}
