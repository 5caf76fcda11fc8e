import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileState } from "../../src/checkpoint/file-state.ts";
import { nowhere } from "../../src/destination/memory.ts";
import { open } from "../../src/open.ts";
import type { SinkOptions } from "../../src/options.ts";
import type { Sink } from "../../src/sink/sink.ts";
import type { Case, Group, Output } from "../case.ts";
import type { Corpus } from "../corpora/corpora.ts";
import { median } from "../measure.ts";

const batchSize = 100_000;
/** Far more often than a job would, whose source waits meanwhile. */
const checkpointMs = 500;

/** What durability costs: the same records through sinks to nowhere, without a log, from a log, and committed from it. */
export async function logGroup({ name: corpus, table, records }: Corpus, isShort: boolean): Promise<Group> {
  const passes = isShort ? 1 : Math.max(1, Math.ceil(1_000_000 / records.length));
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-log-"));
  const kinds: Record<string, SinkOptions> = {
    "exactly once": { deliveryGuarantee: "exactly-once", state: fileState(join(folder, "exactly")) },
    "at least once, from a log": { state: fileState(join(folder, "logged")) },
    "at least once": {},
  };
  const sinks: Sink<never>[] = [];
  const cases: Case[] = [];
  for (const [name, options] of Object.entries(kinds)) {
    const sink = await open({ ...options, table, to: nowhere(), parallelism: 1, batchSize });
    sinks.push(sink);
    const against = name === "at least once" ? ["exactly once", "at least once, from a log"] : [];
    cases.push({ against, ...caseOf(name, sink, records, passes) });
  }
  return {
    suite: "log",
    corpus,
    unit: "records/s",
    count: records.length * passes,
    cases,
    async dispose() {
      for (const sink of sinks) await sink.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function caseOf(name: string, sink: Sink<never>, records: Corpus["records"], passes: number): Case {
  const checkpoints: number[] = [];
  let last = 0;
  async function run(): Promise<Output> {
    const before = sink.stats;
    const clock = performance.now();
    let due = clock + checkpointMs;
    for (let pass = 0; pass < passes; pass++) {
      for (const record of records) if (!sink.write(record as never)) await sink.ready;
      if (performance.now() < due && pass < passes - 1) continue;
      const started = performance.now();
      await sink.checkpoint();
      checkpoints.push(performance.now() - started);
      due = performance.now() + checkpointMs;
    }
    await sink.committed();
    last = performance.now() - clock;
    const { rawBytes, packedBytes } = sink.stats;
    return { bytesIn: rawBytes - before.rawBytes, out: packedBytes - before.packedBytes };
  }
  return {
    name,
    run,
    duration: () => last,
    figures: () => {
      const some = Math.max(1, checkpoints.length >> 2);
      return [
        { name: "a checkpoint, of the first", unit: "ms", value: median(checkpoints.slice(0, some)) },
        { name: "a checkpoint, of the last", unit: "ms", value: median(checkpoints.slice(-some)) },
      ];
    },
  };
}
