import type { RowFormat } from "../../encode/row-format.ts";
import { MillraceError } from "../../errors.ts";
import { datetimeText, parseDatetime } from "../../schema/datetime-text.ts";
import { parseExactly } from "../../schema/exact-json.ts";
import type { Kind } from "../../schema/kinds.ts";
import type { NamedColumn, Table } from "../../schema/table.ts";
import { rfc4180 } from "../../source/csv-dialect.ts";
import { csvFields } from "../../source/csv-rows.ts";
import { hiveText, longestName, nullPartition } from "./file-names.ts";
import type { ResolvedFilesOptions, TimePartition } from "./options.ts";

/** The folder of a row, as `a=1/b=2`; or why the row has none. */
export type RowFolder = { readonly folder: string } | { readonly reason: string };

interface PartitionColumn {
  /** Of the column in a CSV row. */
  readonly index: number;
  readonly name: string;
  /** What stands before the value in the folder's name. */
  readonly prefix: string;
  readonly by: TimePartition["by"] | undefined;
}

const partitionKinds: readonly Kind[] = ["bool", "datetime", "guid", "int", "long", "string"];

/**
 * How the folder of a row is found; undefined where there are no partitions.
 *
 * @throws MillraceError BAD_OPTION where the table has no such column, or its kind names no folders.
 */
export function partitioning(
  table: Table,
  format: RowFormat,
  partitionBy: ResolvedFilesOptions["partitionBy"],
): ((row: Buffer) => RowFolder) | undefined {
  if (partitionBy.length === 0) return undefined;
  const columns = partitionBy.map((each) => partitionColumn(table, each));
  const prefixes = columns.map(({ prefix }) => prefix.toLowerCase());
  const twice = columns.find(({ prefix }, i) => prefixes.indexOf(prefix.toLowerCase()) < i);
  if (twice) throw bad(table, `two of them make folders named ${twice.prefix}...`);
  return (row) => folderOf(row.toString("utf8").replace(/\r?\n$/, ""), columns, format);
}

function partitionColumn(table: Table, given: string | TimePartition): PartitionColumn {
  const { column: name, by } = typeof given === "string" ? { column: given, by: undefined } : given;
  const index = table.list.findIndex((column) => column.name === name);
  if (index < 0) throw bad(table, `the table has no column ${name}`);
  refuseKind(table, table.list[index]!, by);
  const folder = by ? `${name}_${by}` : name;
  // A reader would take the folder's value for the column's.
  if (by && table.list.some((column) => column.name.toLowerCase() === folder.toLowerCase()))
    throw bad(table, `column ${folder} has the name of the folders that ${name} makes by ${by}`);
  // Readers pass over folders that begin with a dot.
  const prefix = `${hiveText(folder).replace(/^\./, "%2E")}=`;
  if (Buffer.byteLength(prefix) > longestName / 2)
    throw bad(table, `the name of column ${name} is too long for a folder`);
  return { index, name, prefix, by };
}

function refuseKind(table: Table, { name, kind }: NamedColumn, by: TimePartition["by"] | undefined): void {
  if (!partitionKinds.includes(kind))
    throw bad(table, `column ${name} is of kind ${kind}, and folders are named by ${partitionKinds.join(", ")}`);
  if (kind === "datetime" && !by)
    throw bad(table, `column ${name} is a datetime: use { column: "${name}", by: "day" }`);
  if (by && kind !== "datetime")
    throw bad(table, `column ${name} is of kind ${kind}, and by: "${by}" needs a datetime`);
}

function bad({ name }: Table, why: string): MillraceError {
  return new MillraceError("BAD_OPTION", `filesDestination(): partitionBy does not fit table ${name}: ${why}.`, {
    context: { option: "partitionBy", table: name },
  });
}

function folderOf(row: string, columns: readonly PartitionColumn[], format: RowFormat): RowFolder {
  const values = format === "csv" ? csvValues(row) : jsonValues(row);
  if (typeof values === "string") return { reason: values };
  const folders: string[] = [];
  for (const column of columns) {
    const value = textOf(values(column), column);
    if (typeof value !== "string") return value;
    const folder = column.prefix + (value === "" ? nullPartition : hiveText(value));
    if (Buffer.byteLength(folder) > longestName)
      return {
        reason: `column ${column.name}: its value of ${value.length} characters is too long for a folder's name`,
      };
    folders.push(folder);
  }
  return { folder: folders.join("/") };
}

const dialect = { ...rfc4180, hasHeader: false };

/** What is wrong with the row, or its values by their columns. */
function csvValues(row: string): ((column: PartitionColumn) => unknown) | string {
  const fields = csvFields(row, dialect);
  return typeof fields === "string" ? fields : ({ index }) => fields[index];
}

function jsonValues(row: string): ((column: PartitionColumn) => unknown) | string {
  let record: unknown;
  try {
    record = parseExactly(row);
  } catch {
    return "it is no JSON";
  }
  if (typeof record !== "object" || record === null || Array.isArray(record)) return "it is no JSON object";
  return ({ name }) => (Object.hasOwn(record, name) ? (record as Record<string, unknown>)[name] : undefined);
}

/** The value as it names a folder; empty: null. */
function textOf(value: unknown, { name, by }: PartitionColumn): string | { readonly reason: string } {
  if (value === undefined || value === null) return "";
  if (!["string", "number", "bigint", "boolean"].includes(typeof value))
    return { reason: `column ${name}: ${JSON.stringify(value)?.slice(0, 100)} names no folder` };
  const text = String(value);
  if (!by || text === "") return text;
  const ticks = { ms: 0, rest: 0 };
  const fault = parseDatetime(text, ticks);
  if (fault !== undefined) return { reason: `column ${name}: ${JSON.stringify(text.slice(0, 100))}: ${fault}` };
  return datetimeText(BigInt(ticks.ms) * 10_000n).slice(0, lengths[by]);
}

/** Of `2024-05-06T07`, and what is before. */
const lengths: Readonly<Record<TimePartition["by"], number>> = { month: 7, day: 10, hour: 13 };
