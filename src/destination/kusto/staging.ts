import { isCode, MillraceError } from "../../errors.ts";
import { isKind } from "../../schema/kinds.ts";
import { columnList, quoteName, quoteString } from "../../schema/kql.ts";
import { columnOf } from "./answer.ts";
import type { KustoClient } from "./client.ts";
import { tableColumns } from "./preflight.ts";
import { mayNot } from "./rights.ts";

/** The staging tables of one job and table; each generation has its own. */
export interface Staging {
  readonly table: string;
}

/** Of a job's name, which may be 900 bytes long as it is written in tags; a table's name ends at 1 024. */
const mostNameLength = 60;

/** Every staging table of a job begins so. The id behind the name makes it the job's own. */
export function stagingPrefix(table: string, job: string): string {
  const at = job.lastIndexOf(".");
  const name = job.slice(0, at).replace(/[^A-Za-z0-9]+/g, "_");
  return `${table}__millrace_${name.slice(0, mostNameLength)}_${job.slice(at + 1)}_g`;
}

/**
 * Makes this generation's staging table, and drops those of the older ones first: from then on no move of theirs finds a
 * source. Hidden; its extents are not merged, for they are moved one by one by their ids; gone by itself after a week.
 *
 * @throws MillraceError FORBIDDEN with the command that grants what is missing.
 */
export async function makeStaging(
  engine: KustoClient,
  database: string,
  target: string,
  job: string,
  generation: number,
  signal: AbortSignal,
): Promise<Staging> {
  const run = (csl: string) => engine.execute(database, csl, signal);
  const prefix = stagingPrefix(target, job);
  const table = `${prefix}${generation}`;
  for (const older of await tablesBeginningWith(engine, database, prefix, signal))
    await run(`.drop table ${quoteName(older)} ifexists`);

  const columns = await tableColumns(engine, database, target, signal);
  if (!columns)
    throw new MillraceError("NOT_FOUND", `Table ${target} does not exist in database ${database}.`, {
      context: { table: target, database },
    });
  const list = columns.map(({ name, type }) => {
    if (!isKind(type))
      throw new MillraceError("BAD_SCHEMA", `Column ${name} has the type ${type}, which is not known here.`);
    return { name, kind: type, isOptional: true };
  });
  try {
    await run(`.create table ${quoteName(table)} ${columnList(list)} with (hidden=true, folder='millrace')`);
  } catch (error) {
    throw mayNot(error, `create the staging table ${table}`, `.add database ${quoteName(database)} users`);
  }
  await run(
    `.alter table ${quoteName(table)} policy merge ${quoteString(JSON.stringify({ AllowRebuild: false, AllowMerge: false }))}`,
  );
  await Promise.all([softly(run(batchingCommand(table))), softly(run(autoDeleteCommand(table)))]);
  return { table };
}

/** Small batches wait for others at most this long: what is staged cannot be seen, so nobody gains by less. */
const batchingSpan = "00:00:10";

function batchingCommand(table: string): string {
  const policy = { MaximumBatchingTimeSpan: batchingSpan, MaximumNumberOfItems: 500, MaximumRawDataSizeMB: 1024 };
  return `.alter table ${quoteName(table)} policy ingestionbatching ${quoteString(JSON.stringify(policy))}`;
}

/** Puts off the day on which the table goes by itself. What goes wrong is tried again the next day. */
export async function renewStaging(
  engine: KustoClient,
  database: string,
  { table }: Staging,
  signal: AbortSignal,
): Promise<void> {
  await engine.execute(database, autoDeleteCommand(table), signal).catch(() => {});
}

function autoDeleteCommand(table: string): string {
  return `.alter table ${quoteName(table)} policy auto_delete ${quoteString(autoDelete())}`;
}

const weekMs = 7 * 24 * 3_600_000;

function autoDelete(): string {
  return JSON.stringify({ ExpiryDate: new Date(Date.now() + weekMs).toISOString(), DeleteIfNotEmpty: true });
}

export async function dropStaging(
  engine: KustoClient,
  database: string,
  { table }: Staging,
  signal: AbortSignal,
): Promise<void> {
  await engine.execute(database, `.drop table ${quoteName(table)} ifexists`, signal);
}

async function tablesBeginningWith(
  engine: KustoClient,
  database: string,
  prefix: string,
  signal: AbortSignal,
): Promise<string[]> {
  const answer = await engine.execute(database, ".show tables", signal);
  return columnOf(answer, "TableName")
    .map(String)
    .filter((each) => each.startsWith(prefix));
}

/** A policy makes staging cheaper or tidier; without the right to set it, or on a service that has it not, it works too. */
async function softly(act: Promise<unknown>): Promise<void> {
  try {
    await act;
  } catch (error) {
    if (!isCode(error, "BAD_REQUEST", "FORBIDDEN", "NOT_FOUND")) throw error;
  }
}
