import { createHash } from "node:crypto";

/**
 * Names of files and folders that every file system takes: letters, digits and `_`, none reserved, none too long. Hive and Spark
 * do not read what begins with `_` or `.`, so data files never do.
 */

const longestStem = 60;

/** Readable, and not unique: what is not a letter, digit or `_` becomes `_`. */
function safeName(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9_]/g, "_").replace(/^_+/, "");
  return safe.slice(0, longestStem) || "x";
}

/** Where claims and parts in the making lie, below the data folder. Spark, Hive and DuckDB pass over folders that begin with a dot. */
export const hiddenFolder = ".millrace";

/**
 * The folder of a job and table below {@link hiddenFolder}. The digest tells apart what differs in letter case, or in characters that no file
 * name may have.
 */
export function jobFolder(table: string, job: string | undefined): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([table, job ?? null]))
    .digest("hex")
    .slice(0, 12);
  return [safeName(table), ...(job === undefined ? [] : [safeName(job)]), digest].join("-");
}

/** The beginning of the names of an epoch's files. The id is one state's alone, so no other job, table or state has the same. */
export function epochStem(table: string, job: string, id: string, epoch: number): string {
  return `${safeName(table)}-${safeName(job)}-${id}-e${epoch}`;
}

/** The beginning of the names of a batch's files, with delivery at least once. */
export function batchStem(table: string, batch: string): string {
  return `${safeName(table)}-${batch}`;
}

/** The folder of an attempt at an epoch's files. Each attempt has one of its own: no process writes into another's. */
export function draftFolder(id: string, epoch: number, lineage: string, token: string): string {
  return `${id}-e${epoch}-${lineage}-${token}`;
}

/** Of what state and epoch a draft is; undefined where it is none. */
export function epochOfDraft(name: string): { readonly id: string; readonly epoch: number } | undefined {
  const match = /^([0-9a-f]+)-e(\d+)-[0-9a-f]+-[0-9a-f]+$/.exec(name);
  return match ? { id: match[1]!, epoch: Number(match[2]) } : undefined;
}

/** The longest name of a file or folder, in bytes, that Linux, macOS and Windows all take. */
export const longestName = 255;

/** Hive's folder for null and the empty text. */
export const nullPartition = "__HIVE_DEFAULT_PARTITION__";

/** What Hive escapes, what Windows does not take, and control characters. */
const escaped = /[\u0000-\u001f\u007f"#%'*/:=?\\{[\]^<>|]|[. ]$/g;

/** A column's name or value as a part of `column=value`: characters that a folder's name may not have become `%XX`, as in Hive. */
export function hiveText(text: string): string {
  return text.replace(
    escaped,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
