import { randomBytes } from "node:crypto";
import { aborted, MillraceError, reasonOf } from "../../errors.ts";
import { nearestName } from "../../option-names.ts";
import { isKind } from "../../schema/kinds.ts";
import { createMergeTableCommand, type MappingKind, quoteName } from "../../schema/kql.ts";
import { tableOf } from "../../schema/table.ts";
import type { CheckContext, CheckItem } from "../destination.ts";
import type { Answer } from "./answer.ts";
import { type TokenSource, tokenSource } from "./auth.ts";
import { type KustoClient, kustoClient } from "./client.ts";
import { withDeadline } from "./deadline.ts";
import { type Finding, failed, listed, notReached, ok, warning } from "./finding.ts";
import { mappingFit, type NamedMapping } from "./mapping-fit.ts";
import type { Connection } from "./options.ts";
import { batchingFit, type Policy, retentionFit, tagRetentionFit } from "./policy-fit.ts";
import { type ActualColumn, tableColumns } from "./preflight.ts";
import { principalOf } from "./principal.ts";
import { proxyVariable, type Reached, reach, resolveHost } from "./reach.ts";
import { fetchResources, noDatabase, type Resources } from "./resources.ts";
import { emptyAppend, mayCommit, mayLook, mayNot, unnamedPrincipal } from "./rights.ts";
import { schemaFit } from "./schema-fit.ts";
import { type Scrubber, scrubber } from "./scrub.ts";
import { dropStaging, makeStaging, type Staging, stagingPrefix } from "./staging.ts";
import { assertTrusted } from "./trust.ts";

/** The longest time for one item; a shorter `requestTimeoutMs` holds. */
const mostItemMs = 30_000;
/** Putting away what a check has made is tried so long, also when it was aborted. */
const closingMs = 10_000;

/** One item, and which must be well before it can be looked at. */
interface Step {
  readonly name: string;
  readonly needs: readonly string[];
  look(signal: AbortSignal): Promise<Finding>;
}

/** What the steps before have found. */
interface Seen {
  tokens?: TokenSource | undefined;
  principal?: string | undefined;
  engine?: KustoClient;
  management?: KustoClient;
  /** The table's columns; undefined: it is not there. */
  columns?: readonly ActualColumn[] | undefined;
  /** The service's refusal to show anything of the database. */
  hidden?: MillraceError;
  resources?: Resources;
  staging?: Staging;
}

/**
 * Looks at everything that a sink needs, from the name of the host to the policies of the table, without a record. Items that
 * the options have no use of are left out.
 *
 * @throws MillraceError ABORTED; what is wrong is told by the items.
 */
export async function* checkCluster(given: Connection, context: CheckContext): AsyncGenerator<CheckItem> {
  const itemMs = Math.min(given.requestTimeoutMs, mostItemMs);
  const connection = { ...given, requestTimeoutMs: itemMs };
  const { login } = connection;
  const scrub = scrubber(
    "appKey" in login ? login.appKey : undefined,
    "certificate" in login && "certificate" in login.certificate ? login.certificate.certificate : undefined,
  );
  const seen: Seen = {};
  const statuses = new Map<string, CheckItem["status"]>();
  try {
    for (const { name, needs, look } of stepsOf(connection, context, seen, scrub)) {
      if (context.signal.aborted) throw aborted(context.signal, `checking table ${context.table}`);
      const first = needs.find((need) => !isPassed(statuses.get(need)));
      const finding =
        first === undefined
          ? await withDeadline(itemMs, context.signal, `Looking at ${name}`, look).catch((error) =>
              findingOf(error, seen, context.signal),
            )
          : notReached(first);
      statuses.set(name, finding.status);
      yield { name, ...finding };
    }
  } finally {
    await putAway(connection, seen);
  }
}

/** A need that has no item is none. */
function isPassed(status: CheckItem["status"] | undefined): boolean {
  return status === undefined || status === "ok" || status === "warning";
}

async function putAway({ database }: Connection, { engine, management, staging }: Seen): Promise<void> {
  // The table goes by itself in a week, should this fail.
  if (engine && staging) await dropStaging(engine, database, staging, AbortSignal.timeout(closingMs)).catch(() => {});
  engine?.close();
  management?.close();
}

