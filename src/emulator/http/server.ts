import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { setImmediate as afterTick, setTimeout as wait } from "node:timers/promises";
import { download } from "../blobs/requests.ts";
import { dataManagementCommand } from "../commands/data-management.ts";
import { type Engine, execute, isCommand } from "../commands/execute.ts";
import type { Fault, FaultPlace, FaultPlan } from "../faults/request-faults.ts";
import type { IdentityTokens } from "../ingest/identity-tokens.ts";
import { ingest } from "../ingest/ingest.ts";
import type { QueuedOperations } from "../ingest/queued-operations.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import { refuseOption } from "../kql/request-options.ts";
import { KustoError } from "../kusto-error.ts";
import { packed, readBody, readBytes } from "../listener/body.ts";
import type { Refusal } from "../listener/listener.ts";
import type { Access } from "../security/access.ts";
import { type Authentication, Unauthenticated } from "../security/authentication.ts";
import { mayIngest } from "../security/ingest-rights.ts";
import { serviceResource } from "../security/security.ts";
import type { Storage } from "../storage/storage.ts";
import type { ResultTable } from "../values/result.ts";
import { errorBody, v1Command, v1Query, v2Query } from "./answer.ts";
import { editorAnswer } from "./editor-answer.ts";
import { isPageRefresh, pageFileOf, servePage } from "./page.ts";

export interface ServedParts extends Engine {
  readonly storage: Storage;
  readonly operations: QueuedOperations;
  readonly tokens: IdentityTokens;
  readonly plan: FaultPlan;
  readonly signal: AbortSignal;
  /** Who may do what; undefined where everybody may do everything. */
  readonly authentication?: Authentication | undefined;
  /** Where clients are told to log in. */
  readonly loginEndpoint?: string | undefined;
}

interface Exchange {
  readonly parts: ServedParts;
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly requestId: string;
  /** The body of a query or command; empty elsewhere. */
  readonly body: string;
  /** What the caller may do; undefined where nobody logs in. */
  readonly access: Access | undefined;
}

interface Route {
  readonly place: FaultPlace | undefined;
  /** Whether it is answered without a login. */
  readonly isOpen?: boolean;
  readonly answer: (exchange: Exchange) => Promise<string> | string;
}

/** Both endpoints of the service on one port: data management and engine. */
export function kustoEndpoint(parts: ServedParts): RequestListener {
  return (request, response) => {
    const file = pageFileOf(request);
    const served = file === undefined ? serve(parts, request, response) : servePage(file, response);
    served.catch(() => response.destroy());
  };
}

async function serve(parts: ServedParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = String(request.headers["x-ms-client-request-id"] ?? `unspecified;${randomUUID()}`);
  const activityId = randomUUID();
  response.setHeader("x-ms-activity-id", activityId);
  if (/^[\x20-\x7e]*$/.test(requestId)) response.setHeader("x-ms-client-request-id", requestId);
  let fault: Fault | undefined;
  let status = 200;
  let body: string;
  try {
    const url = new URL(`http://localhost${request.url}`);
    const route = routeOf(request, url);
    const text = route.place === "mgmt" || route.place === "query" ? await readBody(request) : "";
    const facts = { method: request.method ?? "", path: url.pathname, command: () => commandIn(text) };
    // A page that merely looks takes no fault from the client that it is meant for.
    fault = route.place && !isPageRefresh(request) ? parts.plan.next(route.place, facts) : undefined;
    if (fault && "when" in fault && fault.when === "before") {
      if (fault.act !== "slow") return silence(fault, request);
      await wait(fault.ms, undefined, { signal: parts.signal });
    }
    if (fault?.act === "answer") {
      if (fault.retryAfterSeconds !== undefined) response.setHeader("retry-after", String(fault.retryAfterSeconds));
      throw asked(fault.status);
    }
    const access = route.isOpen ? undefined : parts.authentication?.bearer(request.headers.authorization);
    body = await route.answer({ parts, request, url, requestId, access, body: text });
  } catch (error) {
    const refusal = refusalOf(error);
    status = refusal.status;
    if (refusal instanceof Unauthenticated) response.setHeader("www-authenticate", refusal.challenge);
    body = errorBody(refusal, requestId, activityId);
  }
  if (fault && "when" in fault && fault.when === "after") {
    if (fault.act !== "slow") return silence(fault, request);
    await wait(fault.ms, undefined, { signal: parts.signal });
  }
  const { bytes, headers } = await packed(body, request);
  // What is left of a body that nobody read would keep the connection from its next request.
  request.resume();
  response.writeHead(status, { "content-type": contentType, ...headers });
  if (fault?.act === "reset") response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
  else response.end(bytes);
}

