import type { SentBlob } from "../destination/destination.ts";
import type { BlobEvent } from "../events.ts";

/** What an event says of a blob that batches of an epoch share. */
export function blobEvent(
  { id, tag, batches, rows, rawBytes, packedBytes }: SentBlob,
  about: Pick<BlobEvent, "sink" | "table" | "epoch" | "durationMs">,
): BlobEvent {
  const openedAt = batches.reduce((oldest, batch) => Math.min(oldest, batch.openedAt ?? Number.NaN), Infinity);
  const ageMs = Number.isNaN(openedAt) ? undefined : Math.max(0, Date.now() - openedAt);
  return { ...about, source: id, tag, batches: batches.map((batch) => batch.id), rows, rawBytes, packedBytes, ageMs };
}
