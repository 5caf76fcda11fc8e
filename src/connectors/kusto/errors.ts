import { type ErrorCode, MillraceError, reasonOf } from "../../errors.ts";
import { certificateFix, certificateTrouble } from "./certificate-trouble.ts";
import { throughProxy } from "./proxy.ts";
import { isProxyFault, mayPass, type ProxyFault, proxyFix } from "./proxy-fault.ts";
import { innerOf, type Scrubber, scrubbedError } from "./scrub.ts";

/** What was being done when something was thrown, and to whom. */
export interface Act {
  /** A noun phrase that begins the message: `Uploading blob x to account y`. */
  readonly doing: string;
  /** Where it went: a proxy on the way is named. */
  readonly url?: string | undefined;
  /** Storage answers 403 to an expired SAS; Kusto answers 403 to a principal without rights. */
  readonly to: "storage" | "kusto";
  readonly scrub: Scrubber;
  readonly context?: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** How a call failed: what the code that made it decides by. `context` of the error says the same to the user's program. */
export interface CallFailure {
  readonly status?: number | undefined;
  readonly serviceCode?: string | undefined;
  readonly socketCode?: string | undefined;
  readonly isAtProxy: boolean;
  /** The authority gave no token; the cluster was not asked. */
  readonly isLogin: boolean;
}

export class CallError extends MillraceError {
  readonly failure: CallFailure;

  constructor(failure: CallFailure, ...rest: ConstructorParameters<typeof MillraceError>) {
    super(...rest);
    this.failure = failure;
  }
}

export function callFailure(error: unknown): CallFailure | undefined {
  return error instanceof CallError ? error.failure : undefined;
}

/** The one place where anything thrown by the SDKs, the sockets or the service becomes a MillraceError. */
export function toMillraceError(thrown: unknown, act: Act): MillraceError {
  const own = ownErrorIn(thrown);
  if (own) return own;
  const facts = factsOf(thrown);
  const { code, retryable, advice } = judge(facts, act.to);
  const reason = act.scrub(reasonIn(facts));
  const way = facts.proxyFault === undefined && facts.status === undefined ? throughProxy(act.url) : "";
  const label = [facts.status && `HTTP ${facts.status}`, facts.serviceCode].filter(Boolean).join(" ");
  const { status, serviceCode, socketCode, proxyFault } = facts;
  const shownCode = serviceCode === undefined ? undefined : act.scrub(serviceCode);
  return new CallError(
    { status, serviceCode: shownCode, socketCode, isAtProxy: proxyFault !== undefined, isLogin: false },
    code,
    `${act.doing}${way} failed${label && ` (${act.scrub(label)})`}: ${sentence(reason)}${advice && ` ${advice}`}`,
    {
      retryable,
      ...(facts.retryAfterMs !== undefined && { retryAfterMs: facts.retryAfterMs }),
      cause: scrubbedError(thrown, act.scrub),
      context: {
        ...act.context,
        status,
        serviceCode: shownCode,
        ...(socketCode !== undefined && { socketCode }),
        ...(proxyFault !== undefined && { proxyFault }),
        ...(fixOf(facts) !== undefined && { fix: fixOf(facts) }),
      },
    },
  );
}

/** Of a certificate what is wrong with it, before OpenSSL's own words. */
function reasonIn({ serviceMessage, message, socketCode = "", proxyFault }: Facts): string {
  const trouble = proxyFault === undefined ? certificateTrouble(socketCode) : undefined;
  if (trouble !== undefined) return `the host ${trouble} (${socketCode})`;
  return serviceMessage ?? message ?? "no reason given";
}

/** What somebody at this machine can do about the way to the service. */
function fixOf({ proxyFault, socketCode = "", message = "" }: Facts): string | undefined {
  if (proxyFault !== undefined) return proxyFix(proxyFault, message);
  return certificateTrouble(socketCode) === undefined ? undefined : certificateFix(socketCode);
}

/** Facts about a failure, from whichever of the many places the libraries put them. */
interface Facts {
  status?: number;
  /** Kusto's or storage's code, such as BadRequest_TableNotExist or ServerBusy. */
  serviceCode?: string;
  serviceMessage?: string;
  /** Kusto's own word: trying again will not help. */
  permanent?: boolean;
  retryAfterMs?: number;
  /** ECONNRESET and its kin. */
  socketCode?: string;
  /** It failed between this machine and its proxy. */
  proxyFault?: ProxyFault;
  message?: string;
  /** The credential said no, or there was none. */
  isLogin?: boolean;
  /** The answer ended early, could not be read, or is not one that the service gives. */
  isBroken?: boolean;
}

interface Verdict {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly advice: string;
}

function verdict(code: ErrorCode, retryable: boolean, advice = ""): Verdict {
  return { code, retryable, advice };
}

/**
 * TLS that will fail the next time too: certificates, versions and ciphers, by Node's and OpenSSL's names. Other alerts, a
 * wrong checksum among them, come of a broken connection.
 */
const tlsRefusal =
  /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|UNKNOWN_CA|unknown ca|^ERR_TLS_|WRONG_VERSION_NUMBER|wrong version number|(UNSUPPORTED|NO)_PROTOCOL|unsupported protocol|PROTOCOL_VERSION|protocol version|HANDSHAKE_FAILURE|handshake failure|NO_SHARED_CIPHER|no shared cipher|certificate/;

/** Whether another attempt would meet the same refusal. OpenSSL's words stand in the message where the code is EPROTO. */
export function isTlsRefusal(code: string, message: string): boolean {
  return tlsRefusal.test(code) || (code === "EPROTO" && tlsRefusal.test(message));
}

const unreachableAdvice: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Nothing listens there: check the address and the port, and that the service runs.",
  ENOTFOUND: "Check the address: its host is not known.",
};
const missing = /EntityNotFound|NotExist|NotFound/;

