import { rowsOf } from "../../src/batch/rows-of.ts";
import { ndjsonByHand } from "../../src/cli/rows-by-hand.ts";
import type { Encoder } from "../../src/encode/encoder.ts";
import { gzipMember } from "../../src/encode/gzip-member.ts";
import type { Payload } from "../../src/encode/payload.ts";
import { plainText, textWithEnds } from "../../src/encode/plain-text.ts";
import type { BatchContent, PackedRows } from "../../src/encode/segment.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import type { Case, Group, Output } from "../case.ts";
import type { Corpus } from "../corpora/corpora.ts";
import { batchOf } from "./our-encoder.ts";

/** Records to a batch of each payload, on one thread, beside code by hand for a pipe or a broker. */
export function payloadGroup(corpus: Corpus): Group {
  const { records } = corpus;
  const cases: Case[] = [
    { name: "millrace gzip NDJSON", run: ours(corpus, "gzip", gzipMember()) },
    { name: "millrace plain NDJSON", run: ours(corpus, "plain", plainText()) },
    { name: "millrace rows NDJSON, a Buffer each", run: ours(corpus, "rows", textWithEnds(), eachRow) },
    {
      name: "JSON.stringify",
      against: ["millrace plain NDJSON"],
      run: () => written([Buffer.from(ndjsonByHand(records))]),
    },
    {
      name: "JSON.stringify, a Buffer each",
      against: ["millrace rows NDJSON, a Buffer each"],
      run: () => written(records.map((record) => Buffer.from(JSON.stringify(record)))),
    },
  ];
  return { suite: "payload", corpus: corpus.name, unit: "ns/record", count: records.length, cases };
}

function written(out: readonly Uint8Array[]): Output {
  return { bytesIn: out.reduce((sum, part) => sum + part.length, 0), out };
}

/** A batch as the sink makes it. Its memory is used again, as when it is delivered. */
function ours(
  corpus: Corpus,
  payload: Payload,
  content: BatchContent,
  use: (batch: PackedRows) => Uint8Array[] = ({ parts }) => parts,
): () => Output {
  let before: PackedRows["parts"] = [];
  function end(rows: Encoder): Pick<PackedRows, "rawBytes" | "parts"> {
    content.recycle(before);
    const segment = rows.cut(true);
    content.add(segment);
    rows.recycle(segment.parts);
    const batch = content.end();
    before = batch.parts;
    return { rawBytes: batch.rawBytes, parts: use(batch) as PackedRows["parts"] };
  }
  return batchOf(corpus, "ndjson", embeddedWasm(), end, payload);
}

function eachRow({ parts, ends }: PackedRows): Uint8Array[] {
  return [...rowsOf({ bytes: parts[0]!, ends: ends! })];
}
