import type { SealedBatch } from "millrace/connector";
import { rowsOf } from "../rows-of.ts";

export { objectsOf, rowsOf, textOf } from "../rows-of.ts";

/** The numbers in the first column of all batches, in their order. */
export function firstNumbers(batches: readonly SealedBatch[]): number[] {
  return batches.flatMap(rowsOf).map(([first]) => Number(first));
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

export const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);
