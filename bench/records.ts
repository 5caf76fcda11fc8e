import { gzipSync as zlibGzip } from "node:zlib";
import { gzipSync as fflateGzip } from "fflate";
import { encoder } from "../src/encode/choose-encoder.ts";
import type { Encoder } from "../src/encode/encoder.ts";
import { compilePacker } from "../src/encode/packer.ts";
import { embeddedWasm } from "../src/encode/wasm-embedded.ts";
import { telemetry, telemetryRecords } from "./corpora.ts";
import type { Case } from "./main.ts";

// Records to one gzip member, on one thread: what a sink does to a batch, beside what its users write by hand.

const records = telemetryRecords(20_000);
const limits = { maxRows: 1_000_000, maxBytes: 300 * 1024 * 1024 };

function millrace(wasm: Uint8Array | undefined): () => number {
  const packer = compilePacker(telemetry, { format: "csv", maxRecordBytes: limits.maxBytes });
  const rows: Encoder = encoder(telemetry, "csv", limits, wasm);
  function handOver(): void {
    const chunk = packer.take()!;
    for (let from = 0; from < chunk.rows; ) from += rows.append(chunk, from);
    packer.recycle(chunk);
  }
  return () => {
    for (const record of records) {
      packer.pack(record);
      if (packer.isFull) handOver();
    }
    if (packer.rows > 0) handOver();
    return rows.seal().packedBytes;
  };
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function handWrittenCsv(): string {
  let text = "";
  for (const r of records)
    text += `${r.ts instanceof Date ? r.ts.toISOString() : r.ts},${quoted(r.device)},${quoted(r.site)},${quoted(r.status)},${quoted(r.note)},${r.count},${r.temperature},${r.humidity},${r.pressure},${r.voltage},${r.current},${r.ok}\n`;
  return text;
}

function stringified(): string {
  let text = "";
  for (const record of records) text += `${JSON.stringify(record)}\n`;
  return text;
}

export const recordsSuite: Case[] = [
  { name: "millrace", isSubject: true, run: millrace(embeddedWasm()) },
  { name: "millrace without WebAssembly", run: millrace(undefined) },
  { name: "CSV by hand + node:zlib level 1", run: () => zlibGzip(handWrittenCsv(), { level: 1 }).length },
  { name: "CSV by hand + node:zlib default", run: () => zlibGzip(handWrittenCsv()).length },
  { name: "JSON.stringify + node:zlib default", run: () => zlibGzip(stringified()).length },
  {
    name: "CSV by hand + fflate level 1",
    run: () => fflateGzip(new TextEncoder().encode(handWrittenCsv()), { level: 1 }).length,
  },
].map((c) => ({ ...c, suite: "records", corpus: "telemetry", records: records.length }));
