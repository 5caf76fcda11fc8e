import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { asyncMap, fileState, k, map, open, run, type Source, table } from "../../src/index.ts";
import { kusto } from "../../src/kusto.ts";

// A writer whose records pass a slow function. It says for each slice that it was written, and is killed in the midst of it.

const [cluster, state, ordered] = process.argv.slice(2) as [string, string, string];
const partitions = 3;
const perPartition = 300;
const perSlice = 7;

const source: Source<{ partition: number; at: number }> = {
  name: "numbers",
  recovery: "position",
  async *read(from) {
    const at = Array.from({ length: partitions }, (_, p) => Number(from[`p${p}`] ?? 0));
    for (;;) {
      const left = at.flatMap((each, p) => (each < perPartition ? [p] : []));
      if (left.length === 0) return;
      const partition = left[Math.floor(Math.random() * left.length)]!;
      const end = Math.min(perPartition, at[partition]! + perSlice);
      const records = [];
      for (; at[partition]! < end; at[partition]!++) records.push({ partition, at: at[partition]! });
      yield { partition: `p${partition}`, position: end, records };
    }
  },
};

/** Slow, at times for the first time in vain, and at times for ever. */
async function lookUp(record: { partition: number; at: number }, { attempt }: { attempt: number }) {
  const dice = Math.random();
  if (dice < 0.01) await new Promise(() => {});
  await pause(dice * 10);
  if (dice > 0.9 && attempt === 1) throw new Error("not yet");
  return { ...record, square: record.at ** 2 };
}

const looked = asyncMap(source, lookUp, {
  ...{ capacity: 20, ordered: ordered === "ordered", timeoutMs: 500, retry: { attempts: 5, baseMs: 2 } },
  onTimeout: (record) => ({ ...record, square: record.at ** 2 }),
});

const last = new Map<number, number>();
const checked = map(looked, (record) => {
  const before = last.get(record.partition);
  if (ordered === "ordered" && before !== undefined && record.at !== before + 1) {
    writeSync(2, `partition ${record.partition}: ${record.at} behind ${before}\n`);
    process.exit(3);
  }
  last.set(record.partition, record.at);
  return record;
});

const sink = await open({
  table: table("Looked", { partition: k.int(), at: k.int(), square: k.long() }),
  ...{ to: kusto({ cluster, database: "kills", pollIntervalMs: 20 }), parallelism: 0 },
  ...{ deliveryGuarantee: "exactly-once", state: fileState(state) },
});
let slices = 0;
await run({ from: checked, into: sink, checkpointMs: 100, onProgress: () => void writeSync(1, `${++slices}\n`) });
await sink.close();
