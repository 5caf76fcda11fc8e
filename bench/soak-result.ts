import { existsSync, readFileSync } from "node:fs";
import { median } from "./measure.ts";
import { type Row, soakSuite } from "./row.ts";

export const soakFile = "build/soak.json";

/** What a soak found; kept in a file, so that a report made later can show it. */
export interface Soak {
  readonly runtime: string;
  readonly parallelism: number;
  /** The limit of a batch, uncompressed, in mebibytes. */
  readonly batchMegabytes: number;
  readonly records: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  readonly batches: number;
  readonly delayP99Ms: number;
  /** Of the process with an open sink that nothing was written to. */
  readonly idleBytes: number;
  readonly samples: readonly MemorySample[];
}

export interface MemorySample {
  readonly seconds: number;
  /** Of sealed batches. */
  readonly rawBytes: number;
  readonly residentBytes: number;
}

export function readSoak(file = soakFile): Soak | undefined {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

export const overIdle = "resident memory over idle, at most";
export const growth = "resident memory, last quarter over second quarter";

/** The soak as rows. Growth is between medians, since memory goes up and down with every batch. */
export function soakRows(soak: Soak): Row[] {
  const resident = soak.samples.map((sample) => sample.residentBytes);
  const quarter = Math.max(1, Math.floor(resident.length / 4));
  const second = median(resident.slice(quarter, 2 * quarter + 1));
  const last = median(resident.slice(-quarter));
  const row = (name: string, unit: "MB" | "ms", value: number): Row => ({
    suite: soakSuite,
    case: name,
    corpus: "telemetry",
    runtime: soak.runtime,
    unit,
    value: Number(value.toPrecision(4)),
    rival: null,
    rivalValue: null,
    ratio: null,
    bytesIn: soak.rawBytes,
    bytesOut: soak.packedBytes,
    spread: 0,
  });
  return [
    row(overIdle, "MB", (Math.max(...resident) - soak.idleBytes) / 1e6),
    row(growth, "MB", (last - second) / 1e6),
    row("event-loop delay p99", "ms", soak.delayP99Ms),
  ];
}