/** What a step threw: the service's or the network's own words, and what grants a right that is missing. */
function findingOf(error: unknown, { principal }: Seen, signal: AbortSignal): Finding {
  if (signal.aborted) throw error;
  if (!(error instanceof MillraceError))
    return failed("INTERNAL", reasonOf(error), "Please report it: it is a defect.");
  const { code, retryable } = error;
  const grant = typeof error.context.grant === "string" ? error.context.grant : undefined;
  const message = grant === undefined ? error.message : error.message.replace(/ Somebody who may has to run: .*$/s, "");
  const fix = grant === undefined ? fixes[code] : `Somebody who may grant it runs: ${granted(grant, principal)}`;
  return { status: "failed", message, code, retryable, ...(fix !== undefined && { fix }) };
}

function granted(grant: string, principal: string | undefined): string {
  return principal === undefined ? grant : grant.replace(unnamedPrincipal, principal);
}

const fixes: Readonly<Partial<Record<MillraceError["code"], string>>> = {
  UNREACHABLE: "Ask who runs the network between this machine and that host.",
  THROTTLED: "Try again in a while; if it stays so, ask the cluster's owner about its load.",
  SERVICE_UNAVAILABLE: "Try again in a while; if it stays so, ask the cluster's owner.",
  UNAUTHENTICATED:
    "Compare the credential's options (application id, key or certificate, tenant) with those of the directory.",
  FORBIDDEN: "Ask a Database Admin for a role on the database or the table.",
  BAD_REQUEST: "Compare the cluster's version with the documentation of the command, and ask its owner.",
};

function stepsOf(connection: Connection, context: CheckContext, seen: Seen, scrub: Scrubber): readonly Step[] {
  const { engineUrl, ingestUrl, database } = connection;
  const { table, ingestion, commitMode } = context;
  const [engine, ingest] = [new URL(engineUrl), new URL(ingestUrl)];
  const isOneAddress = engineUrl === ingestUrl;
  const isStaged = commitMode === "move" || commitMode === "append";
  const step = (name: string, needs: readonly string[], look: Step["look"]): Step => ({ name, needs, look });
  const when = (isNeeded: boolean, ...steps: Step[]) => (isNeeded ? steps : []);
  const policy = (kind: string, fit: (context: CheckContext, set: Policy) => Finding) => async (signal: AbortSignal) =>
    fit(context, await policyOf(seen.engine!, database, table, kind, signal));

  return [
    step("trust", [], () => trust(connection)),
    step("dns", [], async () => reached(engine, await resolveHost(engine))),
    step("connection", ["dns"], async (signal) => reached(engine, await reach(engine, signal))),
    ...when(
      !isOneAddress,
      step("ingest-dns", [], async () => reached(ingest, await resolveHost(ingest))),
      step("ingest-connection", ["ingest-dns"], async (signal) => reached(ingest, await reach(ingest, signal))),
    ),
    step("login", ["trust", "connection"], (signal) => logIn(connection, seen, scrub, signal)),
    step("database", ["login"], (signal) => findDatabase(connection, context, seen, signal)),
    step("view", ["database"], () => mayView(connection, context, seen)),
    step("table", ["view"], async () => findTable(connection, context, seen)),
    step("schema", ["table"], async () => fitSchema(context, seen)),
    ...when(
      ingestion.ingestionMappingRef !== undefined,
      step("mapping", ["table"], (signal) => fitMapping(connection, context, seen, signal)),
    ),
    ...when(
      commitMode !== undefined,
      step("extents", ["table"], async (signal) => {
        await mayLook({ engine: seen.engine!, database }, table, commitMode!, signal);
        return ok(`The principal may see the extents of table ${table}, which say what is committed.`);
      }),
    ),
    ...when(
      isStaged,
      step("staging", ["extents"], (signal) => stage(connection, context, seen, signal)),
      step("commit", ["staging"], async (signal) => {
        await mayCommit({ engine: seen.engine!, database }, seen.staging!.table, table, commitMode!, signal);
        return ok(`The principal may ${commitMode === "move" ? "move extents into" : "append to"} table ${table}.`);
      }),
    ),
    // What is staged goes into a table of the sink's own.
    ...when(
      !isStaged,
      step("ingest", ["database"], (signal) => mayIngest(connection, context, seen, signal)),
    ),
    step("resources", ["login", "ingest-connection"], (signal) => findResources(connection, context, seen, signal)),
    step("storage", ["resources"], (signal) => reachStorage(seen.resources!, signal)),
    step("batching", ["table"], policy("ingestionbatching", batchingFit)),
    ...when(
      commitMode !== undefined,
      step("tag-retention", ["table"], policy("extent_tags_retention", tagRetentionFit)),
      step("retention", ["table"], policy("retention", retentionFit)),
    ),
  ];
}

