import { KustoError } from "../kusto-error.ts";
import { timespanOf } from "../values/text-values.ts";

/** What a query may take and answer (documentation, "Query limits"). */
export interface QueryLimits {
  /** Milliseconds. */
  readonly timeMs: number;
  readonly rows: number;
  /** UTF-16 units of the rows, as JSON. */
  readonly characters: number;
}

const minute = 60_000;
const mebi = 1_048_576;
const serviceDefaults: QueryLimits = { timeMs: 4 * minute, rows: 500_000, characters: 64 * mebi };

/** The longest that a request may ask for. */
const longestMs = 60 * minute;

/** With `notruncation` the service has no limit; an answer is one text here, which JavaScript bounds to 512 Mi characters. */
const untruncated = { rows: Number.POSITIVE_INFINITY, characters: 256 * mebi };

/**
 * The limits of a query, by its request's options (`servertimeout` as a timespan, `norequesttimeout`, `notruncation`) and
 * by `set` statements of the same names, which go before.
 */
export function limitsOf(options: Readonly<Record<string, unknown>>, text: string): QueryLimits {
  const isSet = (name: string) => new RegExp(`(^|;)\\s*set\\s+${name}\\s*(=\\s*true\\s*)?;`, "i").test(text);
  const isAsked = (name: string) => isSet(name) || String(options[name] ?? "").toLowerCase() === "true";
  return {
    ...serviceDefaults,
    ...(isAsked("notruncation") ? untruncated : {}),
    timeMs: isAsked("norequesttimeout") ? longestMs : timeoutOf(options.servertimeout),
  };
}

function timeoutOf(asked: unknown): number {
  if (asked === undefined || asked === null || asked === "") return serviceDefaults.timeMs;
  const ticks = typeof asked === "string" ? timespanOf(asked) : null;
  if (ticks === null || ticks <= 0n)
    throw new KustoError(
      `The request's option 'servertimeout' is no timespan: ${JSON.stringify(asked)}; write hours:minutes:seconds, as in 00:04:00.`,
    );
  return Math.min(Number(ticks / 10_000n), longestMs);
}

export function timedOut({ timeMs }: QueryLimits): KustoError {
  return new KustoError(
    `Request timed out: the query was stopped after ${timeMs / 1000} s. Ask for more by the option 'servertimeout', at most an hour.`,
    {
      status: 504,
      code: "General_RequestTimeout",
      type: "Kusto.Common.Svc.Exceptions.TimeoutException",
      permanent: false,
    },
  );
}

export function tooManyRows(what: "record count" | "data size", limit: number): KustoError {
  return new KustoError(
    `Query result set has exceeded the internal ${what} limit ${limit} (E_QUERY_RESULT_SET_TOO_LARGE).`,
    { code: "General_BadRequest", type: "Kusto.Data.Exceptions.KustoServicePartialQueryFailureException" },
  );
}
