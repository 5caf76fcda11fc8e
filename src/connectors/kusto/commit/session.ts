import { nameOf } from "../../../deliver/held-epochs.ts";
import type { Outcome } from "../../../destination/destination.ts";
import { isCode, MillraceError } from "../../../errors.ts";
import { quoteName, quoteString } from "../../../schema/kql.ts";
import type { Answer } from "../answer.ts";
import type { Connection } from "../connection.ts";
import { openLink, type TableLink } from "../link.ts";
import type { Arrived, EpochSession, SessionContext, StagedExtent } from "./epoch-session.ts";
import { claimOf, jobNamePrefix } from "./epoch-tag.ts";
import { mayCommit, mayLook } from "./rights.ts";
import { dropStaging, findStagings, makeStaging, renewStaging, stagingName } from "./staging-table.ts";
import { tagged } from "./tagged-extents.ts";

/**
 * A session that commits epochs: staging and `.move extents`, staging and `.append`, or tags that the service looks for.
 *
 * @throws MillraceError FORBIDDEN, naming the right that is missing and the command that grants it.
 */
export async function openEpochSession(connection: Connection, context: SessionContext): Promise<EpochSession> {
  const link = await openLink(connection, context);
  try {
    const ground = { engine: link.patientEngine, database: link.database };
    await mayLook(ground, context.table.name, context.commitMode, context.signal);
    return context.commitMode === "tag"
      ? taggedSession(link, connection, context)
      : stagedSession(link, connection, context);
  } catch (error) {
    await link.close();
    throw error;
  }
}

function stagedSession(link: TableLink, { ingestion }: Connection, context: SessionContext): EpochSession {
  const { engine, patientEngine, database } = link;
  const { table, job, generation, lineage, commitMode } = context;
  const target = table.name;
  const staging = stagingName(target, job, generation, lineage);
  const run = (csl: string, signal: AbortSignal) => engine.execute(database, csl, signal);
  let renewal: NodeJS.Timeout | undefined;
  const closing = new AbortController();
  let closed: Promise<void> | undefined;
  const appends = commitMode === "append" ? appendsUnderWay(link) : undefined;
  const asking = askedOf(link, context);

  return {
    async held(signal) {
      await appends?.("held", signal);
      return asking.held(signal);
    },
    async tagsUnder(prefix, signal, isPrompt) {
      if (!isPrompt) await appends?.(prefix, signal);
      return asking.tagsUnder(prefix, signal);
    },
    stagings: (signal) => findStagings(engine, database, target, job, signal),
    async makeStaging(signal) {
      // Each of its commands is repeated by itself: where every few answers are lost, all of them together would never come through.
      await makeStaging(patientEngine, database, target, staging, signal);
      await mayCommit({ engine: patientEngine, database }, staging, target, commitMode, signal);
      // A sink may be open for longer than the table would live.
      renewal ??= setInterval(() => void renewStaging(patientEngine, database, staging, closing.signal), dayMs);
      renewal.unref();
      return { name: staging, job, generation, lineage };
    },
    dropStaging: (name, signal) => dropStaging(engine, database, name, signal),
    stage: link.stage,
    submit: (staged, tags, signal) =>
      link.announce(
        staged,
        {
          table: staging,
          additionalTags: [...tags, ...ingestion.additionalTags],
          ingestByTags: [],
          ingestIfNotExists: [],
          // The service batches no two blobs whose tags differ, and each of these has its own: to wait, 10 seconds at least, gains nothing.
          flushImmediately: true,
          report: "failures",
        },
        signal,
      ),
    async arrived(tag, ids, signal) {
      const failures = failed(await link.outcomes(ids, signal));
      const extents = await extentRows(run(tagged(staging, "has", tag), signal));
      return { extents, failures } satisfies Arrived;
    },
    async discard(tag, signal) {
      const extents = await extentRows(run(tagged(staging, "has", tag), signal));
      if (extents.length === 0) return;
      const ids = extents.map(({ id }) => id).join(", ");
      await run(`.drop extents (${ids}) from ${quoteName(staging)}`, signal).catch(async (error) => {
        if (!isCode(error, "NOT_FOUND")) throw error;
        // An earlier command took effect after its answer was lost, or the service merged them: what is left decides.
        const left = await extentRows(run(tagged(staging, "has", tag), signal));
        if (left.length > 0) throw lateDrop(error, staging);
      });
    },
    async commit(tag, extents, rows, signal) {
      if (commitMode === "move") {
        const ids = extents.join(", ");
        const command = `.move extents from table ${quoteName(staging)} to table ${quoteName(target)} (${ids})`;
        refuseIfFailed(await run(command, signal), target);
        return;
      }
      refuseIfShort(
        await run(appendCommand(target, staging, tag, extents, rows, ingestion.additionalTags), signal),
        rows,
        target,
      );
    },
    close(isDone) {
      // Once: the clients that would drop the table are closed with it, and each call would be tried for `closingMs`.
      closed ??= close(isDone);
      return closed;
    },
  };

  async function close(isDone: boolean): Promise<void> {
    clearInterval(renewal);
    closing.abort();
    // With nothing on its way; what the service loads once more must find no table.
    if (isDone) await dropStaging(patientEngine, database, staging, AbortSignal.timeout(closingMs)).catch(() => {});
    await link.close();
  }
}