async function trust(connection: Connection): Promise<Finding> {
  const { host, login } = connection;
  try {
    await assertTrusted(connection);
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== "UNTRUSTED_HOST") throw error;
    return failed(
      "UNTRUSTED_HOST",
      `${String(error.context.host)} is not known as a Kusto host, so it is given no token.`,
      `If it is yours: trustedHosts: [${JSON.stringify(String(error.context.host))}] (--trusted-host).`,
    );
  }
  return ok(login.kind === "none" ? `${host} needs no token.` : `${host} may be given a token.`);
}

/** Behind a proxy the SDKs need not get through themselves. */
function reached(url: URL, result: Reached): Finding {
  if (result.isThere) return ok(`${result.how}.`);
  const proxy = proxyVariable(url);
  if (proxy !== undefined)
    return warning(
      `${sentence(result.why)} Requests may go through the proxy in ${proxy}; the login tells.`,
      result.fix,
    );
  return {
    status: "failed",
    message: sentence(result.why),
    fix: result.fix,
    code: "UNREACHABLE",
    retryable: result.retryable,
  };
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

async function logIn(connection: Connection, seen: Seen, scrub: Scrubber, signal: AbortSignal): Promise<Finding> {
  const { engineUrl, ingestUrl, login, requestTimeoutMs } = connection;
  seen.tokens = await tokenSource(connection, scrub, signal);
  const token = await seen.tokens?.();
  seen.principal = token === undefined ? undefined : principalOf(token);
  seen.engine = await kustoClient(engineUrl, seen.tokens, requestTimeoutMs, scrub);
  seen.management =
    ingestUrl === engineUrl ? seen.engine : await kustoClient(ingestUrl, seen.tokens, requestTimeoutMs, scrub);
  // Whoever has logged in may ask for it; whether the cluster takes the token is what counts.
  await seen.engine.execute(noDatabase, ".show databases", signal).catch((error) => {
    if (!isCode(error, "FORBIDDEN", "BAD_REQUEST", "NOT_FOUND")) throw error;
  });
  if (login.kind === "none") return ok("The cluster asks for no login.");
  return ok(`Logged in by ${login.kind} as ${seen.principal ?? "somebody whom the token does not name"}.`);
}

function isCode(error: unknown, ...codes: MillraceError["code"][]): error is MillraceError {
  return error instanceof MillraceError && codes.includes(error.code);
}

async function findDatabase(
  { database, host }: Connection,
  { table }: CheckContext,
  seen: Seen,
  signal: AbortSignal,
): Promise<Finding> {
  const engine = seen.engine!;
  try {
    seen.columns = await tableColumns(engine, database, table, signal);
  } catch (error) {
    if (isCode(error, "NOT_FOUND") && error.message.includes("Database")) {
      const known = await databasesOf(engine, signal);
      const nearest = nearestName(database, known);
      const others = known.length > 0 ? `, which shows ${listed(known)}` : "";
      return failed(
        "NOT_FOUND",
        `Database ${database} does not exist at ${host}${others}.`,
        nearest === undefined
          ? "Compare the name with the one that the portal shows, or ask the cluster's owner to make the database there."
          : `Did you mean ${nearest}?`,
      );
    }
    // A database of which nothing may be seen is one.
    if (!isCode(error, "FORBIDDEN", "BAD_REQUEST")) throw error;
    seen.hidden = error;
  }
  return ok(`Database ${database} exists.`);
}

async function databasesOf(engine: KustoClient, signal: AbortSignal): Promise<string[]> {
  try {
    const { columns, rows } = await engine.execute(noDatabase, ".show databases", signal);
    const name = columns.findIndex((column) => column.name === "DatabaseName");
    return rows.map((row) => String(row[name])).filter((each) => each !== noDatabase);
  } catch {
    return [];
  }
}

/** At least once goes without this right, and unchecked; exactly once asks the table what is committed. */
async function mayView({ database }: Connection, { commitMode }: CheckContext, seen: Seen): Promise<Finding> {
  const { hidden, principal } = seen;
  if (!hidden) return ok(`The principal may see what database ${database} holds.`);
  const role = commitMode === undefined || commitMode === "tag" ? "viewers" : "users";
  const error = mayNot(hidden, `see what database ${database} holds`, `.add database ${quoteName(database)} ${role}`);
  if (commitMode !== undefined || !isCode(error, "FORBIDDEN")) throw error;
  return warning(
    `${principal === undefined ? "The principal" : `Principal ${principal}`} may not see what database ${database} holds, so table, columns and policies are not checked; to ingest it need not.`,
    `To have them checked, a Database Admin runs: ${granted(String(error.context.grant), principal)}`,
  );
}

function findTable(
  { database }: Connection,
  { table, columns }: CheckContext,
  { columns: actual, hidden }: Seen,
): Finding {
  if (hidden) return notReached("view");
  if (actual) return ok(`Table ${table} exists, with ${actual.length} columns.`);
  return failed(
    "NOT_FOUND",
    `Table ${table} does not exist in database ${database}.`,
    columns === undefined
      ? "Compare the name with those of .show tables, or have `millrace ingest --create-table` make it."
      : `A Database User makes it: ${createMergeTableCommand(tableOf(table, columns))}`,
  );
}

function fitSchema(context: CheckContext, { columns }: Seen): Finding {
  const unknown = columns!.filter(({ type }) => !isKind(type));
  if (unknown.length > 0)
    return failed(
      "BAD_SCHEMA",
      `Columns have types that are not known here: ${listed(unknown.map(({ name, type }) => `${name}:${type}`))}.`,
      "Use a table without them.",
    );
  return schemaFit({ ...context, isMapped: context.ingestion.ingestionMappingRef !== undefined }, columns!);
}

async function fitMapping(
  { database }: Connection,
  { table, columns, format, ingestion }: CheckContext,
  { engine, columns: actual }: Seen,
  signal: AbortSignal,
): Promise<Finding> {
  const kind: MappingKind = format === "csv" ? "csv" : "json";
  const of = (place: string) =>
    mappingsOf(engine!.execute(database, `.show ${place} ingestion ${kind} mappings`, signal));
  const found = [...(await of(`table ${quoteName(table)}`)), ...(await of(`database ${quoteName(database)}`))];
  return mappingFit(found, {
    table,
    database,
    columns,
    actual: actual!,
    kind,
    wanted: ingestion.ingestionMappingRef!,
  });
}

async function mappingsOf(answer: Promise<Answer>): Promise<NamedMapping[]> {
  try {
    const { columns, rows } = await answer;
    const [name, text] = ["Name", "Mapping"].map((each) => columns.findIndex((column) => column.name === each));
    return rows.map((row) => ({ name: String(row[name!]), text: textOf(row[text!]) }));
  } catch (error) {
    // None at all may be told as "not found".
    if (isCode(error, "NOT_FOUND", "BAD_REQUEST")) return [];
    throw error;
  }
}

function textOf(cell: unknown): string {
  return typeof cell === "string" ? cell : JSON.stringify(cell ?? null);
}

/** The table's policy, else its database's; null where nothing is set. */
async function policyOf(
  engine: KustoClient,
  database: string,
  table: string,
  kind: string,
  signal: AbortSignal,
): Promise<Policy> {
  for (const place of [`table ${quoteName(table)}`, `database ${quoteName(database)}`]) {
    const { columns, rows } = await engine.execute(database, `.show ${place} policy ${kind}`, signal);
    const text = textOf(rows[0]?.[columns.findIndex((column) => column.name === "Policy")]);
    const policy: unknown = text === "" ? null : JSON.parse(text);
    if (policy !== null && typeof policy === "object") return policy as Policy;
  }
  return null;
}

async function stage(
  { database }: Connection,
  { table }: CheckContext,
  seen: Seen,
  signal: AbortSignal,
): Promise<Finding> {
  // A job of its own: no other's staging bears this id, so none is dropped.
  const job = `check.${randomBytes(6).toString("hex")}`;
  // Known before it is there, so that it is put away also if the answer is lost.
  seen.staging = { table: `${stagingPrefix(table, job)}1` };
  await makeStaging(seen.engine!, database, table, job, 1, signal);
  return ok(
    `The principal may create tables in database ${database}, as staging needs; the one made for this is dropped again.`,
  );
}

/** Appends nothing. Where that is refused for its reading, which ingestion does not need, the principal's roles say. */
async function mayIngest(
  { database }: Connection,
  { table }: CheckContext,
  { engine, columns, hidden, principal }: Seen,
  signal: AbortSignal,
): Promise<Finding> {
  if (!hidden && !columns) return notReached("table");
  const grant = `.add table ${quoteName(table)} ingestors`;
  try {
    await engine!.execute(database, emptyAppend(table, table), signal);
    return ok(`The principal may ingest into table ${table}.`);
  } catch (error) {
    if (!isCode(error, "FORBIDDEN")) throw error;
    const role = await ingestingRole(engine!, database, table, signal);
    if (role !== undefined) return ok(`The principal may ingest into table ${table}, as ${role}.`);
    const refusal = mayNot(error, `ingest into table ${table}`, grant) as MillraceError;
    if (!/authorized to read/.test(error.message)) throw refusal;
    return warning(
      `Whether ${principal ?? "the principal"} may ingest into table ${table} cannot be told: it may not read, and has no role there by its own name.`,
      `If it has none by a group either, a Table Admin runs: ${granted(String(refusal.context.grant), principal)}`,
    );
  }
}

/** The caller's role that lets it ingest, by name; what it has by a group may not show. */
async function ingestingRole(
  engine: KustoClient,
  database: string,
  table: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const place of [`table ${quoteName(table)}`, `database ${quoteName(database)}`]) {
    const answer = await engine.execute(database, `.show ${place} principal roles`, signal).catch((error) => {
      if (isCode(error, "FORBIDDEN", "BAD_REQUEST", "NOT_FOUND")) return undefined;
      throw error;
    });
    const role = answer?.columns.findIndex(({ name }) => name === "Role") ?? -1;
    const found = answer?.rows
      .map((row) => String(row[role]))
      .find((each) => /^(?:\w+ )?(Admin|Ingestor)$/i.test(each));
    if (found !== undefined) return `${place.startsWith("table") ? "Table" : "Database"} ${found.split(" ").at(-1)}`;
  }
  return undefined;
}

