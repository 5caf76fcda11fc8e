import { isCode, MillraceError } from "../../errors.ts";
import { quoteName, quoteString } from "../../schema/kql.ts";
import type { Arrived, EpochContext, EpochSession, Outcome, StagedExtent } from "../destination.ts";
import type { Answer } from "./answer.ts";
import { openLink, type TableLink } from "./link.ts";
import type { Connection } from "./options.ts";
import { mayCommit, mayLook } from "./rights.ts";
import { dropStaging, makeStaging, renewStaging } from "./staging.ts";
import { tagged } from "./tagged-extents.ts";

/**
 * A session that commits epochs: staging and `.move extents`, staging and `.append`, or tags that the service looks for.
 *
 * @throws MillraceError FORBIDDEN, naming the right that is missing and the command that grants it; STATE_LOST when the
 *   target bears tags of an older job of this name and the state is new.
 */
export async function openEpochSession(connection: Connection, context: EpochContext): Promise<EpochSession> {
  const link = await openLink(connection, context);
  try {
    const ground = { engine: link.patientEngine, database: link.database };
    await mayLook(ground, context.table.name, context.commitMode, context.signal);
    if (context.isNewJob && !context.acceptDuplicates) await refuseIfLost(link, context);
    return context.commitMode === "tag" ? taggedSession(link, context) : await stagedSession(link, context);
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** Tags of another job of the same name say that there was a state, which knew what had been committed. */
async function refuseIfLost(link: TableLink, { table, job, signal }: EpochContext): Promise<void> {
  const name = job.slice(0, job.lastIndexOf("."));
  const rows = await extentRows(
    link.patientEngine.execute(link.database, tagged(table.name, "contains", `millrace:${name}.`), signal),
  );
  const older = rows.flatMap(({ tags }) => tags).find((tag) => isOfJob(tag, name));
  if (!older) return;
  throw new MillraceError(
    "STATE_LOST",
    `Table ${table.name} holds epochs of job ${name} that this state knows nothing of (${older}). Give the state that wrote them, or another job's name; acceptDuplicates: true goes on all the same, and what the lost state had not finished may arrive twice.`,
    { context: { table: table.name, job: name } },
  );
}

/** Behind a job's name stands its id; other jobs' names may go on where this one ends. */
function isOfJob(tag: string, name: string): boolean {
  const [, job] = /^(?:ingest-by:)?millrace:([^/]*)\.[0-9a-f]{12}\//.exec(tag) ?? [];
  return job === name;
}

async function stagedSession(link: TableLink, context: EpochContext): Promise<EpochSession> {
  const { engine, patientEngine, database } = link;
  const { table, job, generation, ingestion, commitMode, signal: opening } = context;
  const target = table.name;
  const staging = await makeStaging(patientEngine, database, target, job, generation, opening);
  const run = (csl: string, signal: AbortSignal) => engine.execute(database, csl, signal);
  await mayCommit({ engine: patientEngine, database }, staging.table, target, commitMode, opening);
  const closing = new AbortController();
  // A sink may be open for longer than the table would live.
  const renewal = setInterval(() => void renewStaging(patientEngine, database, staging, closing.signal), dayMs);
  renewal.unref();
  const appends = commitMode === "append" ? appendsUnderWay(link) : undefined;

  return {
    async isCommitted(prefix, signal) {
      await appends?.(prefix, signal);
      return isThere(link, target, prefix, signal);
    },
    stage: link.stage,
    submit: (staged, tags, signal, isUrgent = false) =>
      link.announce(
        staged,
        {
          table: staging.table,
          additionalTags: [...tags, ...ingestion.additionalTags],
          ingestByTags: [],
          ingestIfNotExists: [],
          flushImmediately: isUrgent || ingestion.flushImmediately,
          report: "failures",
        },
        signal,
      ),
    async arrived(tag, ids, signal) {
      const failures = failed(await link.outcomes(ids, signal));
      const extents = await extentRows(run(tagged(staging.table, "has", tag), signal));
      return { extents, failures } satisfies Arrived;
    },
    async discard(tag, signal) {
      const extents = await extentRows(run(tagged(staging.table, "has", tag), signal));
      if (extents.length === 0) return;
      const ids = extents.map(({ id }) => id).join(", ");
      await run(`.drop extents (${ids}) from ${quoteName(staging.table)}`, signal).catch(async (error) => {
        if (!isCode(error, "NOT_FOUND")) throw error;
        // An earlier command took effect after its answer was lost, or the service merged them: what is left decides.
        const left = await extentRows(run(tagged(staging.table, "has", tag), signal));
        if (left.length > 0) throw lateDrop(error, staging.table);
      });
    },
    async commit(tag, extents, rows, signal) {
      if (commitMode === "move") {
        const ids = extents.join(", ");
        const command = `.move extents from table ${quoteName(staging.table)} to table ${quoteName(target)} (${ids})`;
        refuseIfFailed(await run(command, signal), target);
        return;
      }
      refuseIfShort(
        await run(appendCommand(target, staging.table, tag, extents, rows, ingestion.additionalTags), signal),
        rows,
        target,
      );
    },
    async close(isDone) {
      clearInterval(renewal);
      closing.abort();
      // With nothing on its way; what the service loads once more must find no table.
      if (isDone) await dropStaging(patientEngine, database, staging, AbortSignal.timeout(closingMs)).catch(() => {});
      await link.close();
    },
  };
}

/** Asked for again, the extents that are left are dropped by their new ids. */
function lateDrop({ message }: MillraceError, table: string): MillraceError {
  return new MillraceError(
    "SERVICE_UNAVAILABLE",
    `The extents of table ${table} changed while they were dropped: ${message}`,
    {
      retryable: true,
      context: { table },
    },
  );
}

/** To leave the table behind is no harm: the next generation drops it. */
const closingMs = 10_000;
const dayMs = 24 * 3_600_000;

/**
 * An `.append` goes on in the service when its client has given up or died, and takes effect at its end: so before the target
 * is asked, those under way are waited for. Which epoch one is of cannot be seen; it is waited for all that run when the
 * question is first asked, in this database, as far as the principal is shown them: its own always are (documentation,
 * ".show operations").
 */
function appendsUnderWay({ engine, database }: TableLink): (question: string, signal: AbortSignal) => Promise<void> {
  /** By question: what ran when it was first asked, and has not ended. */
  const waitedFor = new Map<string, ReadonlySet<string>>();
  const command = `.show operations | where StartedOn > ago(1d) and Database == ${quoteString(database)} and Operation contains "append" | summarize arg_max(LastUpdatedOn, State) by OperationId | where State in ("InProgress", "Scheduled") | project OperationId`;
  return async (question, signal) => {
    const { rows } = await engine.execute(database, command, signal);
    const known = waitedFor.get(question);
    const running = rows.map(([id]) => String(id)).filter((id) => known?.has(id) ?? true);
    if (running.length === 0) {
      waitedFor.delete(question);
      return;
    }
    waitedFor.set(question, new Set(running));
    throw new MillraceError(
      "SERVICE_UNAVAILABLE",
      `An .append that was begun before is still under way (operation ${running[0]}); what it brings cannot be told before its end. It is waited for; .cancel operation ends it.`,
      { retryable: true, retryAfterMs: 1_000, context: { operations: running.length } },
    );
  };
}

/**
 * A move that a node of the service could not do is answered with success, and with the word `Failed` where the moved
 * extent's id should be (documentation, ".move extents", on its output).
 */
function refuseIfFailed({ columns, rows }: Answer, target: string): void {
  const result = columns.findIndex((column) => column.name === "ResultExtentId");
  const details = columns.findIndex((column) => column.name === "Details");
  const failed = rows.find((row) => !/^[0-9a-f-]{36}$/i.test(String(row[result])));
  if (!failed) return;
  throw new MillraceError(
    "SERVICE_UNAVAILABLE",
    `The service did not move all extents into table ${target}: ${String(failed[details] ?? failed[result])}`,
    { retryable: true, context: { table: target } },
  );
}

/** Nothing was appended: the tag was there before, or staging does not hold what landed. Only the target can tell which. */
function refuseIfShort({ columns, rows }: Answer, expected: number, target: string): void {
  const count = columns.findIndex((column) => column.name === "RowCount");
  const appended = rows.reduce((sum, row) => sum + Number(row[count] ?? 0), 0);
  if (appended === expected) return;
  throw new MillraceError(
    "NOT_FOUND",
    `The service appended ${appended} rows of ${expected} to table ${target}: staging does not hold them as they landed, or they are there already.`,
    { context: { table: target } },
  );
}

/**
 * The epoch's own tag is looked for by the service too, behind our own question. Where an extent is missing, nothing is
 * appended, for `where` would take what is left.
 */
function appendCommand(
  target: string,
  staging: string,
  tag: string,
  extents: readonly string[],
  rows: number,
  additionalTags: readonly string[],
): string {
  const epoch = tag.slice(0, tag.lastIndexOf("/"));
  const tags = quoteString(JSON.stringify([tag, `ingest-by:${epoch}`, ...additionalTags]));
  const unless = quoteString(JSON.stringify([epoch]));
  const ids = extents.map((id) => `guid(${id})`).join(", ");
  return `.append ${quoteName(target)} with (tags=${tags}, ingestIfNotExists=${unless}) <| let landed = ${quoteName(staging)} | where extent_id() in (${ids}); landed | where toscalar(landed | count) == ${rows}`;
}

function taggedSession(link: TableLink, context: EpochContext): EpochSession {
  const { engine, database } = link;
  const { table, ingestion } = context;
  return {
    isCommitted: (prefix, signal) => isThere(link, table.name, `ingest-by:${prefix}`, signal),
    stage: link.stage,
    submit: (staged, tags, signal, isUrgent = false) =>
      link.announce(
        staged,
        {
          table: table.name,
          additionalTags: ingestion.additionalTags,
          ingestByTags: [tags[0]!, ...ingestion.ingestByTags],
          ingestIfNotExists: [tags[0]!],
          flushImmediately: isUrgent || ingestion.flushImmediately,
          report: "failures",
        },
        signal,
      ),
    async arrived(tag, ids, signal) {
      const failures = failed(await link.outcomes(ids, signal));
      const csl = tagged(table.name, "has", `ingest-by:${tag}`);
      return { extents: await extentRows(engine.execute(database, csl, signal)), failures };
    },
    async discard() {},
    async commit() {},
    close: () => link.close(),
  };
}

async function isThere(link: TableLink, table: string, prefix: string, signal: AbortSignal): Promise<boolean> {
  const found = await extentRows(link.engine.execute(link.database, tagged(table, "contains", prefix), signal));
  // `contains` does not mind the case, nor where in the tag it is.
  return found.some(({ tags }) => tags.some((tag) => tag.startsWith(prefix)));
}

async function extentRows(answer: Promise<Answer>): Promise<StagedExtent[]> {
  const { columns, rows } = await answer;
  const place = (name: string) => columns.findIndex((column) => column.name === name);
  const [id, count, tags] = [place("ExtentId"), place("RowCount"), place("Tags")];
  return rows.map((row) => ({ id: String(row[id]), rows: Number(row[count]), tags: tagsIn(row[tags]) }));
}

/** The service writes them one a line; ours hold no white space. */
function tagsIn(cell: unknown): string[] {
  if (Array.isArray(cell)) return cell.map(String);
  return String(cell ?? "")
    .split(/\s+/)
    .filter((tag) => tag !== "");
}

function failed(outcomes: readonly Outcome[]): Extract<Outcome, { status: "failed" }>[] {
  return outcomes.filter((outcome) => outcome.status === "failed");
}
