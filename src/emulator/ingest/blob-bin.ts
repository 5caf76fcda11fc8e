import { removeBlob } from "../blobs/requests.ts";
import type { Storage } from "../storage/storage.ts";
import type { IngestionMessage } from "./message.ts";

/** Where blobs go when their message was worked on. */
export interface BlobBin {
  forget(message: IngestionMessage, isIngested: boolean): void;
  close(): void;
}

const removalMs = 10_000;

/**
 * Removes the blobs of our own containers after a while, ingested or not: a message that is delivered twice still finds
 * its blob for so long. A client that says `RetainBlobOnSuccess: false` has its blob removed at once, wherever it is.
 */
export function blobBin(storage: Storage, retentionMs: number): BlobBin {
  const timers = new Set<NodeJS.Timeout>();
  return {
    forget({ blobPath, retainBlob }, isIngested) {
      if (isIngested && !retainBlob) {
        removeNow(storage, blobPath);
        return;
      }
      const timer = setTimeout(() => {
        timers.delete(timer);
        // A blob that will not go costs memory and nothing else.
        storage.remove(blobPath).catch(() => {});
      }, retentionMs);
      timers.add(timer);
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function removeNow(storage: Storage, url: string): void {
  storage
    .remove(url)
    .then((isOurs) => (isOurs ? undefined : removeBlob(url, AbortSignal.timeout(removalMs))))
    // The SAS need not allow it, and the service does not tell either.
    .catch(() => {});
}
