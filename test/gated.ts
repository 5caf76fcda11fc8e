import type { SealedBatch } from "../src/batch/sealed-batch.ts";
import type { Destination } from "../src/destination/destination.ts";

/** A destination whose `submit` waits for the test's word: shows what a sink does while nothing is taken. */
export interface Gated extends Destination {
  /** Batches staged and not yet let through. */
  readonly waiting: SealedBatch[];
  readonly taken: SealedBatch[];
  /** Lets the oldest through, or makes its submit fail. */
  release(error?: Error): void;
  readonly isClosed: boolean;
}

export function gated(): Gated {
  const waiting: SealedBatch[] = [];
  const taken: SealedBatch[] = [];
  const gates: { batch: SealedBatch; resolve(): void; reject(error: unknown): void }[] = [];
  const staged = new Map<string, SealedBatch>();
  let isClosed = false;
  return {
    name: "gated",
    waiting,
    taken,
    get isClosed() {
      return isClosed;
    },
    release(error) {
      const gate = gates.shift();
      if (!gate) throw new Error("nothing waits at the gate");
      waiting.shift();
      if (error) return gate.reject(error);
      taken.push(gate.batch);
      gate.resolve();
    },
    async open() {
      return {
        async stage(batch) {
          staged.set(batch.id, batch);
          return { id: batch.id, place: batch.id, rows: batch.rows, rawBytes: batch.rawBytes };
        },
        submit({ id }, signal) {
          const batch = staged.get(id)!;
          waiting.push(batch);
          return new Promise<void>((resolve, reject) => {
            gates.push({ batch, resolve, reject });
            signal.addEventListener("abort", () => reject(signal.reason), { once: true });
          });
        },
        outcomes: async () => [],
        async close() {
          isClosed = true;
        },
      };
    },
  };
}

/** Resolves when the condition holds; gives up after five seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited five seconds in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Lets batches through until the work has settled, a turn of the loop for each. */
export async function releasing<T>(to: Gated, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    if (to.waiting.length > 0) to.release();
    await new Promise(setImmediate);
  }
  return done;
}
