import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { retryAfterMs, toMillraceError } from "../../../src/connectors/kusto/errors.ts";
import { scrubber } from "../../../src/connectors/kusto/scrub.ts";
import { MillraceError } from "../../../src/errors.ts";

/** As @azure/core-rest-pipeline throws: the whole request hangs on the error. */
function restError(statusCode: number | undefined, code?: string, headers: Record<string, string> = {}) {
  return Object.assign(new Error("This request failed.\nRequestId:1"), {
    name: "RestError",
    statusCode,
    code,
    details: { errorCode: code, message: "details" },
    request: {
      url: "https://acc.blob.core.windows.net/c/b?sv=1&sig=SECRETSAS",
      headers: { authorization: "Bearer SECRETTOKEN" },
    },
    response: { status: statusCode, headers: new Headers(headers) },
  });
}

/** As axios throws. */
function axiosError(status: number, error?: object, headers: Record<string, string> = {}) {
  return Object.assign(new Error(`Request failed with status code ${status}`), {
    name: "AxiosError",
    code: "ERR_BAD_REQUEST",
    config: { headers: { Authorization: "Bearer SECRETTOKEN" } },
    response: { status, data: error && JSON.stringify({ error }), headers },
  });
}

function socketError(code: string) {
  return Object.assign(new Error(`connect ${code} 127.0.0.1:1`), { code });
}

/** As DefaultAzureCredential throws. */
function chainError(reason: string) {
  const errors = [new Error("EnvironmentCredential is unavailable."), new Error(reason)];
  const message = `ChainedTokenCredential authentication failed.\n${errors.map((error) => error.message).join("\n")}`;
  return Object.assign(new Error(message), { name: "AggregateAuthenticationError", errors });
}

function tlsError(reason: string) {
  return Object.assign(new Error(`write EPROTO 0000:error:0A00010B:SSL routines:${reason}:../x.c:354:`), {
    code: "EPROTO",
  });
}

/** As axios throws where the connection ended within the body. */
function cutError(status: number) {
  return Object.assign(new Error("aborted"), {
    name: "AxiosError",
    code: "ECONNRESET",
    response: { status, headers: {} },
  });
}

/** As axios throws, whatever the body is. */
function textError(status: number, data: string) {
  return Object.assign(axiosError(status), { response: { status, data, headers: {} } });
}

const missingTable = {
  code: "General_BadRequest",
  message: "Request is invalid and cannot be executed.",
  "@type": "Kusto.Data.Exceptions.EntityNotFoundException",
  "@message": "Entity ID 'nope' of kind 'Table' was not found.",
  "@permanent": true,
};

