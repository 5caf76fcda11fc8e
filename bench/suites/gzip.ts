import { gzipSync as zlibGzip } from "node:zlib";
import { gzipSync as fflateGzip } from "fflate";
import { gzip as pakoGzip } from "pako";
import type { RowFormat } from "../../src/encode/row-format.ts";
import { compileKernels } from "../../test/assembly/compile-kernels.ts";
import type { Case, Group } from "../case.ts";
import type { Corpus } from "../corpora/corpora.ts";
import { toolsFor } from "../native-tools.ts";
import { rowsModule } from "../rows-module/compile.ts";
import { kernelGzip } from "./kernel-gzip.ts";
import { bare, batchOf } from "./our-encoder.ts";

const ours = "millrace level 1";
const oursSmaller = "millrace level 2";

/** Bytes in memory to one gzip member; the rows of the corpus, in both formats. */
export async function gzipGroup(corpus: Corpus, format: RowFormat, isShort: boolean): Promise<Group> {
  const bytes = await rowsOf(corpus, format);
  const kernels = await compileKernels();
  const { tools, dispose } = toolsFor(bytes, isShort);
  const cases: Case[] = [
    { name: ours, run: kernelGzip(kernels, bytes, 1) },
    { name: oursSmaller, run: kernelGzip(kernels, bytes, 2) },
    rival("node:zlib level 1", bytes, (b) => zlibGzip(b, { level: 1 })),
    { ...rival("node:zlib level 6", bytes, (b) => zlibGzip(b, { level: 6 })), against: [ours, oursSmaller] },
    rival("fflate level 1", bytes, (b) => fflateGzip(b, { level: 1, mtime: 0 })),
    rival("pako level 1", bytes, (b) => pakoGzip(b, { level: 1 })),
    ...tools.map(({ name, packed, userTime }): Case => {
      let last = 0;
      return {
        name: `native ${name}`,
        against: [name.endsWith("-6") ? oursSmaller : ours],
        run() {
          last = userTime();
          return { bytesIn: bytes.length, out: [packed] };
        },
        duration: () => last,
      };
    }),
  ];
  const name = `${corpus.name}.${format}`;
  const count = corpus.records.length;
  return { suite: "gzip", corpus: name, unit: "MB/s", count, cases, dispose: async () => dispose() };
}

function rival(name: string, bytes: Uint8Array, pack: (bytes: Uint8Array) => Uint8Array): Case {
  return { name, against: [ours], run: () => ({ bytesIn: bytes.length, out: [pack(bytes)] }) };
}

async function rowsOf(corpus: Corpus, format: RowFormat): Promise<Uint8Array> {
  const { out } = batchOf(corpus, format, await rowsModule(), bare)();
  return Buffer.concat(out as Uint8Array[]);
}
