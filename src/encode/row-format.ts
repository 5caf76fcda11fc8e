/** How a row is written: CSV is the fastest for the service to load (documentation); NDJSON is Kusto's `multijson`. */
export type RowFormat = "csv" | "ndjson";