const cases: [string, "storage" | "kusto", unknown, string, boolean][] = [
  ["an expired SAS", "storage", restError(403, "AuthenticationFailed"), "SAS_EXPIRED", true],
  ["a container that is gone", "storage", restError(404, "ContainerNotFound"), "SAS_EXPIRED", true],
  ["storage throttling", "storage", restError(503, "ServerBusy"), "THROTTLED", true],
  ["storage down", "storage", restError(500, "InternalError"), "SERVICE_UNAVAILABLE", true],
  ["a gateway", "storage", restError(502), "SERVICE_UNAVAILABLE", true],
  ["too many requests", "storage", restError(429), "THROTTLED", true],
  ["a blob too large", "storage", restError(413, "RequestBodyTooLarge"), "BAD_REQUEST", false],
  ["refused connection", "storage", socketError("ECONNREFUSED"), "UNREACHABLE", true],
  ["reset connection", "kusto", Object.assign(restError(undefined, "ECONNRESET")), "UNREACHABLE", true],
  ["no such host", "kusto", socketError("ENOTFOUND"), "UNREACHABLE", true],
  ["a host nobody vouches for", "kusto", socketError("DEPTH_ZERO_SELF_SIGNED_CERT"), "UNREACHABLE", false],
  ["a wrong certificate", "kusto", socketError("ERR_TLS_CERT_ALTNAME_INVALID"), "UNREACHABLE", false],
  ["a missing table", "kusto", axiosError(400, missingTable), "NOT_FOUND", false],
  [
    "a syntax error",
    "kusto",
    axiosError(400, { code: "General_BadRequest", "@permanent": true }),
    "BAD_REQUEST",
    false,
  ],
  ["a passing error 400", "kusto", axiosError(400, { code: "x", "@permanent": false }), "SERVICE_UNAVAILABLE", true],
  ["no rights", "kusto", axiosError(403, { code: "Forbidden" }), "FORBIDDEN", false],
  ["a refused token", "kusto", axiosError(401), "UNAUTHENTICATED", false],
  ["throttled by Kusto", "kusto", axiosError(429), "THROTTLED", true],
  ["Kusto down", "kusto", axiosError(503), "SERVICE_UNAVAILABLE", true],
  ["a permanent 500", "kusto", axiosError(520, { code: "Internal", "@permanent": true }), "BAD_REQUEST", false],
  [
    "the SDK's wrapped 429",
    "kusto",
    Object.assign(new Error("POST request failed with status 429"), {
      name: "ThrottlingError",
      inner: axiosError(429),
    }),
    "THROTTLED",
    true,
  ],
  [
    "the SDK's text about metadata",
    "kusto",
    new Error("Failed to get cloud info for cluster http://x - AxiosError: connect ECONNREFUSED 127.0.0.1:1"),
    "UNREACHABLE",
    true,
  ],
  [
    "metadata answered 500",
    "kusto",
    new Error("Failed to get cloud info for cluster http://x - AxiosError: Request failed with status code 500"),
    "SERVICE_UNAVAILABLE",
    true,
  ],
  [
    "no token",
    "kusto",
    Object.assign(new Error("no account"), { name: "CredentialUnavailableError" }),
    "UNAUTHENTICATED",
    false,
  ],
  [
    "no network for a token",
    "kusto",
    Object.assign(new Error("x"), { name: "AuthenticationError", cause: socketError("ECONNRESET") }),
    "UNREACHABLE",
    true,
  ],
  [
    "no network for a token, as MSAL says it",
    "kusto",
    Object.assign(new Error("network_error: See https://aka.ms/msal.js.errors#network_error"), {
      name: "AuthenticationRequiredError",
    }),
    "UNREACHABLE",
    true,
  ],
  [
    "a chain of credentials on a machine without a managed identity",
    "kusto",
    chainError("ManagedIdentityCredential: Network unreachable. Message: network_error: See https://aka.ms/x"),
    "UNAUTHENTICATED",
    false,
  ],
  [
    "a chain of credentials whose authority was not reached",
    "kusto",
    chainError("network_error: See https://aka.ms/x"),
    "UNREACHABLE",
    true,
  ],
  ["a TLS alert in a connection", "kusto", socketError("ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR"), "UNREACHABLE", true],
  ["a wrong checksum in a connection", "kusto", tlsError("bad record mac"), "UNREACHABLE", true],
  ["a service that speaks no TLS", "kusto", tlsError("wrong version number"), "UNREACHABLE", false],
  ["a port without TLS", "kusto", socketError("ERR_SSL_WRONG_VERSION_NUMBER"), "UNREACHABLE", false],
  ["an older TLS", "kusto", socketError("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"), "UNREACHABLE", false],
  [
    "an authority that the other side does not know",
    "kusto",
    socketError("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA"),
    "UNREACHABLE",
    false,
  ],
  ["storage's answer that is no XML", "storage", restError(200, "PARSE_ERROR"), "UNREACHABLE", true],
  ["storage's refusal that was cut", "storage", restError(409, "PARSE_ERROR"), "UNREACHABLE", true],
  ["storage's answer cut in its body", "storage", restError(undefined, "PARSE_ERROR"), "UNREACHABLE", true],
  ["another success than storage gives", "storage", restError(200), "UNREACHABLE", true],
  ["a redirection of storage", "storage", restError(302), "UNTRUSTED_HOST", true],
  ["a redirection of the cluster", "kusto", axiosError(302), "UNTRUSTED_HOST", true],
  ["an answer cut in its body", "kusto", cutError(200), "UNREACHABLE", true],
  ["a refusal cut in its body", "kusto", cutError(400), "UNREACHABLE", true],
  ["a refusal whose JSON is not whole", "kusto", textError(400, '{"error":{"code":"Bad'), "UNREACHABLE", true],
  ["a refusal in plain words", "kusto", textError(400, "Bad Request"), "BAD_REQUEST", false],
  ["a refusal without a body", "kusto", textError(400, ""), "BAD_REQUEST", false],
  ["a broken outage", "kusto", textError(503, '{"error":'), "SERVICE_UNAVAILABLE", true],
  [
    "no HTTP",
    "kusto",
    Object.assign(new Error("Parse Error: Expected HTTP/"), { code: "HPE_INVALID_CONSTANT" }),
    "UNREACHABLE",
    true,
  ],
  [
    "a packed body cut short",
    "kusto",
    Object.assign(new Error("unexpected end of file"), { code: "Z_BUF_ERROR" }),
    "UNREACHABLE",
    true,
  ],
  ["something unknown", "storage", new Error("huh"), "SERVICE_UNAVAILABLE", true],
  ["something that is no error", "kusto", "boo", "SERVICE_UNAVAILABLE", true],
];

