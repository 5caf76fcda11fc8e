import { copyPosition, copyPositions } from "../checkpoint/positions.ts";
import { checkSlice, iteratorOf } from "../source/check-slice.ts";
import { heldSince, type IsHeld } from "../source/held-partitions.ts";
import type { PartitionOwnership, Position, Positions, Slice } from "../source/source.ts";

/** A slice, and its positions as they were when it arrived: the source may go on with its objects. */
export interface Arrival<R> {
  readonly kind: "slice";
  readonly slice: Slice<R>;
  readonly position: Position;
  readonly moved: Positions | undefined;
  readonly isHeld: IsHeld;
  /** The partition belongs to another process: what is not written yet is left out, and its position is not told. */
  isLost: boolean;
}

/** What comes of reading. `unstorable`: a position that JSON cannot hold. */
export type Step<R> =
  | Arrival<R>
  | { readonly kind: "ended" }
  | { readonly kind: "failed" | "unstorable"; readonly error: unknown };

/** Reads a source, some slices ahead of who writes them. */
export interface SliceReader<R> {
  /** The next step, if it has come. Asks the source for more. */
  take(): Step<R> | undefined;
  /** Slices have come that were not taken: of these partitions, or of any. */
  holds(partitions?: ReadonlySet<string>): boolean;
  /** Leaves out the slices of partitions that belong to another process. */
  drop(partitions: ReadonlySet<string>): void;
  /** Asks for no more. */
  stop(): void;
  /** Ends the reading. Does not wait for a source that has not answered, for its answer may never come. */
  close(): Promise<void>;
}

/**
 * @param ahead slices that may wait
 * @param onArrival something can be taken
 */
export function sliceReader<R>(
  name: string,
  slices: AsyncIterable<Slice<R>>,
  partitions: PartitionOwnership,
  ahead: number,
  onArrival: () => void,
): SliceReader<R> {
  const reading = iteratorOf(name, slices);
  let steps: Step<R>[] = [];
  let isAsked = false;
  let isOver = false;

  function ask(): void {
    if (isAsked || isOver) return;
    isAsked = true;
    // An iterator that is no generator may throw at once.
    new Promise<IteratorResult<Slice<R>>>((resolve) => resolve(reading.next())).then(
      ({ value, done }) => arrived(done ? { kind: "ended" } : arrival(name, value, partitions)),
      (error: unknown) => arrived({ kind: "failed", error }),
    );
  }

  function arrived(step: Step<R>): void {
    isAsked = false;
    if (step.kind === "slice" && !step.isHeld(step.slice.partition)) {
      ask();
      return;
    }
    steps.push(step);
    if (step.kind !== "slice") isOver = true;
    if (steps.length < ahead) ask();
    onArrival();
  }

  return {
    take() {
      const step = steps.shift();
      if (!step || steps.length < ahead) ask();
      return step;
    },
    holds: (partitions) =>
      steps.some((step) => step.kind === "slice" && (!partitions || partitions.has(step.slice.partition))),
    drop(partitions) {
      steps = steps.filter((step) => step.kind !== "slice" || !partitions.has(step.slice.partition));
    },
    stop() {
      isOver = true;
    },
    async close() {
      isOver = true;
      const returned = reading.return?.().catch(() => {}); // what ended the run is what is told
      if (!isAsked) await returned;
    },
  };
}

/** Looks at the positions before the records of the slice are written: one that cannot be stored leaves the sink as it was. */
function arrival<R>(name: string, slice: Slice<R>, partitions: PartitionOwnership): Step<R> {
  try {
    checkSlice(name, slice);
  } catch (error) {
    return { kind: "failed", error };
  }
  const whose = `run(): source ${name}`;
  try {
    const position = copyPosition(whose, slice.partition, slice.position);
    const moved = slice.moved && copyPositions(whose, slice.moved);
    return { kind: "slice", slice, position, moved, isHeld: heldSince(slice, partitions), isLost: false };
  } catch (error) {
    return { kind: "unstorable", error };
  }
}
