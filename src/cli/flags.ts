import { type Command, InvalidArgumentError, Option } from "commander";
import type { GzipLevel } from "../encode/encoder.ts";
import type { FilesOptions } from "../source/file-options.ts";
import { defaultInferRecords } from "./infer-files.ts";

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
  delimiter?: string;
  inferRecords: number;
}

export function addFileFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--format <format>", "what the files are").choices(["auto", "ndjson", "json", "csv"]).default("auto"),
    )
    .option("--path <path>", "JSON: the dotted path to the array of records, such as features; $: the document itself")
    .option("--delimiter <char>", "CSV: what separates fields (default: a comma; a tab for .tsv)")
    .option(
      "--infer-records <n>",
      "how many records of each file an inferred table rests on; 0: all",
      wholeNumber(0),
      defaultInferRecords,
    );
}

export function fileOptions(flags: FileFlags, onNotice: (notice: string) => void): FilesOptions {
  const { format, path, delimiter } = flags;
  return {
    format,
    ...(path !== undefined && { path }),
    ...(delimiter !== undefined && { delimiter: delimiter === "\\t" ? "\t" : delimiter }),
    onNotice,
  };
}
