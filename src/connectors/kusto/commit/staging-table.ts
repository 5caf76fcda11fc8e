import { createHash } from "node:crypto";
import { nameOf } from "../../../deliver/held-epochs.ts";
import { isCode, MillraceError } from "../../../errors.ts";
import { isKind } from "../../../schema/kinds.ts";
import { columnList, quoteName, quoteString } from "../../../schema/kql.ts";
import { columnOf } from "../answer.ts";
import type { KustoClient } from "../client.ts";
import { tableColumns } from "../preflight.ts";
import type { StagingTable } from "./epoch-session.ts";
import { mayNot } from "./rights.ts";

/** Of a job's name, which may be 900 bytes long as it is written in tags; a table's name ends at 1 024. */
const mostNameLength = 60;

/** The staging tables of every job of this name begin so, whatever the id of its state. */
function namePrefix(table: string, name: string): string {
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return `${table}__millrace_${readable(name)}_${hash}_`;
}

/** As an earlier version began those of one job. */
function olderPrefix(table: string, job: string): string {
  return `${table}__millrace_${readable(nameOf(job))}_${idOf(job)}_g`;
}

function readable(name: string): string {
  return name.replace(/[^A-Za-z0-9]+/g, "_").slice(0, mostNameLength);
}

function idOf(job: string): string {
  return job.slice(job.lastIndexOf(".") + 1);
}

export function stagingName(table: string, job: string, generation: number, lineage: string): string {
  return `${namePrefix(table, nameOf(job))}${idOf(job)}_g${generation}_${lineage}`;
}

/** The staging tables of all jobs of this job's name. */
export async function findStagings(
  engine: KustoClient,
  database: string,
  table: string,
  job: string,
  signal: AbortSignal,
): Promise<StagingTable[]> {
  const name = nameOf(job);
  const [prefix, older] = [namePrefix(table, name), olderPrefix(table, job)];
  const answer = await engine.execute(database, ".show tables | project TableName", signal);
  return columnOf(answer, "TableName").flatMap((each) => {
    const found = String(each);
    const match = found.startsWith(prefix) && /^([0-9a-f]{12})_g(\d+)_([0-9a-f]{12})$/.exec(found.slice(prefix.length));
    if (match) return { name: found, job: `${name}.${match[1]}`, generation: Number(match[2]), lineage: match[3] };
    const generation = found.startsWith(older) && /^\d+$/.exec(found.slice(older.length));
    return generation ? { name: found, job, generation: Number(generation[0]), lineage: undefined } : [];
  });
}

/**
 * Makes a staging table. Hidden; its extents are not merged, for they are moved one by one by their ids; gone by itself after a
 * week. Repeatable.
 *
 * @throws MillraceError FORBIDDEN with the command that grants what is missing.
 */
export async function makeStaging(
  engine: KustoClient,
  database: string,
  target: string,
  table: string,
  signal: AbortSignal,
): Promise<void> {
  const run = (csl: string) => engine.execute(database, csl, signal);
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
}

/** Blobs ask the service not to wait for others; this bounds the wait of a service that does not heed it. */
const batchingSpan = "00:00:10";

function batchingCommand(table: string): string {
  const policy = { MaximumBatchingTimeSpan: batchingSpan, MaximumNumberOfItems: 500, MaximumRawDataSizeMB: 1024 };
  return `.alter table ${quoteName(table)} policy ingestionbatching ${quoteString(JSON.stringify(policy))}`;
}

/** Puts off the day on which the table goes by itself. What goes wrong is tried again the next day. */
export async function renewStaging(
  engine: KustoClient,
  database: string,
  table: string,
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
  table: string,
  signal: AbortSignal,
): Promise<void> {
  await engine.execute(database, `.drop table ${quoteName(table)} ifexists`, signal);
}

/** A policy makes staging cheaper or tidier; without the right to set it, or on a service that has it not, it works too. */
async function softly(act: Promise<unknown>): Promise<void> {
  try {
    await act;
  } catch (error) {
    if (!isCode(error, "BAD_REQUEST", "FORBIDDEN", "NOT_FOUND")) throw error;
  }
}
