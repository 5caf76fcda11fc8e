import type { Slice, Source } from "../../src/source/source.ts";

/** Gives slices, and notes what it is asked for. */
export function sliced<R>(slices: readonly Slice<R>[], more: Partial<Source<R>> = {}): Source<R> {
  return {
    name: "sliced",
    recovery: "position",
    async *read() {
      yield* slices;
    },
    ...more,
  };
}

export async function slicesOf<R>(source: Source<R>): Promise<Slice<R>[]> {
  const slices: Slice<R>[] = [];
  for await (const slice of source.read({}, new AbortController().signal)) slices.push(slice);
  return slices;
}

/** As a class has it: methods that need their object, none of them its own property. */
export class Methods implements Slice<number> {
  readonly partition = "p";
  readonly position = 4;
  readonly records = [1, 2, 3];
  readonly refused = [{ place: "m:0", reason: "not JSON", original: "{", source: { format: "ndjson" } as const }];
  readonly moved = { q: null };
  readonly dropped = ["gone"];
  readonly bytes = 12;
  placeOf(index: number): string {
    return `m:${this.records[index]}`;
  }
  originOf(index: number) {
    return { original: `text ${this.records[index]}`, source: { format: "ndjson" } as const };
  }
}
