import assert from "node:assert/strict";
import {
  AggregationTemporality,
  type Histogram,
  MeterProvider,
  type MetricData,
  MetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { k, memory, memoryDeadLetter, open, table } from "millrace";
import type { Case } from "./world.ts";

class Reader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

/** Of a histogram how many were measured. */
function sumOf(collected: readonly MetricData[], wanted: string): number {
  const points = collected
    .filter(({ descriptor }) => descriptor.name === wanted)
    .flatMap(({ dataPoints }) => dataPoints as { value: number | Histogram }[]);
  return points.reduce((sum, { value }) => sum + (typeof value === "number" ? value : value.count), 0);
}

export const telemetryCases: readonly Case[] = [
  {
    name: "telemetry: OpenTelemetry's meter and tracer hear of every record and batch",
    async run() {
      const reader = new Reader({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
      const meter = new MeterProvider({ readers: [reader] }).getMeter("runtimes");
      const exporter = new InMemorySpanExporter();
      const spanProcessors = [new SimpleSpanProcessor(exporter)];
      const tracer = new BasicTracerProvider({ spanProcessors }).getTracer("runtimes");
      const before = Date.now();
      const sink = await open({
        table: table("Metered", { n: k.int() }),
        to: memory(),
        parallelism: 2,
        deadLetter: memoryDeadLetter(),
        telemetry: { meter, tracer },
      });
      for (let n = 0; n < 2_500; n++) if (!sink.write({ n })) await sink.ready;
      sink.write({ n: "no" as never });
      await sink.checkpoint();
      await sink.close();
      const after = Date.now();

      const { resourceMetrics, errors } = await reader.collect();
      assert.deepEqual(errors, []);
      const collected = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
      const { accepted, rejected, delivered, batches, rawBytes, packedBytes, checkpoints } = sink.stats;
      assert.deepEqual({ accepted, rejected, delivered }, { accepted: 2_500, rejected: 1, delivered: 2_500 });
      for (const [name, expected] of [
        ["millrace.records.accepted", accepted],
        ["millrace.records.delivered", delivered],
        ["millrace.records.rejected", rejected],
        ["millrace.batches.sealed", batches],
        ["millrace.batches.in_flight", 0],
        ["millrace.bytes.raw", rawBytes],
        ["millrace.bytes.packed", packedBytes],
        ["millrace.blobs", batches],
        ["millrace.batch.age", batches],
        ["millrace.batch.stage.duration", batches],
        ["millrace.batch.submit.duration", batches],
        ["millrace.batch.taken.latency", batches],
        ["millrace.checkpoint.duration", checkpoints],
      ] as const)
        assert.equal(sumOf(collected, name), expected, name);

      const spans = exporter.getFinishedSpans();
      const own = spans.filter(({ name }) => name === "millrace batch");
      assert.equal(own.length, batches);
      for (const batch of own) {
        const children = spans.filter(({ parentSpanId }) => parentSpanId === batch.spanContext().spanId);
        assert.deepEqual(
          children.map(({ name }) => name),
          ["millrace stage", "millrace submit"],
        );
        // A runtime's clock for durations, led back to the time of day.
        const [began, ended] = [batch.startTime, batch.endTime].map(([s, ns]) => s * 1_000 + ns / 1e6) as [
          number,
          number,
        ];
        assert.ok(before - 1_000 < began && began <= ended && ended < after + 1_000, `${began} to ${ended}`);
      }
      const [epoch] = spans.filter(({ name }) => name === "millrace epoch");
      assert.deepEqual(
        epoch!.links.map(({ context }) => context.spanId).sort(),
        own.map((batch) => batch.spanContext().spanId).sort(),
      );
    },
  },
];
