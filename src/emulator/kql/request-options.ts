import { KustoError } from "../kusto-error.ts";

/** Options of a request that change which rows come back. All others (limits, timeouts, caches) change no result here. */
const changingRows = new Set([
  "query_bin_auto_at",
  "query_bin_auto_size",
  "query_datetimescope_column",
  "query_datetimescope_from",
  "query_datetimescope_to",
  "query_now",
  "query_take_max_records",
]);

/** Refuses an option whose effect would be lost: of `set name = value;`, or of a request's properties. */
export function refuseOption(name: string): void {
  if (!changingRows.has(name.toLowerCase())) return;
  throw new KustoError(
    `Semantic error: SEM0999: the request option '${name}' is not supported by this emulator; write it into the query instead`,
    { type: "Kusto.Data.Exceptions.SemanticException" },
  );
}