function judge(facts: Facts, to: Act["to"]): Verdict {
  const { status, socketCode, proxyFault } = facts;
  if (proxyFault !== undefined) return verdict("UNREACHABLE", mayPass(proxyFault), fixOf(facts));
  // Not followed, for a token, rows or a SAS would go along. The login page of a network is gone in a while.
  if (status !== undefined && status >= 300 && status < 400)
    return verdict("UNTRUSTED_HOST", true, "It answers with a redirect, which is not followed.");
  if (isBroken(facts)) return verdict("UNREACHABLE", true, brokenAdvice);
  if (facts.isLogin) return judgeLogin(facts);
  if (status === undefined || status === 0) {
    if (socketCode && isTlsRefusal(socketCode, facts.message ?? ""))
      return verdict("UNREACHABLE", false, fixOf(facts) ?? "Check the address, the port, and https or http.");
    if (socketCode) return verdict("UNREACHABLE", true, unreachableAdvice[socketCode]);
    if (facts.permanent === true) return verdict(codeOfRefusal(facts), false);
    // Neither an answer nor a known socket error: one more try is the lesser evil, and the bound on retries holds.
    return verdict("SERVICE_UNAVAILABLE", true);
  }
  if (status === 429) return verdict("THROTTLED", true);
  if (to === "storage") return judgeStorage(facts, status);
  if (status === 401) return verdict("UNAUTHENTICATED", false, "Check the credential options and the tenant.");
  if (status === 403) return verdict("FORBIDDEN", false, "Give the principal a role on the database or table.");
  if (status >= 500 || status === 408)
    return facts.permanent === true ? verdict(codeOfRefusal(facts), false) : verdict(busyOrDown(facts), true);
  if (facts.permanent === false) return verdict("SERVICE_UNAVAILABLE", true);
  if (status === 404 && facts.serviceCode === undefined)
    return verdict("NOT_FOUND", false, "Is this the address of a Kusto cluster?");
  return verdict(codeOfRefusal(facts), false);
}

const brokenAdvice = "The answer was cut short or did not come from the service; the request may have taken effect.";

/**
 * A status of success with an error means that the answer was not what the service sends. One of 5xx says
 * by itself that another attempt may help, whatever is left of its body.
 */
function isBroken({ isBroken: isMarked, status = 0, socketCode }: Facts): boolean {
  if (status >= 500 || status === 429) return false;
  return isMarked === true || (status >= 100 && status < 400) || (status > 0 && socketCode !== undefined);
}

function judgeStorage(facts: Facts, status: number): Verdict {
  // Storage says 403 AuthenticationFailed to an expired SAS, and 404 when the service has replaced its storage.
  if (status === 401 || status === 403) return verdict("SAS_EXPIRED", true);
  if (status === 404) return verdict("SAS_EXPIRED", true, "The service is asked for its storage again.");
  if (status >= 500 || status === 408) return verdict(busyOrDown(facts), true);
  return verdict("BAD_REQUEST", false);
}

