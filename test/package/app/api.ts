// A user's program, for compilers: it is never run.
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  type Checkpoint,
  coerce,
  fileDeadLetter,
  fileState,
  files,
  type Infer,
  inferTable,
  iterable,
  k,
  MillraceError,
  memory,
  open,
  type RunSummary,
  rawJson,
  run,
  type Sink,
  type Source,
  table,
} from "millrace";
import type { Destination, StateBackend } from "millrace/connector";
import { type Emulator, type EmulatorOptions, startEmulator } from "millrace/emulator";
import { KustoConnectionOptions, KustoWriteOptions, KustoWriteSink, kusto, kustoAdmin } from "millrace/kusto";
import type { Meter, Tracer } from "millrace/telemetry";
import { destinationContract, type StateUnderTest, sourceContract, stateBackendContract } from "millrace/testing";

const readings = table("Readings", {
  at: k.datetime(),
  device: k.string(),
  count: k.long(),
  value: k.real().optional(),
  tags: k.dynamic().optional(),
});

type Reading = Infer<typeof readings>;
const reading: Reading = { at: new Date(), device: "a", count: 2n ** 60n, tags: { floor: 1 } };
// @ts-expect-error: a column that is missing
const incomplete: Reading = { at: new Date(), device: "a" };
// @ts-expect-error: a value of another kind
const wrong: Reading = { at: new Date(), device: 7, count: 1 };
// @ts-expect-error: an option that is unknown
const unknown = () => open({ table: readings, to: memory(), batchSiz: 1 });

async function land(signal: AbortSignal): Promise<Checkpoint> {
  const to: Destination = kusto({ cluster: "https://c.westeurope.kusto.windows.net", database: "d", azureCli: true });
  const state: StateBackend = fileState("state");
  const sink: Sink<Reading> = await open({
    table: readings,
    to,
    state,
    deliveryGuarantee: "exactly-once",
    deadLetter: fileDeadLetter("refused.ndjson"),
    signal,
  });
  const took: boolean = sink.write(reading);
  if (!took) await sink.ready;
  // @ts-expect-error: a record of another table
  sink.write({ name: "x" });
  sink.write({ ...reading, tags: rawJson('{"a":1}') });
  const delivered: number = sink.stats.delivered;
  const checkpoint = await sink.checkpoint({ positions: { "topic-0": delivered } });
  await sink[Symbol.asyncDispose]();
  return checkpoint;
}

async function streams(): Promise<void> {
  const sink = await open({ table: readings, to: memory(), preset: "bulk" });
  await pipeline(Readable.from([reading]), sink.nodeWritable());
  const other = await open({ table: readings, to: memory() });
  const writer = other.writable().getWriter();
  await writer.write(reading);
  await writer.close();
}

/** What OpenTelemetry gives goes in as it is, and so does whatever has its shape: nothing of OpenTelemetry is installed here. */
async function telemetry(meter: Meter, tracer: Tracer): Promise<void> {
  const sink = await open({ table: readings, to: memory(), telemetry: { meter, tracer } });
  // @ts-expect-error: a meter that can do nothing
  const other = () => open({ table: readings, to: memory(), telemetry: { meter: {} } });
  await sink.close();
  await (await other()).close();
}

async function pump(): Promise<RunSummary> {
  const inferred = inferTable("Flights", [{ delay: 5 }]);
  const sink = await open({ table: inferred.table, to: memory() });
  const typed = await open({ table: readings, to: memory() });
  const source: Source<Reading> = iterable([reading]);
  await run({ from: source, into: typed, onProgress: ({ read }) => read.toFixed() });
  return run({ from: files("in/*.ndjson"), into: sink, through: coerce(inferred.table, "json"), checkpointMs: 1_000 });
}

async function emulate(options: EmulatorOptions): Promise<unknown[]> {
  const emulator: Emulator = await startEmulator(options);
  emulator.faults.play({ faults: [] });
  const admin = await kustoAdmin({ cluster: emulator.url, database: "demo" });
  try {
    return [...(await admin.query("T | count")).rows];
  } catch (error) {
    if (error instanceof MillraceError && error.code === "NOT_FOUND" && !error.retryable) return [];
    throw error;
  } finally {
    await emulator.close();
  }
}

const connector = KustoWriteSink.builder()
  .setConnectionOptions(KustoConnectionOptions.builder().setClusterUrl("http://127.0.0.1:8080").build())
  .setWriteOptions(KustoWriteOptions.builder().withDatabase("d").withTable(readings).build());

function checkState(subject: StateUnderTest): void {
  stateBackendContract("a state of my own", async (t) => {
    t.diagnostic("made");
    return subject;
  });
  const keys = ["a", "b"];
  sourceContract("a source of my own", () => ({ source: () => iterable(keys), keys, keyOf: (record) => record }));
  destinationContract("a destination of my own", () => ({ destination: () => memory(), rows: () => [] }), {
    trials: 3,
  });
}

export const used = [checkState, incomplete, wrong, unknown, land, streams, telemetry, pump, emulate, connector];
