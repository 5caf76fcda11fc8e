import { csvByHand, ndjsonByHand } from "../../src/cli/rows-by-hand.ts";
import { encoder } from "../../src/encode/choose-encoder.ts";
import type { Chunk } from "../../src/encode/chunk.ts";
import { compilePacker } from "../../src/encode/packer.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import type { Case, Group, Output } from "../case.ts";
import type { Corpus } from "../corpora/corpora.ts";
import { rowsModule } from "../rows-module/compile.ts";
import { bare, batchOf, limits } from "./our-encoder.ts";
import { csvStringify, fastJsonStringify } from "./rivals.ts";

/** Records to the bytes of rows, without gzip; and rows out of packed chunks, which is the part that runs on a worker. */
export async function encodeGroup(corpus: Corpus): Promise<Group> {
  const wasm = await rowsModule();
  const byHand = csvByHand(corpus.table, corpus.records);
  const cases: Case[] = [
    { name: "millrace CSV", run: batchOf(corpus, "csv", wasm, bare) },
    { name: "millrace CSV from packed chunks", run: fromChunks(corpus, "csv", wasm) },
    { name: "millrace NDJSON", run: batchOf(corpus, "ndjson", wasm, bare) },
    { name: "millrace NDJSON from packed chunks", run: fromChunks(corpus, "ndjson", wasm) },
    rival("CSV by hand", "millrace CSV", () => byHand(corpus.records)),
    rival("csv-stringify", "millrace CSV", csvStringify(corpus)),
    rival("JSON.stringify", "millrace NDJSON", () => ndjsonByHand(corpus.records)),
    rival("fast-json-stringify", "millrace NDJSON", fastJsonStringify(corpus)),
    // Its text is not yet bytes that could be packed or sent; shown because it is what people measure.
    { name: "JSON.stringify, text only", against: ["millrace NDJSON"], run: textOnly(corpus) },
  ];
  return { suite: "encode", corpus: corpus.name, unit: "ns/record", count: corpus.records.length, cases };
}

function rival(name: string, against: string, text: () => string): Case {
  return {
    name,
    against: [against],
    run() {
      const bytes = Buffer.from(text());
      return { bytesIn: bytes.length, out: [bytes] };
    },
  };
}

function textOnly({ records }: Corpus): () => Output {
  const bytes = Buffer.byteLength(ndjsonByHand(records));
  return () => {
    let text = "";
    for (const record of records) text += `${JSON.stringify(record)}\n`;
    // A rope is no text yet: looking at one character makes the engine write it out.
    text.charCodeAt(text.length >> 1);
    return { bytesIn: bytes, out: bytes };
  };
}

function fromChunks({ table, records }: Corpus, format: RowFormat, wasm: Uint8Array): () => Output {
  const packer = compilePacker(table, { format, maxRecordBytes: limits.maxBytes });
  const chunks: Chunk[] = [];
  for (const record of records) {
    packer.pack(record);
    if (packer.isFull) chunks.push(packer.take()!);
  }
  if (packer.rows > 0) chunks.push(packer.take()!);
  const rows = encoder(table, format, limits, wasm);
  return () => {
    for (const chunk of chunks) for (let from = 0; from < chunk.rows; ) from += rows.append(chunk, from);
    const { rawBytes, parts } = bare(rows);
    return { bytesIn: rawBytes, out: parts };
  };
}
