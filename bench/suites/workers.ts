import { setTimeout as pause } from "node:timers/promises";
import { nowhere } from "../../src/destination/memory.ts";
import { open } from "../../src/open.ts";
import type { Sink } from "../../src/sink/sink.ts";
import type { Case, Group, Output } from "../case.ts";
import type { Corpus } from "../corpora/corpora.ts";
import { mainThreadTime, watchLoopDelay } from "../main-thread.ts";
import { median } from "../measure.ts";

const batchSize = 100_000;

/** A whole sink to nowhere, at several parallelisms: how much it takes, and what it costs the caller's thread. */
export async function workersGroup({ name: corpus, table, records }: Corpus, isShort: boolean): Promise<Group> {
  // Long enough that filling and emptying the line of workers does not show.
  const passes = isShort ? 1 : Math.max(1, Math.ceil(200_000 / records.length));
  const sinks: Sink<never>[] = [];
  const cases: Case[] = [];
  for (const parallelism of [0, 1, 2]) {
    const sink = await open({ table, to: nowhere(), parallelism, batchSize });
    sinks.push(sink);
    // Each is a rival to the next: what one more worker gains.
    const against = [0, 1].includes(parallelism) ? [nameOf(parallelism + 1)] : [];
    cases.push({ against, ...caseOf(nameOf(parallelism), sink, records, passes) });
  }
  return {
    suite: "workers",
    corpus,
    unit: "records/s",
    count: records.length * passes,
    cases,
    async dispose() {
      for (const sink of sinks) await sink.close();
    },
  };
}

function nameOf(parallelism: number): string {
  return `parallelism ${parallelism}`;
}

function caseOf(name: string, sink: Sink<never>, records: Corpus["records"], passes: number): Case {
  const perRecord: number[] = [];
  const delays = { p50: [] as number[], p99: [] as number[] };
  let last = 0;
  async function run(): Promise<Output> {
    const before = sink.stats;
    const loop = watchLoopDelay();
    await pause(2);
    const start = mainThreadTime();
    const clock = performance.now();
    for (let pass = 0; pass < passes; pass++)
      for (const record of records) if (!sink.write(record as never)) await sink.ready;
    await sink.flush();
    last = performance.now() - clock;
    perRecord.push(((mainThreadTime() - start) * 1e6) / (records.length * passes));
    // A loop that was held all the while finds out only now.
    await pause(2);
    delays.p50.push(loop.percentile(50));
    delays.p99.push(loop.percentile(99));
    loop.stop();
    const { rawBytes, packedBytes } = sink.stats;
    return { bytesIn: rawBytes - before.rawBytes, out: packedBytes - before.packedBytes };
  }
  return {
    name,
    run,
    duration: () => last,
    figures: () => [
      { name: "main thread", unit: "ns/record", value: median(perRecord) },
      { name: "event-loop delay p50", unit: "ms", value: median(delays.p50) },
      { name: "event-loop delay p99", unit: "ms", value: median(delays.p99) },
    ],
  };
}
