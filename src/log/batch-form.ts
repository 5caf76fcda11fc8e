import { gunzipSync, gzipSync } from "node:zlib";
import type { GzipBatch, RowsBatch, SealedBatch } from "../batch/sealed-batch.ts";
import { hasRowEnds, type Payload } from "../encode/payload.ts";
import type { RowFormat } from "../encode/row-format.ts";
import { rowRanges } from "../encode/row-ranges.ts";
import type { LoggedBatch } from "./write-ahead-log.ts";

/** The batch as a log stores it: its bytes in pieces. Row ends follow the text, as 32-bit numbers. */
export function toLog(batch: SealedBatch<Payload>): GzipBatch {
  if (!("ends" in batch)) return batch as GzipBatch;
  const { bytes, ends, ...rest } = batch;
  const endBytes = new Uint8Array(ends.buffer, ends.byteOffset, ends.byteLength);
  return { ...rest, parts: [bytes, endBytes] } as Omit<RowsBatch, "bytes" | "ends"> as unknown as GzipBatch;
}

/**
 * The batch out of its bytes in the log, in the form that the destination takes now. One that was logged in another form, by a process
 * whose destination took that, is converted: the rows are the same to the byte.
 */
export function fromLog<P extends Payload>(batch: LoggedBatch, bytes: Uint8Array, wanted: P): SealedBatch<P> {
  const { epoch: _epoch, segment: _segment, offset: _offset, sha256: _sha256, ...head } = batch;
  const { payload: logged = "gzip", format, rows } = head;
  if (logged === wanted && !hasRowEnds(wanted))
    return {
      ...head,
      payload: wanted,
      parts: [bytes],
      packedBytes: bytes.length,
    } as SealedBatch<Payload> as SealedBatch<P>;
  return inForm(head, textOf(logged, bytes, rows, format, hasRowEnds(wanted)), wanted);
}

/** Encoded rows, and where they end, if that was asked for. */
export interface RowsText {
  readonly text: Uint8Array;
  readonly ends: Uint32Array | undefined;
}

/** The rows of a batch in the log, whatever their form there. */
export function rowsInLog(batch: LoggedBatch, bytes: Uint8Array): Required<RowsText> & { readonly ends: Uint32Array } {
  const { text, ends } = textOf(batch.payload ?? "gzip", bytes, batch.rows, batch.format, true);
  return { text, ends: ends! };
}

function textOf(logged: Payload, bytes: Uint8Array, rows: number, format: RowFormat, asksForEnds: boolean): RowsText {
  if (hasRowEnds(logged)) {
    const textBytes = bytes.length - 4 * rows;
    return {
      text: bytes.subarray(0, textBytes),
      // Copied: it lies anywhere, and 32-bit numbers are read from whole words alone.
      ends: new Uint32Array(new Uint8Array(bytes.subarray(textBytes)).buffer),
    };
  }
  const text = logged === "gzip" ? gunzipSync(bytes) : bytes;
  return { text, ends: asksForEnds ? Uint32Array.from(rowRanges(text, format), ({ end }) => end) : undefined };
}

/** A batch of these rows. */
export function inForm<P extends Payload>(
  head: Omit<SealedBatch<Payload>, "parts" | "bytes" | "ends">,
  { text, ends }: RowsText,
  payload: P,
): SealedBatch<P> {
  const content = payload === "gzip" ? gzipSync(text, { level: 1 }) : text;
  const sizes = { rawBytes: text.length, packedBytes: content.length, parts: [content] };
  const rowEnds = hasRowEnds(payload) ? { bytes: text, ends } : {};
  return { ...head, payload, ...sizes, ...rowEnds } as SealedBatch<Payload> as SealedBatch<P>;
}
