import { gzipSync as zlibGzip } from "node:zlib";
import { gzipSync as fflateGzip } from "fflate";
import { gzip as pakoGzip } from "pako";
import { csvByHand, ndjsonByHand } from "../../src/cli/rows-by-hand.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import type { Case, Group, Output } from "../case.ts";
import type { Corpus } from "../corpora/corpora.ts";
import { batchOf } from "./our-encoder.ts";
import { csvStringify, fastJsonStringify } from "./rivals.ts";

/** Records to one gzip member, on one thread: what a sink does to a batch, beside what its users write by hand. */
export function recordsGroup(corpus: Corpus): Group {
  const wasm = embeddedWasm();
  const byHand = csvByHand(corpus.table, corpus.records);
  const csv = () => byHand(corpus.records);
  const json = () => ndjsonByHand(corpus.records);
  const cases: Case[] = [
    { name: "millrace CSV", run: batchOf(corpus, "csv", wasm) },
    { name: "millrace NDJSON", run: batchOf(corpus, "ndjson", wasm) },
    rivalToCsv("CSV by hand + node:zlib default", packed(csv, zlib())),
    rivalToCsv("CSV by hand + node:zlib level 1", packed(csv, zlib(1))),
    rivalToCsv("csv-stringify + node:zlib default", packed(csvStringify(corpus), zlib())),
    rivalToCsv("CSV by hand + fflate level 1", packed(csv, fflate)),
    rivalToCsv("CSV by hand + pako level 1", packed(csv, pako)),
    rivalToCsv("millrace CSV without WebAssembly", batchOf(corpus, "csv", undefined)),
    rivalToBoth("JSON.stringify + node:zlib default", packed(json, zlib())),
    rivalToBoth("JSON.stringify + node:zlib level 1", packed(json, zlib(1))),
    rivalToBoth("fast-json-stringify + node:zlib default", packed(fastJsonStringify(corpus), zlib())),
  ];
  return { suite: "records", corpus: corpus.name, unit: "ns/record", count: corpus.records.length, cases };
}

function rivalToCsv(name: string, run: () => Output): Case {
  return { name, against: ["millrace CSV"], run };
}

function rivalToBoth(name: string, run: () => Output): Case {
  return { name, against: ["millrace CSV", "millrace NDJSON"], run };
}

function packed(text: () => string, gzip: (bytes: Uint8Array) => Uint8Array): () => Output {
  return () => {
    const bytes = Buffer.from(text());
    return { bytesIn: bytes.length, out: [gzip(bytes)] };
  };
}

function zlib(level?: number): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => zlibGzip(bytes, level === undefined ? {} : { level });
}

function fflate(bytes: Uint8Array): Uint8Array {
  return fflateGzip(bytes, { level: 1, mtime: 0 });
}

function pako(bytes: Uint8Array): Uint8Array {
  return pakoGzip(bytes, { level: 1 });
}
