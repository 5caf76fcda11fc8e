import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { createInterface } from "node:readline";
import { MillraceError, reasonOf } from "../errors.ts";

/** The letters of a dead letter that were replayed: a hash of each line, in a file beside it. A letter that is mended has another. */
export interface ReplayLedger {
  has(line: string): boolean;
  /** A letter is on its way. @param end where the slice that it was read with ends */
  add(place: string, line: string, end: number): void;
  /** It was rejected: it is to be replayed again. */
  drop(place: string): void;
  /** Writes down those on their way whose slices end here or before: all of them have arrived. */
  save(end: number): Promise<void>;
  close(): Promise<void>;
}

export function ledgerPath(deadLetter: string): string {
  return `${deadLetter}.replayed`;
}

/** Tells of a letter, by its line, whether it was replayed. @throws MillraceError DEAD_LETTER_FAILED */
export async function replayedLetters(deadLetter: string): Promise<(line: string) => boolean> {
  const path = ledgerPath(deadLetter);
  const known = existsSync(path) ? await hashesIn(path) : new Set();
  return (line) => known.has(hashOf(line));
}

async function hashesIn(path: string): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>();
  try {
    for await (const hash of createInterface(createReadStream(path))) hashes.add(hash);
  } catch (error) {
    throw failed(path, error);
  }
  return hashes;
}

/** @throws MillraceError DEAD_LETTER_FAILED when the ledger cannot be read or written; also from `save()`. */
export async function openLedger(deadLetter: string): Promise<ReplayLedger> {
  const path = ledgerPath(deadLetter);
  const underWay = new Map<string, { readonly hash: string; readonly end: number }>();
  let file: FileHandle;
  let isEmpty: boolean;
  try {
    file = await open(path, "a+", 0o600);
    isEmpty = (await file.stat()).size === 0;
  } catch (error) {
    throw failed(path, error);
  }
  const known = await hashesIn(path);
  return {
    has: (line) => known.has(hashOf(line)),
    add(place, line, end) {
      underWay.set(place, { hash: hashOf(line), end });
    },
    drop(place) {
      underWay.delete(place);
    },
    async save(until) {
      const arrived = [...underWay].filter(([, { end }]) => end <= until);
      if (arrived.length === 0) return;
      for (const [place] of arrived) underWay.delete(place);
      const hashes = arrived.map(([, { hash }]) => hash);
      try {
        await file.appendFile(hashes.map((hash) => `${hash}\n`).join(""));
        isEmpty = false;
      } catch (error) {
        throw failed(path, error);
      }
    },
    async close() {
      await file.close();
      if (isEmpty) await unlink(path).catch(() => {}); // an empty file says nothing
    },
  };
}

function hashOf(line: string): string {
  return createHash("sha256").update(line).digest("base64url");
}

function failed(path: string, error: unknown): MillraceError {
  return new MillraceError(
    "DEAD_LETTER_FAILED",
    `The list of replayed letters ${path} cannot be kept: ${reasonOf(error)}. With --again none is kept, and every letter is sent.`,
    { cause: error, context: { path } },
  );
}

/** Of a replay that is asked to send every letter: nothing is known, and nothing is written down. */
export function noLedger(): ReplayLedger {
  return { has: () => false, add() {}, drop() {}, async save() {}, async close() {} };
}
