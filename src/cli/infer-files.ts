import { MillraceError } from "../errors.ts";
import { type Inferred, startInference } from "../schema/infer.ts";
import type { FilesPlan } from "../source/files.ts";
import type { RawRecord } from "../source/records.ts";
import type { Refusal, Slice } from "../source/source.ts";
import { count } from "./quantities.ts";
import type { ValueOptions } from "./value-options.ts";

/** How many records of each file an inferred table rests on, unless the caller says otherwise. */
export const defaultInferRecords = 100_000;

/** Reads one of the planned files from its start: `readOne()` of their source. */
export type ReadOne = (path: string) => AsyncIterable<Slice<RawRecord>>;

/**
 * Proposes a table for files, from the first records of each; 0: from all of them.
 *
 * @throws MillraceError BAD_SCHEMA, with the first refusal where no record could be read.
 */
export async function inferFiles(
  name: string,
  plan: FilesPlan,
  readOne: ReadOne,
  recordsPerFile: number,
  onRefused?: (refusal: Refusal) => void,
  values: ValueOptions = {},
): Promise<Inferred> {
  const inference = startInference({ from: plan.form, ...values });
  let first: Refusal | undefined;
  let observed = 0;
  for (const { path } of plan.files) {
    let left = recordsPerFile || Number.POSITIVE_INFINITY;
    for await (const { records, refused = [], placeOf } of readOne(path)) {
      first ??= refused[0];
      for (const refusal of refused) onRefused?.(refusal);
      for (const [i, record] of records.slice(0, left).entries())
        inference.observe(record, placeOf && (() => placeOf(i)));
      observed += records.length;
      left -= records.length;
      if (left <= 0) break;
    }
  }
  if (observed === 0 && first !== undefined) throw noRecord(name, first);
  return inference.table(name);
}

/** What a reader of the inferred table should know of its values. */
export function inferenceNotes({ readAsNull, tooPrecise, exceptions }: Inferred): string[] {
  const nulls = readAsNull.map(
    ({ column, texts }) => `column ${column}: ${texts.map((text) => JSON.stringify(text)).join(", ")} is read as null`,
  );
  const precise = tooPrecise.map(
    (column) =>
      `column ${column} is a string, for its times have more than 7 fraction digits; --excess-precision truncate makes it a datetime`,
  );
  const strings = exceptions.map(({ column, value, place, count: n, kind, others }) => {
    const why = `${n === 1 ? "" : `${n} values, the first `}${JSON.stringify(value)}${place === undefined ? "" : ` (${place})`}`;
    return `column ${column} is string because of ${why}; its other ${count(others)} values are ${kind}`;
  });
  return [...nulls, ...precise, ...strings];
}

/** All that was read is refused: one of the refusals says what is wrong with the file. */
export function noRecord(name: string, { place, reason }: Refusal): MillraceError {
  return new MillraceError(
    "BAD_SCHEMA",
    `Table ${name} cannot be inferred: no record could be read, the first at ${place}: ${reason}.`,
    { context: { table: name } },
  );
}

/** A table's name for a file: `in/flights-200k.json.gz` -> `flights_200k`. */
export function tableNameFor(path: string): string {
  const base = path
    .split(/[/\\]/)
    .at(-1)!
    .replace(/\.gz$/i, "")
    .replace(/\.[^.]+$/, "");
  return base.replace(/[^\p{L}\p{N}]+/gu, "_").replace(/^_+|_+$/g, "") || "Records";
}
