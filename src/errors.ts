/**
 * What went wrong, for programs: the `code` of a {@link MillraceError}. One of ours, or one that a destination, source or state of
 * somebody else's gave; such a one begins with a name of its own.
 */
export type ErrorCode = MillraceCode | (string & {});

/** The codes of Millrace itself. */
export type MillraceCode =
  /** An option is unknown, missing, out of range, or contradicts another. */
  | "BAD_OPTION"
  /** A table, column or inferred schema cannot be used as asked. */
  | "BAD_SCHEMA"
  /** One record does not fit its table; the others are unharmed. */
  | "RECORD_REFUSED"
  /** A source cannot be read: missing file, broken framing, unsupported format. */
  | "BAD_SOURCE"
  /** A file is not the one that was read before: replaced, truncated or edited, between two runs or while it was read. */
  | "SOURCE_CHANGED"
  /** `write()` was called again and again after it had returned false; nothing was accepted by this call. */
  | "BACK_PRESSURE"
  /** A refused record could not be kept in the dead letter; no checkpoint after it resolves. */
  | "DEAD_LETTER_FAILED"
  /** A getter or `toJSON()` of a record, or the dead letter, called the sink that waits for it; the call did nothing. */
  | "REENTRANT_CALL"
  /** The sink was closed. */
  | "CLOSED"
  /** The caller's signal, or `abort()`. */
  | "ABORTED"
  /** The far side could not be reached, or the connection broke: DNS, TCP, TLS, timeout, an answer that was cut or is not the service's. */
  | "UNREACHABLE"
  /** 429, or the service's own word that it has too much to do. */
  | "THROTTLED"
  /** 5xx, or an answer that says "try again". */
  | "SERVICE_UNAVAILABLE"
  /** No token could be had, or the service refused it. */
  | "UNAUTHENTICATED"
  /** The principal lacks a right. */
  | "FORBIDDEN"
  /** A host that is not known as Kusto's or Azure Storage's would have received a credential or rows. */
  | "UNTRUSTED_HOST"
  /** A storage SAS has expired or was refused: the resources must be asked for again. */
  | "SAS_EXPIRED"
  /** What was stored for the service to fetch cannot be fetched from there any more: it must be stored again. */
  | "PLACE_GONE"
  /** Database, table or mapping does not exist. */
  | "NOT_FOUND"
  /** The service refused the request itself. */
  | "BAD_REQUEST"
  /** A blob was taken by the service and then reported as failed. */
  | "INGESTION_FAILED"
  /** No word of a blob's fate came within `pollTimeoutMs`. */
  | "STATUS_TIMEOUT"
  /** A subtask's worker died; its batches are kept and named. */
  | "SUBTASK_FAILED"
  /** Another process has the state open. */
  | "STATE_IN_USE"
  /** Another process has taken the state, or the job, over; this sink can do nothing more. */
  | "STATE_FENCED"
  /** The state is not what was written: a damaged disk, or a file that somebody changed. */
  | "STATE_DAMAGED"
  /** The state belongs to another job, table or cluster, or to a newer version. */
  | "STATE_FOREIGN"
  /** The target holds epochs of this job that the state knows nothing of: to go on could write rows twice. */
  | "STATE_LOST"
  /** The target is ahead of the state: it is an older copy, or another copy of it was used since. */
  | "STATE_OUTDATED"
  /** The state cannot be written: the disk is full, or read-only. */
  | "STATE_UNWRITABLE"
  /** The folder that the sink writes into cannot be written: the disk is full or reports errors, it is read-only, or it is no folder. */
  | "TARGET_UNWRITABLE"
  /** An optional package is not installed; the message has the install line. */
  | "MISSING_PACKAGE"
  /** A defect of Millrace. */
  | "INTERNAL";

/** What an error may say beside its code and message. */
export interface MillraceErrorDetails {
  /** May the same act succeed when it is tried again? Default false. */
  retryable?: boolean;
  /** The server's own wish, from Retry-After, in milliseconds. */
  retryAfterMs?: number;
  cause?: unknown;
  /** What the error is about, for programs: table, column, record index, blob name, status code. Never a secret. */
  context?: Readonly<Record<string, string | number | boolean | undefined>>;
}

/**
 * The one error class. Whoever catches it can decide by `code`, and the retry policy by `retryable`;
 * `message` names the thing (table, column, value, place) and what to do next.
 * No message carries a secret: URLs lose their query, where a SAS lives, before they are quoted.
 */
export class MillraceError extends Error {
  override readonly name = "MillraceError";
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly context: Readonly<Record<string, string | number | boolean | undefined>>;

  constructor(code: ErrorCode, message: string, details: MillraceErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs;
    this.context = details.context ?? {};
  }
}

/** Is it ours, with one of these codes? */
export function isCode(error: unknown, ...codes: ErrorCode[]): error is MillraceError {
  return error instanceof MillraceError && codes.includes(error.code);
}

/** A URL as it may be shown: a SAS lives in the query, a password in the user info, so both go. */
export function withoutQuery(url: string): string {
  return url.replace(/[?;#].*$/s, "").replace(/\/\/[^/@]*@/, "//");
}

/** The message of anything thrown, for the tail of a sentence: also of what throws when it is looked at. */
export function reasonOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "it has no text";
  }
}

/** Throws ABORTED when the signal has fired; the signal's own reason is the cause. */
export function throwIfAborted(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted) throw aborted(signal, doing);
}

export function aborted(signal: AbortSignal, doing: string): MillraceError {
  return new MillraceError("ABORTED", `Aborted while ${doing}.`, { cause: signal.reason });
}
