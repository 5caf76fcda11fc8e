import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { nowhere } from "../src/destination/memory.ts";
import { open } from "../src/open.ts";
import type { Sink } from "../src/sink/sink.ts";
import { telemetry, telemetryRecords } from "./corpora/telemetry.ts";
import { watchLoopDelay } from "./main-thread.ts";
import { median } from "./measure.ts";
import { type MemorySample, type Soak, soakFile } from "./soak-result.ts";
import { figure } from "./tables.ts";

const help = `npm run bench:soak -- [options]
  --gigabytes N     how much to write, uncompressed (default 10)
  --parallelism N   default 1
  --batch-mb N      the batch limit (default 300)
  --json FILE       where the samples go (default ${soakFile}, where npm run bench -- --html looks for them)`;

const sampleMs = 250;
const megabyte = 1e6;

const { values } = parseArgs({
  options: {
    gigabytes: { type: "string", default: "10" },
    "batch-mb": { type: "string", default: "300" },
    parallelism: { type: "string", default: "1" },
    json: { type: "string", default: soakFile },
    help: { type: "boolean" },
  },
});

/** Writes until the sink has had so many bytes; looks at the memory on the way. */
async function soak(gigabytes: number, parallelism: number, batchMegabytes: number): Promise<Soak> {
  const clientBatchSizeLimit = batchMegabytes * 1024 * 1024;
  const limits = { batchSize: 1_000_000_000, batchIntervalMs: 0, clientBatchSizeLimit };
  const sink = await open({ table: telemetry, to: nowhere(), parallelism, ...limits });
  await pause(500);
  const idleBytes = process.memoryUsage.rss();
  const delays = watchLoopDelay();
  const started = performance.now();
  const samples: MemorySample[] = [];
  let lastSample = started;
  let records = 0;

  function sample(): void {
    lastSample = performance.now();
    const { rawBytes } = sink.stats;
    samples.push({ seconds: (lastSample - started) / 1e3, rawBytes, residentBytes: process.memoryUsage.rss() });
  }

  let said = 0;
  for (const record of telemetryRecords(1)) {
    if (!sink.write(record)) await sink.ready;
    if (++records % 4_096 !== 0) continue;
    if (performance.now() - lastSample >= sampleMs) {
      sample();
      said = tell(sink, samples.at(-1)!, gigabytes, said);
    }
    if (sink.stats.rawBytes >= gigabytes * 1e9) break;
  }
  await sink.flush();
  sample();
  const delayP99Ms = delays.percentile(99);
  delays.stop();
  const { rawBytes, packedBytes, batches } = sink.stats;
  await sink.close();
  const runtime = `node ${process.versions.node}`;
  return {
    runtime,
    parallelism,
    batchMegabytes,
    records,
    rawBytes,
    packedBytes,
    batches,
    delayP99Ms,
    idleBytes,
    samples,
  };
}

/** A line for every gigabyte. Bytes are known when a batch is sealed, so the count moves by whole batches. */
function tell({ stats }: Sink<never>, { seconds, residentBytes }: MemorySample, goal: number, said: number): number {
  const gigabytes = Math.floor(stats.rawBytes / 1e9);
  if (gigabytes > said) {
    const share = Math.min(1, stats.rawBytes / (goal * 1e9));
    const bar = "#".repeat(Math.round(20 * share)).padEnd(20, "-");
    const left = (seconds / share) * (1 - share);
    console.log(
      `  ${bar} ${gigabytes} of ${goal} GB  ${seconds.toFixed(0)} s, about ${left.toFixed(0)} s left  ${figure(stats.rawBytes / seconds / megabyte)} MB/s  resident ${figure(residentBytes / megabyte)} MB`,
    );
  }
  return gigabytes;
}

if (values.help) {
  console.log(help);
} else {
  const result = await soak(Number(values.gigabytes), Number(values.parallelism), Number(values["batch-mb"]));
  mkdirSync("build", { recursive: true });
  writeFileSync(values.json, `${JSON.stringify(result)}\n`);
  console.log(summary(result));
}

function summary({ records, rawBytes, batches, idleBytes, samples, delayP99Ms }: Soak): string {
  const resident = samples.map((s) => s.residentBytes / megabyte);
  return [
    `${figure(records)} records, ${figure(rawBytes / megabyte)} MB in ${batches} batches, ${samples.at(-1)!.seconds.toFixed(0)} s`,
    `resident: idle ${figure(idleBytes / megabyte)} MB, median ${figure(median(resident))} MB, most ${figure(Math.max(...resident))} MB`,
    `event-loop delay p99 ${delayP99Ms.toFixed(2)} ms`,
    `samples in ${values.json}`,
  ].join("\n");
}
