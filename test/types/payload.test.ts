// Checked by `tsc --noEmit`: a wrong type here is a compile error, and a @ts-expect-error without an error is one too.
import { test } from "node:test";
import type { GzipBatch, PlainBatch, RowsBatch, SealedBatch } from "../../src/batch/sealed-batch.ts";
import type { Destination, DestinationSession } from "../../src/destination/destination.ts";
import { memory } from "../../src/destination/memory.ts";
import type { Payload } from "../../src/encode/payload.ts";
import type { OpenOptions } from "../../src/options.ts";
import type { Table } from "../../src/schema/table.ts";

/** True only for the very same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<_ extends true>(): void {}

expectType<Same<SealedBatch, GzipBatch>>();
expectType<Same<SealedBatch<"plain">, PlainBatch>>();
expectType<Same<SealedBatch<"rows">, RowsBatch<"rows">>>();
expectType<Same<SealedBatch<"records">, RowsBatch<"records">>>();
expectType<Same<SealedBatch<Payload>, GzipBatch | PlainBatch | RowsBatch<"rows"> | RowsBatch<"records">>>();

/** Each destination takes the batch of its payload, and `open()` takes each destination. */
export function declared(session: DestinationSession<"rows">, ofGzip: DestinationSession): void {
  const open = async () => session;
  const rows: Destination<"rows"> = { name: "rows", payload: "rows", open };
  // @ts-expect-error it would be given gzip members
  const undeclared: Destination<"rows"> = { name: "rows", open };
  // @ts-expect-error its session takes rows
  const other: Destination<"plain"> = { name: "rows", payload: "rows", open };
  const asBefore: Destination = { name: "gzip", open: async () => ofGzip };
  const taken: OpenOptions<Table>["to"][] = [rows, asBefore, memory(), memory({ payload: "records" })];
  void [undeclared, other, taken];
  expectType<Same<Parameters<(typeof session)["stage"]>[0], RowsBatch<"rows">>>();
  expectType<Same<ReturnType<typeof memory>["batches"], GzipBatch[]>>();
}

test("the types of payloads hold", () => {});