function judgeLogin({ status, socketCode, message = "" }: Facts): Verdict {
  if (status === 429) return verdict("THROTTLED", true);
  if ((status !== undefined && status >= 500) || status === 408 || (socketCode && !isTlsRefusal(socketCode, message)))
    return verdict("UNREACHABLE", true);
  return verdict("UNAUTHENTICATED", false, "Check the credential options and the tenant.");
}

function busyOrDown({ serviceCode }: Facts): ErrorCode {
  return serviceCode === "ServerBusy" || /Throttl/i.test(serviceCode ?? "") ? "THROTTLED" : "SERVICE_UNAVAILABLE";
}

function codeOfRefusal({ serviceCode, status }: Facts): ErrorCode {
  return status === 404 || missing.test(serviceCode ?? "") ? "NOT_FOUND" : "BAD_REQUEST";
}

/** An error of ours may come back wrapped, as when our token source throws inside the SDK. */
function ownErrorIn(thrown: unknown): MillraceError | undefined {
  for (let e = thrown, depth = 0; e instanceof Error && depth < 4; e = innerOf(e), depth++)
    if (e instanceof MillraceError) return e;
  return undefined;
}

function factsOf(thrown: unknown): Facts {
  const facts: Facts = {};
  for (let e = thrown, depth = 0; e instanceof Error && depth < 6; e = innerOf(e), depth++) addFacts(facts, e);
  if (facts.message === undefined && typeof thrown === "string") facts.message = thrown;
  return facts;
}

/** The common shape of RestError (@azure), AxiosError (azure-kusto-data) and node's socket errors. */
interface Foreign {
  code?: unknown;
  status?: unknown;
  statusCode?: unknown;
  details?: { errorCode?: unknown; message?: unknown } | undefined;
  response?: { status?: unknown; data?: unknown; headers?: HeaderBag } | undefined;
}

type HeaderBag = { get?(name: string): unknown } & Record<string, unknown>;

const socketCodes =
  /\b(E(CONN(REFUSED|RESET|ABORTED)|NOTFOUND|AI_AGAIN|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|ADDRNOTAVAIL|PROTO)|UND_ERR_\w+|ERR_(TLS|SSL)_\w+|[A-Z_]*CERT[A-Z_]*|UNABLE_TO_\w+)\b/;
const loginErrors =
  /^(KustoAuthenticationError|AuthenticationError|AuthenticationRequiredError|CredentialUnavailableError|AggregateAuthenticationError)$/;

function addFacts(facts: Facts, error: Error): void {
  const foreign = error as Error & Foreign;
  const headers = foreign.response?.headers;
  facts.message ??= firstLine(error.message);
  facts.isLogin ||= loginErrors.test(error.name);
  facts.isBroken ||= saysAnswerIsBroken(error);
  facts.status ??= numberOf(foreign.statusCode) ?? numberOf(foreign.response?.status) ?? numberOf(foreign.status);
  // The SDK's metadata call and its "network error" leave their facts in the text only.
  facts.status ??= numberOf(/status code (\d{3})\b/.exec(error.message)?.[1]);
  if (headers) facts.retryAfterMs ??= retryAfterMs(headers);
  facts.serviceCode ??= textOf(foreign.details?.errorCode) ?? textOf(headers && headerOf(headers, "x-ms-error-code"));
  if (foreign.response?.data !== undefined) addKustoBody(facts, foreign.response.data, headers);
  const code = textOf(foreign.code);
  if (isProxyFault(code)) facts.proxyFault ??= code;
  facts.socketCode ??= (code && socketCodes.exec(code)?.[0]) ?? socketCodes.exec(error.message)?.[0];
  if (foreign.statusCode !== undefined && code !== facts.socketCode) facts.serviceCode ??= code;
}

/** Kusto's body: `{"error":{"code","message","@type","@message","@permanent"}}`. */
export interface KustoErrorBody {
  readonly code?: string;
  readonly message?: string;
  readonly "@type"?: string;
  readonly "@message"?: string;
  readonly "@permanent"?: boolean;
}