/** The two questions about the target's tags. */
function askedOf(
  { engine, database }: TableLink,
  { table, job }: SessionContext,
): Pick<EpochSession, "held" | "tagsUnder"> {
  const name = nameOf(job);
  return {
    async held(signal) {
      const { rows } = await engine.execute(database, heldQuery(table.name, name), signal);
      return rows.flatMap(([job, lineage, oldest, newest]) => {
        const each = { job: String(job), lineage: lineage ? String(lineage) : undefined };
        // `contains` does not mind the case of the job's name.
        return nameOf(each.job) === name ? { ...each, oldest: Number(oldest), newest: Number(newest) } : [];
      });
    },
    async tagsUnder(prefix, signal) {
      const found = await extentRows(engine.execute(database, tagged(table.name, "contains", prefix), signal));
      // `contains` does not mind the case, nor where in the tag it is.
      return found.flatMap(({ tags }) =>
        tags.map((tag) => tag.replace(/^ingest-by:/, "")).filter((tag) => tag.startsWith(prefix)),
      );
    },
  };
}

/**
 * One row for each lineage, however many extents there are: job, lineage, oldest and newest epoch. A tag is
 * `millrace:name.id/table/epoch/lineage.digest/...`; the claim of a number ends behind the epoch, and stands beside such a tag.
 */
function heldQuery(table: string, name: string): string {
  const prefix = jobNamePrefix(name);
  return [
    tagged(table, "contains", prefix),
    "mv-expand tag = extract_all(@'(millrace:\\S+)', tostring(Tags)) to typeof(string)",
    "extend parts = split(tag, '/')",
    "extend job = extract(@'^millrace:(.*\\.[0-9a-f]{12})$', 1, tostring(parts[0])), lineage = extract(@'^([0-9a-f]{12})\\.[0-9a-f]+$', 1, tostring(parts[3])), epoch = tolong(parts[2])",
    `where isnotempty(job) and array_length(parts) > 3 and isnotnull(epoch) and tostring(parts[1]) == ${quoteString(encodeURIComponent(table))}`,
    "summarize oldest = min(epoch), newest = max(epoch) by job, lineage",
    "project job, lineage, oldest, newest",
  ].join(" | ");
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
 * The epoch's number is looked for by the service too, behind our own question. Where an extent is missing, nothing is appended, for
 * `where` would take what is left.
 */
function appendCommand(
  target: string,
  staging: string,
  tag: string,
  extents: readonly string[],
  rows: number,
  additionalTags: readonly string[],
): string {
  const claim = claimOf(tag);
  const tags = quoteString(JSON.stringify([tag, `ingest-by:${claim}`, ...additionalTags]));
  const unless = quoteString(JSON.stringify([claim]));
  const ids = extents.map((id) => `guid(${id})`).join(", ");
  return `.append ${quoteName(target)} with (tags=${tags}, ingestIfNotExists=${unless}) <| let landed = ${quoteName(staging)} | where extent_id() in (${ids}); landed | where toscalar(landed | count) == ${rows}`;
}

function taggedSession(link: TableLink, { ingestion }: Connection, context: SessionContext): EpochSession {
  const { engine, database } = link;
  const { table } = context;
  return {
    ...askedOf(link, context),
    stagings: async () => [],
    makeStaging: async () => undefined,
    dropStaging: async () => {},
    stage: link.stage,
    submit: (staged, tags, signal) =>
      link.announce(
        staged,
        {
          table: table.name,
          additionalTags: ingestion.additionalTags,
          ingestByTags: [...tags, ...ingestion.ingestByTags],
          ingestIfNotExists: tags,
          flushImmediately: true, // the service batches no blob with such tags
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
