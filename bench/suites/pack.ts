import { serialize } from "node:v8";
import { compilePacker } from "../../src/encode/packer.ts";
import type { Case, Group } from "../case.ts";
import type { Corpus } from "../corpora/corpora.ts";

const ours = "millrace packer";
/** As many as a chunk has. */
const atOnce = 256;

/** What the caller's thread does with a record when subtasks do the rest, beside sending the objects to a worker. */
export function packGroup({ name: corpus, table, records }: Corpus): Group {
  const packer = compilePacker(table, { format: "csv", maxRecordBytes: 300 * 1024 * 1024 });
  const cases: Case[] = [
    {
      name: ours,
      run() {
        let bytes = 0;
        const handOver = () => {
          const chunk = packer.take()!;
          bytes += chunk.tapeBytes + chunk.textBytes + chunk.nodesBytes;
          packer.recycle(chunk);
        };
        for (const record of records) {
          packer.pack(record);
          if (packer.isFull) handOver();
        }
        if (packer.rows > 0) handOver();
        return { bytesIn: bytes, out: bytes };
      },
    },
    {
      name: "structured clone, as postMessage",
      against: [ours],
      run() {
        let bytes = 0;
        for (let at = 0; at < records.length; at += atOnce) bytes += serialize(records.slice(at, at + atOnce)).length;
        return { bytesIn: bytes, out: bytes };
      },
    },
    {
      name: "JSON.stringify",
      against: [ours],
      run() {
        let bytes = 0;
        for (const record of records) bytes += JSON.stringify(record).length;
        return { bytesIn: bytes, out: bytes };
      },
    },
  ];
  return { suite: "pack", corpus, unit: "ns/record", count: records.length, cases };
}
