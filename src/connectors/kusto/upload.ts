import type { BlockBlobClient } from "@azure/storage-blob";
import type { SealedBatch } from "../../batch/sealed-batch.ts";
import { withDeadline } from "./deadline.ts";
import { BrokenAnswerError } from "./errors.ts";
import { storageNetwork } from "./network.ts";
import type { StorageRoot } from "./resources.ts";

/** Up to this size one PUT; beyond it blocks of this size, so that a broken connection costs one block. */
const blockBytes = 8 * 1024 * 1024;
const blocksAtOnce = 4;

/** One request may take this long and longer by its size: 1 MiB in 10 s is a slow line, not a dead account. */
const requestTimeoutMs = 30_000;
const perMebibyteMs = 10_000;

/**
 * Retrying is ours, in deliver/: the SDK's own four tries hold a dead account for 16 s and cannot be seen. Redirects are not
 * followed: a request carries rows and a SAS, and where it goes was looked at (storage-hosts.ts).
 */
export const oneTry = { retryOptions: { maxTries: 1 }, redirectOptions: { maxRetries: 0 } };

/** `database__table__id.csv.gz`, the name by which Kusto's own clients call their blobs, made safe for a URL. */
export function blobName(database: string, batch: Pick<SealedBatch, "id" | "table" | "format">): string {
  const safe = (name: string) => name.replace(/[^A-Za-z0-9_.-]/g, "_").slice(0, 200);
  return `${safe(database)}__${safe(batch.table)}__${batch.id}.${batch.format === "csv" ? "csv" : "multijson"}.gz`;
}

/** Stores the batch under its name, unless it is there already: names are unique, so what is there is this batch. */
export async function upload(root: StorageRoot, name: string, batch: SealedBatch, signal: AbortSignal): Promise<void> {
  const { ContainerClient } = await import("@azure/storage-blob");
  const blob = new ContainerClient(root.url, undefined, { ...oneTry, ...storageNetwork(root.url) }).getBlockBlobClient(
    name,
  );
  try {
    if (batch.packedBytes <= blockBytes) await putWhole(blob, batch, signal, root.url);
    else await putBlocks(blob, batch, signal, root.url);
  } catch (error) {
    if (!saysItExists(error)) throw error;
  }
}

const onlyIfAbsent = { ifNoneMatch: "*" };

async function putWhole(blob: BlockBlobClient, batch: SealedBatch, signal: AbortSignal, url: string): Promise<void> {
  const body = joined(batch.parts, batch.packedBytes);
  const stored = await withDeadline(
    timeoutFor(body.byteLength),
    signal,
    `Uploading batch ${batch.id}`,
    (abortSignal) =>
      blob.upload(body, body.byteLength, {
        abortSignal,
        conditions: onlyIfAbsent,
        blobHTTPHeaders: { blobContentType: "application/gzip" },
      }),
    url,
  );
  assertStored(stored);
}

/** Storage names the version of what it has stored; somebody else's "created" does not. */
function assertStored({ etag }: { readonly etag?: string | undefined }): void {
  if (etag === undefined) throw new BrokenAnswerError("the storage named no version of the blob");
}

async function putBlocks(blob: BlockBlobClient, batch: SealedBatch, signal: AbortSignal, url: string): Promise<void> {
  const ids: string[] = [];
  const blocks = blocksOf(batch.parts, blockBytes);
  // The first failure stops the others; their blocks stay uncommitted and are dropped by the storage after a week.
  const others = new AbortController();
  const stop = () => others.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    await Promise.all(
      Array.from({ length: blocksAtOnce }, async () => {
        // The runners share one iterator, so at most `blocksAtOnce` joined blocks exist at a time.
        for (const block of blocks) {
          const id = blockId(ids.length);
          ids.push(id);
          await withDeadline(
            timeoutFor(block.byteLength),
            others.signal,
            `Uploading batch ${batch.id}`,
            (abortSignal) => blob.stageBlock(id, block, block.byteLength, { abortSignal }),
            url,
          );
        }
      }),
    );
  } catch (error) {
    others.abort(error);
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
  const stored = await withDeadline(
    requestTimeoutMs,
    signal,
    `Committing batch ${batch.id}`,
    (abortSignal) =>
      blob.commitBlockList(ids, {
        abortSignal,
        conditions: onlyIfAbsent,
        blobHTTPHeaders: { blobContentType: "application/gzip" },
      }),
    url,
  );
  assertStored(stored);
}

/** Ids must be base64 and of one length. */
function blockId(index: number): string {
  return Buffer.from(String(index).padStart(6, "0")).toString("base64");
}

/** Cuts the parts into blocks without joining them all: a block inside one part is a view, another is a copy of its own. */
export function* blocksOf(parts: readonly Uint8Array[], size: number): Generator<Buffer> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for (const part of parts) {
    for (let from = 0; from < part.byteLength; ) {
      const piece = part.subarray(from, from + size - heldBytes);
      from += piece.byteLength;
      held.push(piece);
      heldBytes += piece.byteLength;
      if (heldBytes < size) continue;
      yield joined(held, heldBytes);
      held = [];
      heldBytes = 0;
    }
  }
  if (heldBytes > 0) yield joined(held, heldBytes);
}

function joined(parts: readonly Uint8Array[], bytes: number): Buffer {
  const [only] = parts;
  if (parts.length === 1 && only) return Buffer.from(only.buffer, only.byteOffset, only.byteLength);
  return Buffer.concat(parts as Uint8Array[], bytes);
}

function timeoutFor(bytes: number): number {
  return requestTimeoutMs + Math.ceil((bytes / 2 ** 20) * perMebibyteMs);
}

/**
 * Blob storage says "already there" in three ways: 409 BlobAlreadyExists, 412 ConditionNotMet, and 403
 * UnauthorizedBlobOverwrite when the SAS may create but not overwrite.
 */
function saysItExists(error: unknown): boolean {
  const { statusCode, code, details } = error as {
    statusCode?: number;
    code?: string;
    details?: { errorCode?: string };
  };
  const errorCode = details?.errorCode ?? code;
  return (
    (statusCode === 409 && errorCode === "BlobAlreadyExists") ||
    statusCode === 412 ||
    (statusCode === 403 && errorCode === "UnauthorizedBlobOverwrite")
  );
}