function addKustoBody(facts: Facts, data: unknown, headers: HeaderBag | undefined): void {
  const body = typeof data === "string" ? parsed(data) : data;
  if (body === undefined && isMeantAsJson(String(data), headers)) facts.isBroken = true;
  const error = (body as { error?: KustoErrorBody } | null | undefined)?.error;
  if (error === undefined || error === null || typeof error !== "object") {
    if (typeof data === "string" && data !== "") facts.serviceMessage ??= firstLine(data);
    return;
  }
  // "General_BadRequest" says little; the exception's type then tells a missing entity from a bad query.
  const type = error["@type"]?.split(".").at(-1);
  facts.serviceCode ??= error.code && missing.test(type ?? "") && !missing.test(error.code) ? type : error.code;
  facts.serviceMessage ??= error["@message"] ?? error.message;
  if (error["@permanent"] !== undefined) facts.permanent ??= error["@permanent"];
}

/** A refusal may come without a body; one that is there is whole, or was cut. */
function isMeantAsJson(text: string, headers: HeaderBag | undefined): boolean {
  if (text.trim() === "") return false;
  return (
    text.trimStart().startsWith("{") || /\bjson\b/i.test(String((headers && headerOf(headers, "content-type")) ?? ""))
  );
}

/** Names and codes by which the libraries tell of an answer that ended early or cannot be read. */
const brokenCodes = /^(PARSE_ERROR|HPE_\w+|Z_\w+_ERROR|ERR_STREAM_PREMATURE_CLOSE|ERR_HTTP2_\w+)$/;
const brokenWords = /^aborted$|stream has been aborted|^Premature close$|^terminated$|^Parse Error\b/;
/**
 * MSAL drops the cause where the authority's answer was lost or could not be read, and @azure/identity says the like of
 * tokens without a field. An authority that knows no such tenant comes out the same where MSAL has no list of its endpoints.
 */
const brokenLogin =
  /\b(network_error|endpoints_resolution_error|openid_config_error|no_network_connectivity)\b|^Response had no "|Cannot read propert/;

function saysAnswerIsBroken(error: Error & Foreign): boolean {
  if (error instanceof BrokenAnswerError || error instanceof SyntaxError) return true;
  if (loginErrors.test(error.name) && saysLoginIsBroken(error)) return true;
  return brokenWords.test(error.message) || brokenCodes.test(textOf(error.code) ?? "");
}

/** Of a chain of credentials the message quotes all: that no managed identity answers on a machine without one is no outage. */
function saysLoginIsBroken(error: Error): boolean {
  const { errors } = error as { errors?: unknown };
  if (!Array.isArray(errors)) return brokenLogin.test(error.message);
  return errors.some(
    (each) =>
      each instanceof Error && !each.message.startsWith("ManagedIdentityCredential") && brokenLogin.test(each.message),
  );
}

/** An answer of success that the service does not give: no JSON, or of another shape. The request may have taken effect. */
export class BrokenAnswerError extends Error {
  override readonly name = "BrokenAnswerError";
}

/** Reads a value inside an answer; where that fails, the answer was broken. */
export function readAnswer<T>(doing: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code, retryable, advice } = verdict("UNREACHABLE", true, brokenAdvice);
    throw new MillraceError(code, `${doing} failed: ${sentence(reasonOf(error))} ${advice}`, {
      retryable,
      cause: error,
    });
  }
}

/** A failure that came inside an answer of HTTP 200. */
export class KustoAnswerError extends Error {
  override readonly name = "KustoAnswerError";
  readonly response: { readonly data: { readonly error: KustoErrorBody } };

  constructor(error: KustoErrorBody) {
    super(error["@message"] ?? error.message ?? "the answer says that it has errors");
    this.response = { data: { error: { "@permanent": true, ...error } } };
  }
}

/** Retry-After is seconds or a date; Azure also knows milliseconds under two names. */
export function retryAfterMs(headers: HeaderBag, now = Date.now()): number | undefined {
  for (const name of ["retry-after-ms", "x-ms-retry-after-ms"]) {
    const ms = numberOf(headerOf(headers, name));
    if (ms !== undefined) return ms;
  }
  const value = textOf(headerOf(headers, "retry-after"));
  if (value === undefined) return undefined;
  const seconds = numberOf(value);
  if (seconds !== undefined) return seconds * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function headerOf(headers: HeaderBag, name: string): unknown {
  return typeof headers.get === "function" ? headers.get(name) : headers[name];
}

function numberOf(value: unknown): number | undefined {
  const n = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof n === "number" && Number.isFinite(n) && n >= 0 ? n : undefined;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!.slice(0, 500);
}

/** Ends it as a sentence does. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
