import { createHash, randomBytes } from "node:crypto";
import type { LoggedBatch } from "../log/write-ahead-log.ts";

/**
 * One opening of a state. Two copies of a state folder count generations alike, but each opening draws an id of its own: so the
 * epochs and staging tables of a copy are never taken for those of the original.
 */
export interface Lineage {
  /** 12 hexadecimal digits. */
  readonly id: string;
  readonly generation: number;
  /** The first epoch that it may decide on. */
  readonly from: number;
}

export const lineagesKey = "lineages";

/** By the `name.id` of other states of this job: the newest epoch of theirs that the user accepted. */
export type AcceptedJobs = Readonly<Record<string, number>>;

export const acceptedKey = "accepted";

/** Some 50 bytes each in every new journal. What is older than these is taken for known. */
const mostLineages = 1_000;

export function newLineageId(): string {
  return randomBytes(6).toString("hex");
}

/** The openings of a state, with one more. */
export function withLineage(known: readonly Lineage[], next: Lineage): Lineage[] {
  return [...known, next].slice(-mostLineages);
}

/**
 * Did this state decide on these epochs of a lineage?
 *
 * @param head the state's newest epoch
 * @param lineage undefined: of a version that had none
 */
export function knowsEpochs(
  known: readonly Lineage[],
  head: number,
  lineage: string | undefined,
  oldest: number,
  newest: number,
): boolean {
  const at = known.findIndex(({ id }) => id === lineage);
  if (at < 0) return newest < (known[0]?.from ?? head + 1);
  const last = Math.min(head, (known[at + 1]?.from ?? Number.POSITIVE_INFINITY) - 1);
  return oldest >= known[at]!.from && newest <= last;
}

/** Was this opening one of this state's? @param lineage undefined: of a version that had none */
export function knowsOpening(known: readonly Lineage[], generation: number, lineage: string | undefined): boolean {
  if (lineage === undefined) return true;
  return known.some(({ id }) => id === lineage) || generation < (known[0]?.generation ?? 0);
}

/** Of an epoch's content, whatever its number: 12 hexadecimal digits. */
export function digestOf(batches: readonly LoggedBatch[]): string {
  const hash = createHash("sha256");
  for (const { id, rows, sha256 } of batches) hash.update(`${id} ${rows} ${sha256}\n`);
  return hash.digest("hex").slice(0, 12);
}