for (const [what, to, thrown, code, retryable] of cases)
  test(`${what}: ${code}${retryable ? ", retryable" : ""}`, () => {
    const error = toMillraceError(thrown, { doing: "Doing it", to, scrub: scrubber() });
    assert.deepEqual([error.code, error.retryable], [code, retryable], error.message);
    assert.match(error.message, /^Doing it failed/);
    const shown = inspect(error, { depth: Infinity, showHidden: true, getters: true });
    assert.ok(!shown.includes("SECRET"), shown);
  });

test("the service's own words and code are kept", () => {
  const error = toMillraceError(axiosError(400, missingTable), { doing: "It", to: "kusto", scrub: scrubber() });
  assert.match(error.message, /Entity ID 'nope' of kind 'Table' was not found\./);
  assert.equal(error.context.serviceCode, "EntityNotFoundException");
  assert.equal(error.context.status, 400);
});

test("Retry-After travels: seconds, a date, Azure's milliseconds", () => {
  const act = { doing: "It", to: "storage", scrub: scrubber() } as const;
  assert.equal(toMillraceError(restError(503, "ServerBusy", { "Retry-After": "7" }), act).retryAfterMs, 7000);
  const wrapped = Object.assign(new Error("x"), { inner: axiosError(429, undefined, { "retry-after": "3" }) });
  assert.equal(toMillraceError(wrapped, { ...act, to: "kusto" }).retryAfterMs, 3000);
  const now = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(retryAfterMs({ "retry-after": "Thu, 01 Jan 2026 00:00:09 GMT" }, now), 9000);
  assert.equal(retryAfterMs({ "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" }, now), 0);
  assert.equal(retryAfterMs({ "x-ms-retry-after-ms": "250" }), 250);
  assert.equal(retryAfterMs({ "retry-after": "soon" }), undefined);
});

test("an error of ours is found inside what the SDK wraps around it", () => {
  const own = new MillraceError("UNAUTHENTICATED", "no token");
  const wrapped = Object.assign(new Error("outer"), { name: "KustoAuthenticationError", inner: own });
  assert.equal(toMillraceError(wrapped, { doing: "It", to: "kusto", scrub: scrubber() }), own);
});

test("no secret survives, in whatever shape and depth", () => {
  const key = "Key~with.odd+chars/==";
  const letters = fc.string({ unit: fc.constantFrom(..."abcXYZ019%-_."), minLength: 8, maxLength: 40 });
  fc.assert(
    fc.property(letters, fc.nat(4), fc.nat(6), (secret, depth, shape) => {
      const scrub = scrubber(key);
      scrub.add(`tok-${secret}`);
      const marked = `Q${secret}Q`;
      const texts = [
        `GET https://acc.blob.core.windows.net/c/b.gz?sv=1&sig=${marked}&se=2 failed`,
        `"url":"http://127.0.0.1:1/a/c?sig=${marked}"`,
        `Authorization: Bearer ${marked}`,
        `client_secret=${marked}&scope=x`,
        `at https://user:${marked}@host/path`,
        `token tok-${secret} and key ${key}`,
        `client_assertion=${marked}`,
      ];
      let error: unknown = Object.assign(new Error(texts[shape]), { request: texts, config: texts });
      for (let i = 0; i < depth; i++)
        error = i % 2 ? new Error(texts[shape], { cause: error }) : Object.assign(new Error("x"), { inner: error });
      const shown = inspect(toMillraceError(error, { doing: "It", to: "kusto", scrub }), {
        depth: Infinity,
        showHidden: true,
        getters: true,
      });
      return !shown.includes(marked) && !shown.includes(`tok-${secret}`) && !shown.includes(key);
    }),
  );
});

test("what is not secret stays readable", () => {
  const scrub = scrubber("app-key-1");
  const text =
    "Table Readings: blob db__T__1.csv.gz at https://acc.blob.core.windows.net/c/b.gz, line 3: significant=1";
  assert.equal(scrub(text), text);
});