async function findResources(
  { isLoopback }: Connection,
  { table }: CheckContext,
  seen: Seen,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    seen.resources = await fetchResources(seen.management!, isLoopback, 1, signal);
  } catch (error) {
    throw mayNot(error, "be given storage to ingest through", `.add table ${quoteName(table)} ingestors`);
  }
  const { containers, queues } = seen.resources;
  return ok(`The cluster lends ${containers.length} containers and ${queues.length} queues to ingest through.`);
}

/** Every account is tried, for a batch may go to any; those that answer do for all, more slowly. */
async function reachStorage({ containers, queues }: Resources, signal: AbortSignal): Promise<Finding> {
  const tried = new Map<string, Promise<Reached>>();
  const reachOnce = (url: string) => {
    const { origin } = new URL(url);
    if (!tried.has(origin)) tried.set(origin, reach(new URL(origin), signal));
    return tried.get(origin)!;
  };
  const results = await Promise.all(
    [containers, queues].map((roots) => Promise.all(roots.map(({ url }) => reachOnce(url)))),
  );
  const all = await Promise.all(tried.values());
  const lost = all.filter((result) => !result.isThere);
  const names = listed([...tried.keys()].map((origin) => new URL(origin).host));
  if (lost.length === 0) return ok(`The storage answers: ${names}.`);
  const { why, fix, retryable } = lost[0]!;
  const places =
    lost.length === 1
      ? sentence(why)
      : `${lost.length} of ${all.length} addresses of the storage do not answer: ${sentence(why)}`;
  if (results.every((roots) => roots.some(({ isThere }) => isThere)))
    return warning(`${places} Batches go to the others.`, fix);
  const proxy = proxyVariable(new URL([...tried.keys()][0]!));
  if (proxy !== undefined) return warning(`${places} Requests may go through the proxy in ${proxy}.`, fix);
  return { ...failed("UNREACHABLE", places, fix), retryable };
}