/** What never becomes a request of the service, in the service's form all the same. */
export function endpointRefusal(status: number, why: string): Refusal {
  const error = new KustoError(why, status === 403 ? { status, code: "Forbidden", type: forbiddenType } : { status });
  return { contentType, body: errorBody(error, `unspecified;${randomUUID()}`, randomUUID()) };
}

const contentType = "application/json; charset=utf-8";
const forbiddenType = "Kusto.Common.Svc.Exceptions.UnauthorizedOperationException";

/** The client gets no answer: its connection breaks, or stays as it is. */
function silence({ act }: Fault, request: IncomingMessage): void {
  if (act === "reset") request.socket.resetAndDestroy();
  else request.resume();
}

/** What a body asks for, if it asks for anything. */
function commandIn(body: string): string {
  try {
    const { csl } = JSON.parse(body) as { csl?: unknown };
    return typeof csl === "string" ? csl : "";
  } catch {
    return "";
  }
}

function routeOf(request: IncomingMessage, url: URL): Route {
  const key = `${request.method} ${url.pathname.replace(/\/$/, "")}`;
  switch (key) {
    case "GET /v1/rest/auth/metadata":
      return { place: "auth", isOpen: true, answer: ({ parts }) => metadata(parts.loginEndpoint) };
    case "GET /v1/rest/ping":
      return { place: undefined, isOpen: true, answer: () => '"Pong!"' };
    case "POST /page/kql":
      return {
        place: undefined,
        answer: async ({ parts, access }) => editorAnswer({ ...parts, access }, await readBody(request)),
      };
    case "POST /v1/rest/mgmt":
      return { place: "mgmt", answer: (exchange) => answered(exchange, v1Command, v1Command) };
    case "POST /v1/rest/query":
      return { place: "query", answer: (exchange) => answered(exchange, v1Query, v1Command) };
    case "POST /v2/rest/query":
      return { place: "query", answer: (exchange) => answered(exchange, v2Query, v2Query) };
  }
  if (request.method === "POST" && url.pathname.startsWith("/v1/rest/ingest/"))
    return { place: "ingest", answer: streamingIngestion };
  throw new KustoError(`There is nothing at ${request.method} ${url.pathname}.`, { status: 404, code: "NotFound" });
}

const metadata = (loginEndpoint = "https://login.microsoftonline.com") =>
  JSON.stringify({
    AzureAD: {
      LoginEndpoint: loginEndpoint,
      LoginMfaRequired: false,
      KustoClientAppId: "db662dc1-0cfe-4e1c-a843-19a68e65be58",
      KustoClientRedirectUri: "https://microsoft/kustoclient",
      KustoServiceResourceId: serviceResource,
      FirstPartyAuthorityUrl: `${loginEndpoint}/f8cdef31-a31e-4b4a-93e4-5f571e91255a`,
    },
  });

type Framing = (table: ResultTable, requestId: string) => string;

/** Runs what a body asks for: commands begin with a dot, whatever the endpoint. */
async function answered(
  { parts, body, requestId, access }: Exchange,
  query: Framing,
  command: Framing,
): Promise<string> {
  const { db, csl, parameters, options } = requestOf(body);
  const managed = await dataManagementCommand(csl, { ...parts, databaseName: db, access, requestId });
  if (managed) return command(managed, requestId);
  return (isCommand(csl) ? command : query)(
    await execute({ ...parts, access }, db, csl, parameters, options),
    requestId,
  );
}

