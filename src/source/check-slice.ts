import { sortOf } from "../arguments.ts";
import { MillraceError } from "../errors.ts";
import type { Slice } from "./source.ts";

/** The slices of a source that is read. @throws MillraceError BAD_SOURCE where `read()` returned nothing that can be read. */
export function iteratorOf<R>(name: string, slices: AsyncIterable<Slice<R>>): AsyncIterator<Slice<R>> {
  if (typeof slices?.[Symbol.asyncIterator] === "function") return slices[Symbol.asyncIterator]();
  throw new MillraceError(
    "BAD_SOURCE",
    `Source ${name}: read() returned ${sortOf(slices)}; it returns an async iterable of slices, as an async generator is.`,
  );
}

/** @throws MillraceError BAD_SOURCE for what is no slice. */
export function checkSlice(name: string, given: Slice<unknown> | undefined | null): void {
  if (typeof given?.partition === "string" && Array.isArray(given.records)) return;
  throw new MillraceError(
    "BAD_SOURCE",
    `Source ${name} gave ${sortOf(given)} that is no slice: one has a partition (a text), a position, and records (an array).`,
  );
}
