import { gunzipSync, gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { encoder } from "../../src/encode/choose-encoder.ts";
import { sealed } from "../../src/encode/gzip-member.ts";
import { rawCutter } from "../../src/encode/raw-cutter.ts";
import { rawPacker } from "../../src/encode/raw-packer.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import { instantiate } from "../../src/encode/wasm.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import type { Case, Group, Output } from "../case.ts";
import type { Corpus } from "../corpora/corpora.ts";
import { batchOf, limits } from "./our-encoder.ts";

const ours = "millrace raw";
/** As a file stream gives them. */
const pieceBytes = 65_536;

/**
 * Rows that are encoded already, to one gzip member on one thread. Ours cuts them into rows and checks each (quotes and
 * number of fields, or JSON; UTF-8); the last rival checks nothing at all, and is what checking has to be hidden behind.
 */
export function rawGroup(corpus: Corpus, format: RowFormat): Group {
  const { out } = batchOf(corpus, format, embeddedWasm())();
  const bytes = gunzipSync(Buffer.concat(out as Uint8Array[]));
  const parsed = format === "csv" ? byCsvParse : byJsonParse;
  const cases: Case[] = [
    { name: ours, run: rawBatch(corpus, format, bytes) },
    rival(format === "csv" ? "csv-parse, csv-stringify" : "JSON.parse, JSON.stringify", () => parsed(bytes)),
    rival("lines counted", () => byLines(bytes)),
    { name: "node:zlib level 1 alone", against: [ours], run: () => packed(bytes) },
  ];
  return { suite: "raw", corpus: `${corpus.name}.${format}`, unit: "MB/s", count: corpus.records.length, cases };
}

function rival(name: string, rows: () => Uint8Array): Case {
  return { name: `${name} + node:zlib level 1`, against: [ours], run: () => packed(rows()) };
}

function packed(bytes: Uint8Array): Output {
  return { bytesIn: bytes.length, out: [gzipSync(bytes, { level: 1 })] };
}

function rawBatch({ table }: Corpus, format: RowFormat, bytes: Uint8Array): () => Output {
  const wasm = embeddedWasm();
  const rows = encoder(table, format, limits, wasm);
  const cut = rawCutter(format, limits.maxBytes, () => instantiate(wasm));
  const packer = rawPacker({ cut, maxRowBytes: limits.maxBytes }, ({ bytes, length }) => {
    const tally = { rows: 0, refused: [] };
    const rawChunk = { bytes, length, recordsBefore: 0 };
    for (let from = 0; from < length; ) from = rows.appendRaw(rawChunk, from, tally);
    if (tally.refused.length > 0) throw new Error(`${tally.refused.length} rows of ${table.name} were refused.`);
    packer.recycle(bytes);
  });
  return () => {
    for (let at = 0; at < bytes.length; at += pieceBytes) packer.add(bytes.subarray(at, at + pieceBytes));
    packer.flush(true);
    const { rawBytes, parts } = sealed(rows);
    return { bytesIn: rawBytes, out: parts };
  };
}

/** What one writes to send whole lines and to know how many. */
function byLines(bytes: Uint8Array): Uint8Array {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString().split("\n");
  return Buffer.from(lines.filter((line) => line !== "").join("\n"));
}

function byJsonParse(bytes: Uint8Array): Uint8Array {
  let text = "";
  for (const line of new TextDecoder().decode(bytes).split("\n"))
    if (line !== "") text += `${JSON.stringify(JSON.parse(line))}\n`;
  return Buffer.from(text);
}

function byCsvParse(bytes: Uint8Array): Uint8Array {
  return Buffer.from(stringify(parse(Buffer.from(bytes)) as string[][]));
}
