import { MillraceError } from "../errors.ts";
import { refuseUnknownOptions } from "../option-names.ts";
import type { FileFormat } from "./format.ts";

/** Options of {@link files} and {@link stdin}. */
export interface FilesOptions {
  /** Default "auto": by the file's name, or its first bytes. */
  format?: FileFormat | "auto";
  /**
   * JSON only: the dotted path to the array whose elements are the records, such as "features"; "$": the document itself is
   * the record. Default: the only member that is an array of objects, if the document is an object that has one.
   */
  path?: string;
  /** CSV only. Default ",", and a tab for `.tsv`. */
  delimiter?: string;
  /** A longer record is refused, and not held in memory. Default 16 MiB. */
  maxRecordBytes?: number;
  /**
   * The files have been written to their end, so a last line without a line end is a record. Default: true, and false where
   * `run()` reads for a sink with a state: then such a line is left for the next run, because its rest may still be written. A
   * last line of NDJSON that is a whole object is always read, and so is that of a packed file.
   */
  final?: boolean;
  /**
   * What to do with a file that is not the one its position belongs to (replaced, truncated, edited): "error" (default),
   * "read-again" from its start, or "skip" it.
   */
  onChanged?: "error" | "read-again" | "skip";
  /** Told what a reader of the data should know: columns without a name, and the like. */
  onNotice?: (notice: string) => void;
}

export const defaultMaxRecordBytes = 16 * 1024 * 1024;

const formats = ["auto", "ndjson", "json", "csv"];

const changedWays: readonly string[] = ["error", "read-again", "skip"];

export function checkOptions(what: string, options: FilesOptions): void {
  refuseUnknownOptions(what, options, [
    ...["format", "path", "delimiter", "maxRecordBytes", "final", "onChanged", "onNotice"],
  ]);
  const { format = "auto", path, delimiter, maxRecordBytes = 1, final, onChanged = "error" } = options;
  const refuse = (reason: string): never => {
    throw new MillraceError("BAD_OPTION", `${what}: ${reason}.`);
  };
  if (!formats.includes(format)) refuse(`format is ${JSON.stringify(format)}; it takes ${formats.join(", ")}`);
  if (path !== undefined && (format === "csv" || format === "ndjson")) refuse(`path has no meaning in ${format}`);
  if (path === "" || path?.split(".").includes("")) refuse(`path ${JSON.stringify(path)} has an empty name in it`);
  if (delimiter !== undefined && !/^[\t -!#-~]$/.test(delimiter))
    refuse("delimiter is one ASCII character, and no quote");
  if (!Number.isSafeInteger(maxRecordBytes) || maxRecordBytes < 1) refuse("maxRecordBytes is a positive whole number");
  if (final !== undefined && typeof final !== "boolean") refuse("final is true or false");
  if (!changedWays.includes(onChanged))
    refuse(`onChanged is ${JSON.stringify(onChanged)}; it takes ${changedWays.join(", ")}`);
}
