/**
 * What a destination takes of a batch:
 * - `gzip`: one gzip member, in pieces.
 * - `plain`: the text of the rows, in pieces. Nothing is packed.
 * - `rows`: the text of the rows in one piece, and where each row ends: a message for each record.
 * - `records`: the same in NDJSON, for clients that take objects: `recordsOf(table, batch)` decodes them one by one.
 */
export type Payload = "gzip" | "plain" | "rows" | "records";

export const payloads: readonly Payload[] = ["gzip", "plain", "rows", "records"];

/** Does a batch have row ends? */
export function hasRowEnds(payload: Payload): payload is "rows" | "records" {
  return payload === "rows" || payload === "records";
}
