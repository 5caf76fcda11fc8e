import type { RawTally } from "../encode/raw-chunk.ts";

/**
 * Gives raw rows their numbers. Raw chunks are counted on several subtasks, and their answers come as they come; here they are
 * put back into the order in which they were handed over.
 */
export interface RawLedger {
  /** A raw chunk is being handed to that subtask. */
  open(subtask: object): void;
  /**
   * The answer to the oldest raw chunk of that subtask. It, and all that waited for it alone, go to `onCounted`; the bytes
   * must not change until then.
   */
  settle(subtask: object, bytes: ArrayBuffer, tally: RawTally): void;
  /** Every raw chunk that was handed over has been counted. */
  readonly isSettled: boolean;
  /** Sound rows of all raw chunks handed over until now: known when all of them are settled. */
  mark(): RawMark;
}

export interface RawMark {
  /** Since the beginning; undefined until it is known. */
  readonly taken: number | undefined;
}

interface Entry {
  readonly subtask: object;
  counted: { readonly bytes: ArrayBuffer; readonly tally: RawTally } | undefined;
}

/** @param onCounted gets each raw chunk's bytes and tally, and the number of raw rows before it, in order. */
export function rawLedger(onCounted: (rowsBefore: number, bytes: ArrayBuffer, tally: RawTally) => void): RawLedger {
  const waiting: (Entry | { taken: number | undefined })[] = [];
  let rows = 0;
  let taken = 0;

  function settleInOrder(): void {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      if ("taken" in first) {
        waiting.shift();
        first.taken = taken;
        continue;
      }
      if (!first.counted) return;
      waiting.shift();
      const { bytes, tally } = first.counted;
      const rowsBefore = rows;
      rows += tally.rows;
      taken += tally.rows - tally.refused.length;
      onCounted(rowsBefore, bytes, tally);
    }
  }

  return {
    open(subtask) {
      waiting.push({ subtask, counted: undefined });
    },
    settle(subtask, bytes, tally) {
      const entry = waiting.find((one): one is Entry => "subtask" in one && one.subtask === subtask && !one.counted);
      entry!.counted = { bytes, tally };
      settleInOrder();
    },
    get isSettled() {
      return waiting.length === 0;
    },
    mark() {
      const mark: { taken: number | undefined } = { taken: undefined };
      waiting.push(mark);
      settleInOrder();
      return mark;
    },
  };
}