interface AskedText {
  readonly db: string;
  readonly csl: string;
  /** The values for `declare query_parameters`; the SDKs send them as texts. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly options: Readonly<Record<string, unknown>>;
}

function requestOf(body: string): AskedText {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new KustoError("The request body is not JSON.", { code: "BadRequest_SyntaxError" });
  }
  const { db, csl, properties } = (parsed ?? {}) as { db?: unknown; csl?: unknown; properties?: unknown };
  if (typeof csl !== "string" || csl.trim() === "")
    throw new KustoError("The request has no 'csl': the text of a query or command.");
  return { db: typeof db === "string" && db !== "" ? db : "NetDefaultDB", csl, ...propertiesOf(properties) };
}

function propertiesOf(properties: unknown): Pick<AskedText, "parameters" | "options"> {
  let known: unknown = properties;
  try {
    if (typeof known === "string") known = JSON.parse(known);
  } catch {
    throw new KustoError("The request's 'properties' are not JSON.", { code: "BadRequest_SyntaxError" });
  }
  const { Parameters, Options } = (known ?? {}) as Record<
    "Parameters" | "Options",
    Record<string, unknown> | undefined
  >;
  for (const name of Object.keys(Options ?? {})) refuseOption(name);
  const parameters = Object.entries(Parameters ?? {}).map(([name, value]): [string, string] => [name, String(value)]);
  return { parameters: new Map(parameters), options: { ...Options } };
}

/** `POST /v1/rest/ingest/{database}/{table}?streamFormat=...`: rows are there when the answer is. */
async function streamingIngestion({ parts, request, url, access }: Exchange): Promise<string> {
  const [database, table] = url.pathname.split("/").slice(4).map(decodeURIComponent);
  if (!database || !table) throw new KustoError("Streaming ingestion needs a database and a table in its path.");
  if (access) mayIngest(access, parts.catalogue, database, table, "perform operation 'StreamingIngest' on");
  const mappingName = url.searchParams.get("mappingName");
  const fromBlob = url.searchParams.get("sourceKind")?.toLowerCase() === "uri";
  // The body first, the table after: a slow sender must not keep the table from everybody else.
  const bytes = fromBlob
    ? download(parts.storage.direct(sourceUri(await readBody(request))), parts.signal)
    : inPieces(await readBytes(request, largestStream));
  const extent = await ingest(
    parts.catalogue,
    {
      database,
      table,
      format: url.searchParams.get("streamFormat") ?? "csv",
      mappingReference: mappingName === null || mappingName === "" ? undefined : mappingName,
      largestBytes: largestUnpackedStream,
    },
    bytes,
  );
  return v1Command({
    columns: [
      { name: "ConsumedRecordsCount", kind: "long" },
      { name: "UpdatePolicyStatus", kind: "string" },
      { name: "UpdatePolicyFailureCode", kind: "string" },
      { name: "UpdatePolicyFailureReason", kind: "string" },
    ],
    rows: [`[${extent.rows},"Inactive","Unknown",null]`],
  });
}

/** As the body comes, mostly packed: what the service takes (documentation, "Streaming ingestion", limitations). */
const largestStream = 4 * 1_048_576;

/** Unpacked: rows pack to a quarter and less, a decompression bomb to a thousandth. In lines of one digit it is 8 million rows already. */
const largestUnpackedStream = 4 * largestStream;

const pieceBytes = 262_144;

/** In pieces, so that others get their turn between them. */
async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    yield bytes.subarray(from, from + pieceBytes);
    await afterTick();
  }
}

function sourceUri(body: string): string {
  try {
    const uri = (JSON.parse(body) as { sourceUri?: unknown; SourceUri?: unknown }).sourceUri;
    if (typeof uri === "string") return uri;
  } catch {
    // Told below.
  }
  throw new KustoError("The request body must be a JSON object with a 'sourceUri'.");
}

function asked(status: number): KustoError {
  const throttled = status === 429;
  return new KustoError(throttled ? "The request was denied: too many requests." : "The service is unavailable.", {
    status,
    code: throttled ? "TooManyRequests" : "ServiceUnavailable",
    type: throttled
      ? "Kusto.Data.Exceptions.KustoRequestThrottledException"
      : "Kusto.Data.Exceptions.KustoServiceException",
    permanent: false,
  });
}

/** A defect of the emulator is permanent: the same request would meet it again, and clients would repeat it in vain. */
function refusalOf(error: unknown): KustoError {
  if (error instanceof KustoError) return error;
  if (error instanceof IngestionFailure)
    return new KustoError(error.message, { code: error.code, permanent: error.permanent });
  return new KustoError(`Internal error of the emulator: ${error instanceof Error ? error.message : String(error)}`, {
    status: 500,
    code: "General_InternalServerError",
    type: "Kusto.Data.Exceptions.KustoServiceException",
  });
}
