import { badArgument } from "../arguments.ts";
import type { RowsBatch } from "./sealed-batch.ts";

const newline = 10;
const carriageReturn = 13;

/**
 * The rows of a batch of payload "rows" or "records", each without its line end: a message for each record. They are views of the batch's
 * bytes, which the sink reuses when the batch is delivered: copy rows that you keep longer.
 *
 * @throws MillraceError BAD_OPTION for a batch of another payload.
 */
export function rowsOf(batch: Pick<RowsBatch<"rows" | "records">, "bytes" | "ends">): Generator<Buffer> {
  checkRows("rowsOf()", batch);
  return views(batch);
}

/** @throws MillraceError BAD_OPTION where a batch has no row ends. */
export function checkRows(what: string, batch: unknown): void {
  const { bytes, ends } = (batch ?? {}) as { [member: string]: unknown };
  if (!(bytes instanceof Uint8Array && ends instanceof Uint32Array))
    throw badArgument(what, "batch", batch, 'a batch of payload "rows" or "records"');
}

function* views(batch: Parameters<typeof rowsOf>[0]): Generator<Buffer> {
  const { buffer, byteOffset, length } = batch.bytes;
  const all = Buffer.from(buffer, byteOffset, length);
  let start = 0;
  for (const end of batch.ends) {
    let stop = end;
    if (all[stop - 1] === newline) stop--;
    // Of raw rows; within a row it stands between quotes.
    if (stop > start && all[stop - 1] === carriageReturn) stop--;
    yield all.subarray(start, stop);
    start = end;
  }
}
