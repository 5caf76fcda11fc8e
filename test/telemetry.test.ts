import assert from "node:assert/strict";
import { hasSubscribers, subscribe, unsubscribe } from "node:diagnostics_channel";
import { after, afterEach, before, test } from "node:test";
import {
  AggregationTemporality,
  type Histogram,
  MeterProvider,
  type MetricData,
  MetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { stateOn } from "../src/checkpoint/file-state.ts";
import { type KustoAdmin, kustoAdmin } from "../src/connectors/kusto/admin.ts";
import { kusto } from "../src/connectors/kusto/index.ts";
import { memoryDeadLetter } from "../src/deliver/dead-letter.ts";
import { memory } from "../src/destination/memory.ts";
import { type Emulator, startEmulator } from "../src/emulator/index.ts";
import { MillraceError } from "../src/errors.ts";
import { eventNames, type TelemetryFailedEvent } from "../src/events.ts";
import { memoryDisk } from "../src/log/memory-disk.ts";
import { open } from "../src/open.ts";
import { createMergeTableCommand } from "../src/schema/kql.ts";
import { k, table } from "../src/schema/table.ts";
import { type MetricName, metrics } from "../src/telemetry/metrics.ts";
import { gated, until } from "./gated.ts";

// OpenTelemetry's own SDK collects what a sink tells it; the sink's stats and the emulator say what it should have been.

const token = "the-token-that-nobody-may-see";
/** Over all tests. */
const seen: MetricData[] = [];
const exporters: InMemorySpanExporter[] = [];
let emulator: Emulator;
let admin: KustoAdmin;

before(async () => {
  emulator = await startEmulator({ databases: ["db"] });
  admin = await kustoAdmin({ cluster: emulator.url, database: "db" });
});

afterEach(() => {
  emulator.faults.clear();
  for (const name of eventNames) assert.equal(hasSubscribers(name), false, `${name} is still listened to`);
});

after(async () => {
  admin?.close();
  await emulator?.close();
});

class Reader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

/** The real SDK, and what it holds. */
function sdk() {
  const reader = new Reader({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
  const provider = new MeterProvider({ readers: [reader] });
  const exporter = new InMemorySpanExporter();
  exporters.push(exporter);
  const tracing = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

  async function collect(): Promise<MetricData[]> {
    const { resourceMetrics, errors } = await reader.collect();
    assert.deepEqual(errors, []);
    const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    seen.push(...all);
    return all;
  }

  function spans(name?: string): ReadableSpan[] {
    const all = exporter.getFinishedSpans();
    return name === undefined ? all : all.filter((span) => span.name === name);
  }

  return {
    telemetry: { meter: provider.getMeter("test"), tracer: tracing.getTracer("test") },
    collect,
    spans,
    /** Names, in the order in which they ended. */
    childrenOf(parent: ReadableSpan): string[] {
      const { spanId } = parent.spanContext();
      return spans()
        .filter((span) => parentOf(span) === spanId)
        .map(({ name }) => name);
    },
    /** The sum over all series of it; undefined: no such series. */
    async value(name: MetricName, having: Record<string, unknown> = {}): Promise<number | undefined> {
      const points = (await collect())
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints as { value: unknown; attributes: Record<string, unknown> }[])
        .filter(({ attributes }) => Object.entries(having).every(([key, value]) => attributes[key] === value));
      if (points.length === 0) return undefined;
      return points.reduce(
        (sum, { value }) => sum + (typeof value === "number" ? value : (value as Histogram).count),
        0,
      );
    },
  };
}

async function freshTable(name: string) {
  const made = table(name, { n: k.int(), text: k.string().optional() });
  await admin.execute(createMergeTableCommand(made));
  return made;
}

/** Ids of the extents that bear the tag, as the service tells. */
async function extentsWith(name: string, operator: "has" | "contains", tag: string): Promise<string[]> {
  const { columns, rows } = await admin.execute(`.show table ${name} extents where tags ${operator} "${tag}"`);
  const id = columns.findIndex((column) => column.name === "ExtentId");
  return rows.map((row) => String(row[id]));
}

async function rowsIn(name: string, extents: readonly string[]): Promise<number> {
  const ids = extents.map((id) => `guid(${id})`).join(", ");
  const { rows } = await admin.query(`${name} | where extent_id() in (${ids}) | count`);
  return Number(rows[0]![0]);
}

function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanId;
}

function linkedBy({ links }: ReadableSpan): string[] {
  return links.map(({ context }) => context.spanId).sort();
}

const millis = ([seconds, nanos]: [number, number]) => seconds * 1_000 + nanos / 1e6;

test("at least once: metrics are the stats, a span per batch leads to its extents", async () => {
  const otel = sdk();
  const target = await freshTable("Traced");
  const deadLetter = memoryDeadLetter();
  emulator.faults.answer("blob", 429, { requests: 2, retryAfterSeconds: 1 });
  const sink = await open({
    table: target,
    to: kusto({
      cluster: emulator.url,
      database: "db",
      token,
      flushImmediately: true,
      pollForIngestionStatus: true,
      pollIntervalMs: 50,
      tagBatches: true,
    }),
    batchSize: 10,
    maxBatchesInFlight: 8,
    parallelism: 2,
    retryBaseMs: 1,
    deadLetter,
    telemetry: otel.telemetry,
  });
  for (let n = 0; n < 50; n++) if (!sink.write({ n, text: "x".repeat(n) })) await sink.ready;
  sink.write({ n: "not a number" as never });
  sink.reject({ place: "f:1", reason: "no JSON", original: "{" });
  await sink.checkpoint();
  const { stats } = sink;
  assert.equal(await otel.value("millrace.batches.in_flight"), 0);
  await sink.close();

  assert.ok(stats.retries >= 2, "the fault was met");
  for (const [name, expected] of [
    ["millrace.records.accepted", stats.accepted],
    ["millrace.records.delivered", stats.delivered],
    ["millrace.records.rejected", stats.rejected],
    ["millrace.batches.sealed", stats.batches],
    ["millrace.bytes.raw", stats.rawBytes],
    ["millrace.bytes.packed", stats.packedBytes],
    ["millrace.retries", stats.retries],
    ["millrace.blobs", stats.batches],
    ["millrace.batch.age", stats.batches],
    ["millrace.batch.stage.duration", stats.batches],
    ["millrace.batch.submit.duration", stats.batches],
    ["millrace.batch.taken.latency", stats.batches],
    ["millrace.batch.landed.latency", stats.batches],
    ["millrace.checkpoint.duration", stats.checkpoints],
  ] as const)
    assert.equal(await otel.value(name), expected, name);
  assert.equal(stats.accepted, 50);
  assert.equal(stats.rejected, 2);
  assert.equal(await otel.value("millrace.records.rejected", { code: "value", dead_letter: true }), 1);
  assert.equal(await otel.value("millrace.records.rejected", { code: "source" }), 1);
  const throttled = await otel.value("millrace.retries", { code: "THROTTLED" });
  assert.ok(throttled! >= 1);
  assert.equal(await otel.value("millrace.throttled"), throttled);
  assert.ok((await otel.value("millrace.throttled.delay"))! >= throttled!, "each was put off by a second");
  assert.equal(await otel.value("millrace.commit.age"), 0, "an SDK keeps the last observation, so it is a last 0");

  const batches = otel.spans("millrace batch");
  assert.equal(batches.length, stats.batches);
  assert.equal(
    batches.reduce((sum, { attributes }) => sum + Number(attributes["millrace.rows"]), 0),
    stats.delivered,
  );
  for (const batch of batches) {
    const { attributes } = batch;
    assert.equal(attributes["millrace.table"], "Traced");
    assert.equal(attributes["millrace.database"], "db");
    assert.equal(attributes["millrace.source_id"], attributes["millrace.batch"]);
    assert.equal(attributes["millrace.unfinished"], undefined);
    const children = otel.spans().filter((span) => parentOf(span) === batch.spanContext().spanId);
    assert.deepEqual(children.map(({ name }) => name).sort(), [
      "millrace outcome",
      "millrace stage",
      "millrace submit",
    ]);
    for (const child of children) {
      assert.equal(child.spanContext().traceId, batch.spanContext().traceId);
      assert.ok(millis(child.startTime) >= millis(batch.startTime) - 1, `${child.name} begins within its batch`);
      assert.ok(millis(child.endTime) <= millis(batch.endTime) + 1, `${child.name} ends within its batch`);
      assert.ok(millis(child.duration) >= 0);
    }
    // From the span to the rows: the service knows the tag.
    const tag = String(attributes["millrace.extent_tag"]);
    assert.ok(tag.endsWith(String(attributes["millrace.batch"])));
    const [extent, ...more] = await extentsWith("Traced", "has", tag);
    assert.ok(extent !== undefined && more.length === 0, `one extent bears ${tag}`);
    const { rows } = await admin.query(`Traced | where extent_id() == guid(${extent}) | count`);
    assert.equal(Number(rows[0]![0]), attributes["millrace.rows"]);
  }
  const retries = batches.flatMap(({ events }) => events).filter(({ name }) => name === "millrace retry");
  assert.equal(retries.length, stats.retries);
  assert.ok(retries.some(({ attributes }) => attributes?.["error.type"] === "THROTTLED"));
  const [epoch, ...others] = otel.spans("millrace epoch");
  assert.equal(others.length, 0);
  assert.deepEqual(
    epoch!.links.map(({ context }) => context.spanId).sort(),
    batches.map((batch) => batch.spanContext().spanId).sort(),
  );
});

for (const { commitMode, blobBytesLimit, held } of [
  { commitMode: "move", blobBytesLimit: 2 ** 27, held: [[3], [1]] },
  { commitMode: "move", blobBytesLimit: 1, held: [[1, 1, 1], [1]] },
  { commitMode: "append", blobBytesLimit: 2 ** 27, held: [[3], [1]] },
  { commitMode: "tag", blobBytesLimit: 2 ** 27, held: [[1, 1, 1], [1]] },
] as const)
  test(`exactly once, ${commitMode}, blobs of ${held[0].join("+")}: an epoch and a blob are linked to their batches, and their tags find their extents`, async () => {
    const otel = sdk();
    const name = `Epochs_${commitMode}_${blobBytesLimit}`;
    const sink = await open({
      table: await freshTable(name),
      to: kusto({
        cluster: emulator.url,
        database: "db",
        token,
        flushImmediately: true,
        pollIntervalMs: 50,
        commitMode,
        blobBytesLimit,
      }),
      batchSize: 10,
      parallelism: 0,
      deliveryGuarantee: "exactly-once",
      state: stateOn(memoryDisk(), "state"),
      telemetry: otel.telemetry,
    });
    for (let n = 0; n < 25; n++) sink.write({ n });
    await sink.checkpoint();
    assert.ok((await otel.value("millrace.log.size"))! > 0);
    assert.equal(await otel.value("millrace.epochs.pending"), 1);
    await sink.committed();
    for (let n = 25; n < 30; n++) sink.write({ n });
    await sink.checkpoint();
    await sink.committed();
    assert.equal(await otel.value("millrace.epochs.pending"), 0);
    assert.ok((await otel.value("millrace.commit.age"))! < 60);
    await sink.close();
    const { stats } = sink;
    assert.equal(stats.delivered, 30);
    assert.equal(await otel.value("millrace.records.delivered"), 30);
    assert.equal(await otel.value("millrace.epochs.committed"), 2);
    assert.equal(await otel.value("millrace.epoch.commit.duration"), 2);
    assert.equal(await otel.value("millrace.checkpoint.duration"), stats.checkpoints);
    assert.equal(stats.batches, 4);
    for (const metric of [
      "millrace.blobs",
      "millrace.batch.stage.duration",
      "millrace.batch.submit.duration",
      "millrace.batch.taken.latency",
    ] as const)
      assert.equal(await otel.value(metric), held.flat().length, metric);

    const epochs = otel.spans("millrace epoch").filter(({ attributes }) => Number(attributes["millrace.rows"]) > 0);
    assert.deepEqual(
      epochs.map(({ attributes }) => [attributes["millrace.epoch"], attributes["millrace.rows"]]),
      [
        [1, 25],
        [2, 5],
      ],
    );
    for (const [index, epoch] of epochs.entries()) {
      const linked = linkedBy(epoch);
      const ofEpoch = ({ attributes }: ReadableSpan) =>
        attributes["millrace.epoch"] === epoch.attributes["millrace.epoch"];
      const own = otel.spans("millrace batch").filter(ofEpoch);
      assert.deepEqual(linked, own.map((batch) => batch.spanContext().spanId).sort());
      for (const batch of own) assert.deepEqual(otel.childrenOf(batch), ["millrace log", "millrace outcome"]);
      const blobs = otel.spans("millrace blob").filter(ofEpoch);
      assert.deepEqual(
        blobs.map(({ links }) => links.length),
        held[index],
      );
      assert.deepEqual(blobs.flatMap(linkedBy).sort(), linked, "each batch is in one blob");
      for (const blob of blobs) {
        assert.deepEqual(otel.childrenOf(blob), ["millrace stage", "millrace submit"]);
        const carried = own.filter((batch) => linkedBy(blob).includes(batch.spanContext().spanId));
        assert.equal(blob.attributes["millrace.batches"], carried.length);
        for (const sum of ["millrace.rows", "millrace.bytes.raw"])
          assert.equal(
            blob.attributes[sum],
            carried.reduce((all, { attributes }) => all + Number(attributes[sum]), 0),
          );
        for (const { attributes } of carried)
          for (const same of ["millrace.source_id", "millrace.extent_tag"])
            assert.equal(attributes[same], blob.attributes[same]);
        if (commitMode === "append") continue; // the appended extents bear the epoch's tags alone
        const tag = String(blob.attributes["millrace.extent_tag"]);
        assert.equal(await rowsIn(name, await extentsWith(name, "has", tag)), blob.attributes["millrace.rows"], tag);
      }
      const prefix = String(epoch.attributes["millrace.extent_tag"]);
      assert.equal(await rowsIn(name, await extentsWith(name, "contains", prefix)), epoch.attributes["millrace.rows"]);
    }
  });

test("an attempt that the service refuses: the next one has blobs of its own, and batches lead to those", async () => {
  const otel = sdk();
  emulator.faults.refuseRows({ containing: "POISON" });
  const sink = await open({
    table: await freshTable("Refused"),
    to: kusto({ cluster: emulator.url, database: "db", token, flushImmediately: true, pollIntervalMs: 50 }),
    batchSize: 10,
    parallelism: 0,
    deliveryGuarantee: "exactly-once",
    state: stateOn(memoryDisk(), "state"),
    deadLetter: memoryDeadLetter(),
    telemetry: otel.telemetry,
  });
  for (let n = 0; n < 25; n++) sink.write({ n, text: n === 12 ? "POISON" : "fine" });
  await sink.checkpoint();
  await sink.committed();
  await sink.close();
  const { rows } = await admin.query("Refused | count");
  assert.equal(Number(rows[0]![0]), 24);
  assert.equal(await otel.value("millrace.records.rejected", { code: "service", dead_letter: true }), 1);
  assert.equal(await otel.value("millrace.epochs.abandoned"), 1);
  assert.equal(await otel.value("millrace.blobs"), 4);
  const [first, ...second] = otel.spans("millrace blob");
  assert.deepEqual([first!.links.length, first!.attributes["millrace.rows"]], [3, 25]);
  assert.deepEqual(second.map(({ links, attributes }) => [links.length, attributes["millrace.rows"]]).sort(), [
    [1, 10],
    [1, 5],
    [1, 9],
  ]);
  const ids = (spans: ReadableSpan[]) => spans.map(({ attributes }) => attributes["millrace.source_id"]).sort();
  assert.equal(new Set(ids([first!, ...second])).size, 4);
  assert.deepEqual(ids(otel.spans("millrace batch")), ids(second), "the last attempt's, which arrived");
  const [epoch] = otel.spans("millrace epoch");
  assert.deepEqual(
    epoch!.events.map(({ name, attributes }) => [name, attributes?.["millrace.attempt"]]),
    [["millrace attempt abandoned", 1]],
  );
});

test("what an earlier process had logged: its epoch and blobs have spans, and no batch to link to", async () => {
  const otel = sdk();
  const options = {
    table: await freshTable("Inherited"),
    to: kusto({ cluster: emulator.url, database: "db", token, flushImmediately: true, pollIntervalMs: 50 }),
    batchSize: 10,
    parallelism: 0,
    deliveryGuarantee: "exactly-once",
    state: stateOn(memoryDisk(), "state"),
  } as const;
  emulator.faults.answer("blob", 503, { requests: 10_000 });
  const first = await open(options);
  for (let n = 0; n < 25; n++) first.write({ n });
  await first.checkpoint();
  await first.abort();
  emulator.faults.clear();
  const second = await open({ ...options, telemetry: otel.telemetry });
  await second.committed();
  await second.close();
  assert.equal(second.stats.delivered, 25);
  assert.equal(await otel.value("millrace.records.delivered"), 25);
  assert.equal(await otel.value("millrace.blobs"), 1);
  assert.equal(await otel.value("millrace.batch.taken.latency"), 1, "the log knows when its first record was written");
  assert.deepEqual(otel.spans("millrace batch"), []);
  const [blob] = otel.spans("millrace blob");
  assert.deepEqual(blob!.links, []);
  assert.deepEqual([blob!.attributes["millrace.batches"], blob!.attributes["millrace.rows"]], [3, 25]);
  const epoch = otel.spans("millrace epoch").find(({ attributes }) => attributes["millrace.epoch"] === 1);
  assert.equal(epoch!.attributes["millrace.rows"], 25);
  const tag = String(epoch!.attributes["millrace.extent_tag"]);
  assert.ok(String(blob!.attributes["millrace.extent_tag"]).startsWith(tag));
  assert.equal(await rowsIn("Inherited", await extentsWith("Inherited", "contains", tag)), 25);
});

test("what fails for good bears its code, and no message", async () => {
  const otel = sdk();
  const to = gated();
  const sink = await open({
    table: table("Fails", { n: k.int() }),
    to,
    batchSize: 1,
    parallelism: 0,
    telemetry: otel.telemetry,
  });
  sink.write({ n: 1 });
  const flushing = sink.flush().catch(() => {});
  await until(() => to.waiting.length === 1, "a batch at the gate");
  sink.write({ n: 2 });
  await until(() => to.waiting.length === 2, "another at the gate");
  assert.equal(await otel.value("millrace.batches.in_flight"), 2);
  to.release(new MillraceError("FORBIDDEN", `The token ${token} may not do so`));
  await flushing;
  await assert.rejects(sink.close(), { code: "FORBIDDEN" });
  assert.equal(await otel.value("millrace.batches.failed", { code: "FORBIDDEN", step: "submit" }), 1);
  assert.equal(await otel.value("millrace.sinks.failed", { code: "FORBIDDEN" }), 1);
  const [failed, other] = otel.spans("millrace batch");
  assert.equal(failed!.attributes["error.type"], "FORBIDDEN");
  assert.deepEqual(failed!.status, { code: 2, message: "FORBIDDEN" });
  assert.equal(other!.attributes["millrace.unfinished"], true, "the one that was on its way is ended, too");
  const child = otel.spans("millrace submit").find((span) => parentOf(span) === failed!.spanContext().spanId);
  assert.equal(child?.attributes["error.type"], "FORBIDDEN");
});

test('delivery "none" counts what is lost', async () => {
  const otel = sdk();
  const to = gated();
  const sink = await open({
    table: table("Loses", { n: k.int() }),
    to,
    parallelism: 0,
    deliveryGuarantee: "none",
    telemetry: otel.telemetry,
  });
  for (let n = 0; n < 3; n++) sink.write({ n });
  await sink.checkpoint();
  await until(() => to.waiting.length === 1, "a batch at the gate");
  to.release(new MillraceError("BAD_REQUEST", "no"));
  await sink.close();
  assert.equal(sink.stats.lost, 3);
  assert.equal(await otel.value("millrace.records.lost", { code: "BAD_REQUEST" }), 3);
  assert.equal(await otel.value("millrace.records.delivered"), undefined);
});

test("sinks of one table and one meter add up, until each is closed", async () => {
  const otel = sdk();
  const target = table("Shared", { n: k.int() });
  const [to, other] = [gated(), gated()];
  const options = { table: target, batchSize: 1, parallelism: 0, telemetry: otel.telemetry };
  const first = await open({ ...options, to });
  const second = await open({ ...options, to: other });
  first.write({ n: 1 });
  second.write({ n: 2 });
  second.write({ n: 3 });
  await until(() => to.waiting.length + other.waiting.length === 3, "three batches at their gates");
  assert.equal(await otel.value("millrace.batches.in_flight"), 3);
  to.release();
  await first.close();
  assert.equal(await otel.value("millrace.batches.in_flight"), 2);
  other.release();
  other.release();
  await second.close();
  assert.equal(await otel.value("millrace.batches.in_flight"), 0);
  assert.equal(await otel.value("millrace.records.accepted"), 3);
});

test("a sink that is opened behind another's close is observed again", async () => {
  const otel = sdk();
  for (let round = 1; round <= 2; round++) {
    const sink = await open({ table: table("Again", { n: k.int() }), to: memory(), telemetry: otel.telemetry });
    sink.write({ n: 1 });
    assert.equal(await otel.value("millrace.batches.in_flight"), 0);
    assert.equal(await otel.value("millrace.records.accepted"), round, "before any batch is sealed, too");
    await sink.close();
  }
});

test("what a closed sink leaves on a meter goes with the next collection", async () => {
  type Observe = (result: { observe(value: number): void }) => void;
  const callbacks = new Set<Observe>();
  const gauge = {
    addCallback: (callback: Observe) => void callbacks.add(callback),
    removeCallback: (callback: Observe) => void callbacks.delete(callback),
  };
  const meter = {
    createCounter: () => ({ add() {} }),
    createHistogram: () => ({ record() {} }),
    createObservableGauge: () => gauge,
  };
  const sink = await open({ table: table("Goes", { n: k.int() }), to: memory(), telemetry: { meter } });
  assert.equal(callbacks.size, Object.values(metrics).filter(({ kind }) => kind === "gauge").length);
  sink.write({ n: 1 });
  await sink.close();
  const observed: number[] = [];
  for (const callback of [...callbacks]) callback({ observe: (value) => observed.push(value) });
  await Promise.resolve();
  assert.deepEqual(observed, [0, 0], "those that had been observed, and not those of a log");
  assert.equal(callbacks.size, 0);
});

test("a meter and a tracer that throw are told of once, and harm nothing", async () => {
  const failures: TelemetryFailedEvent[] = [];
  const note = (message: unknown) => failures.push(message as TelemetryFailedEvent);
  subscribe("millrace:telemetry:failed", note);
  const boom = (): never => {
    throw new Error("boom");
  };
  const throwing = {
    spanContext: boom,
    setAttributes: boom,
    addEvent: boom,
    setStatus: boom,
    end: boom,
  };
  const instrument = { add: boom, record: boom, addCallback: boom, removeCallback: boom };
  const make = () => instrument;
  const atOnce = { createCounter: boom, createHistogram: boom, createObservableGauge: boom };
  const later = {
    createCounter: make,
    createHistogram: make,
    createObservableGauge: () => ({ addCallback() {}, removeCallback: boom }),
  };
  try {
    for (const telemetry of [
      { meter: atOnce, tracer: { startSpan: boom } },
      { meter: later, tracer: { startSpan: () => throwing } },
    ]) {
      const to = memory();
      const sink = await open({ table: table("Throws", { n: k.int() }), to, batchSize: 2, parallelism: 0, telemetry });
      for (let n = 0; n < 10; n++) sink.write({ n });
      await sink.checkpoint();
      await sink.close();
      assert.equal(sink.stats.delivered, 10);
      assert.deepEqual(
        failures.splice(0).map(({ part, reason }) => [part, reason]),
        telemetry.meter === atOnce
          ? [
              ["meter", "boom"],
              ["tracer", "boom"],
            ]
          : [
              ["tracer", "boom"],
              ["meter", "boom"],
            ].sort(),
      );
    }
  } finally {
    unsubscribe("millrace:telemetry:failed", note);
  }
});

test("what is no meter and no tracer is refused", async () => {
  const start = (telemetry: unknown) =>
    open({ table: table("Refuses", { n: k.int() }), to: memory(), telemetry } as never);
  await assert.rejects(start({ meter: {} }), { code: "BAD_OPTION", message: /telemetry\.meter has no createCounter/ });
  await assert.rejects(start({ tracer: 7 }), { code: "BAD_OPTION", message: /telemetry\.tracer has no startSpan/ });
  await assert.rejects(start({ metre: {} }), { code: "BAD_OPTION", message: /Did you mean meter/ });
  await assert.rejects(start(null), { code: "BAD_OPTION" });
});

test("every series is of the table of metrics, and there are few", () => {
  const byName = new Map<string, Set<string>>();
  for (const { descriptor, dataPoints } of seen) {
    const declared = (metrics as Record<string, (typeof metrics)[MetricName]>)[descriptor.name];
    assert.ok(declared, `${descriptor.name} is in the table`);
    assert.equal(descriptor.unit, declared.unit);
    assert.equal(descriptor.description, declared.description);
    for (const { attributes } of dataPoints) {
      for (const key of Object.keys(attributes))
        assert.ok(["table", "database", ...declared.attributes].includes(key), `${descriptor.name}: ${key}`);
      // By what is not the table's: as many as the lists in the code have words, whatever went through the sinks.
      const { table: _, database: __, ...own } = attributes;
      const series = byName.get(descriptor.name) ?? new Set();
      byName.set(descriptor.name, series.add(JSON.stringify(own)));
      for (const value of Object.values(own)) assert.match(String(value), /^([A-Z_]+|[a-z]+)$/);
    }
  }
  assert.ok(byName.size >= 22, `${byName.size} metrics were seen`);
  for (const [name, series] of byName) assert.ok(series.size <= 6, `${name}: ${[...series]}`);
});

test("no secret in what was told", () => {
  const spans = exporters
    .flatMap((exporter) => exporter.getFinishedSpans())
    .map(({ name, attributes, events, status, links }) => ({
      ...{ name, attributes, events, status, links },
    }));
  assert.ok(spans.length > 40, `${spans.length} spans`);
  const everything = JSON.stringify({ spans, metrics: seen });
  assert.ok(!everything.includes(token));
  assert.doesNotMatch(everything, /sig=|Bearer|AccountKey/i);
});
