import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { encoder } from "../../src/encode/choose-encoder.ts";
import type { Encoder, GzipLevel } from "../../src/encode/encoder.ts";
import { sealed } from "../../src/encode/gzip-member.ts";
import { compilePacker } from "../../src/encode/packer.ts";
import type { PackedRows } from "../../src/encode/segment.ts";
import { instantiate, type WasmEngine } from "../../src/encode/wasm.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { wasmEncoder } from "../../src/encode/wasm-encoder.ts";
import { k, table } from "../../src/schema/table.ts";
import { batchesOf, chunksOf, encodedText, textOf } from "./rows.ts";

const readings = table("Readings", { device: k.string(), value: k.real().optional() });
const records = Array.from({ length: 1000 }, (_, i) => ({ device: `device ${i % 7}`, value: i / 8 }));
const csv = records.map(({ device, value }) => `${device},${value}\n`);
const noLimits = { maxRows: 1e9, maxBytes: 1e9 };

const makers = {
  wasm: (limits: typeof noLimits, gzipLevel?: GzipLevel): Encoder =>
    encoder(readings, "csv", limits, embeddedWasm(), { gzipLevel }),
  javascript: (limits: typeof noLimits, gzipLevel?: GzipLevel): Encoder =>
    encoder(readings, "csv", limits, undefined, { gzipLevel }),
};

for (const [name, make] of Object.entries(makers))
  describe(name, () => {
    test("maxRows ends a batch at exactly that row, in the middle of a chunk and at its end", () => {
      for (const maxRows of [1, 64, 100, 128, 999, 1000, 1001]) {
        const batches = batchesOf(make({ maxRows, maxBytes: 1e9 }), chunksOf({ table: readings, records }, "csv", 64));
        assert.deepEqual(
          batches.filter((batch) => batch.rows > 0).map(textOf),
          Array.from({ length: Math.ceil(1000 / maxRows) }, (_, i) =>
            csv.slice(i * maxRows, (i + 1) * maxRows).join(""),
          ),
        );
      }
    });

    test("gzip level 2 packs the same rows smaller, batch after batch", () => {
      const chunks = chunksOf({ table: readings, records }, "csv", 100);
      const limits = { maxRows: 500, maxBytes: 1e9 };
      const [one, two] = ([1, 2] as const).map((level) => batchesOf(make(limits, level), chunks));
      assert.ok(one!.length >= 2);
      assert.deepEqual(two!.map(textOf), one!.map(textOf));
      for (const [i, { packedBytes, rows }] of two!.entries())
        assert.ok(rows === 0 || packedBytes < one![i]!.packedBytes, `${packedBytes} and ${one![i]!.packedBytes} bytes`);
    });

    test("maxBytes is kept to the byte", () => {
      const [chunk] = chunksOf({ table: readings, records: records.slice(0, 3) }, "csv");
      const bytes = csv.slice(0, 2).join("").length;
      const exact = make({ maxRows: 1e9, maxBytes: bytes });
      assert.equal(exact.append(chunk!, 0), 2);
      assert.equal(exact.rawBytes, bytes);
      assert.equal(exact.append(chunk!, 2), 0);
      assert.equal(exact.rows, 2);
      assert.equal(textOf(sealed(exact)), csv.slice(0, 2).join(""));
      assert.equal(exact.append(chunk!, 2), 1);
      assert.equal(textOf(sealed(exact)), csv[2]);
      assert.equal(make({ maxRows: 1e9, maxBytes: bytes - 1 }).append(chunk!, 0), 1);
    });

    test("a row that no batch can hold is an error, not an endless loop", () => {
      const [chunk] = chunksOf({ table: readings, records }, "csv");
      const tooSmall = make({ maxRows: 1e9, maxBytes: 5 });
      assert.throws(() => tooSmall.append(chunk!, 0), { code: "INTERNAL", message: /Readings/ });
    });

    test("chunks may be taken up anywhere, and several encoders do not meet", () => {
      const chunks = chunksOf({ table: readings, records }, "csv", 100);
      const first = make(noLimits);
      const second = make(noLimits);
      for (const chunk of chunks) {
        assert.equal(first.append(chunk, 0), 100);
        assert.equal(second.append(chunk, 37), 63);
        assert.equal(first.append(chunk, 99), 1);
      }
      const tail = (from: number): string[] => csv.filter((_, i) => i % 100 >= from);
      assert.equal(textOf(sealed(second)), tail(37).join(""));
      const whole = chunks.flatMap((_, i) => [...csv.slice(i * 100, i * 100 + 100), csv[i * 100 + 99]!]);
      assert.equal(textOf(sealed(first)), whole.join(""));
    });

    test("a chunk taken in part may be taken up at another row", () => {
      const [chunk] = chunksOf({ table: readings, records }, "csv", 100);
      const ten = make({ maxRows: 10, maxBytes: 1e9 });
      for (const from of [0, 50, 5]) {
        assert.equal(ten.append(chunk!, from), 10);
        assert.equal(textOf(sealed(ten)), csv.slice(from, from + 10).join(""));
      }
    });

    test("a text ends where it ends, whatever an earlier chunk left behind it", () => {
      const one = make(noLimits);
      for (const device of ["€€€€", "é", "\u{1f600}"]) {
        const [chunk] = chunksOf({ table: readings, records: [{ device }] }, "csv");
        assert.equal(one.append(chunk!, 0), 1);
        assert.equal(textOf(sealed(one)), `${device},\n`);
      }
    });

    test("the parts of a batch are the caller's own, whole and few", () => {
      const noise = Array.from({ length: 20_000 }, (_, i) => ({ device: `${Math.sin(i)}`, value: Math.cos(i) }));
      const batches = batchesOf(make(noLimits), chunksOf({ table: readings, records: noise }, "csv"));
      const { parts, packedBytes, rows } = batches[0]!;
      assert.equal(rows, 20_000);
      assert.equal(
        parts.reduce((sum, part) => sum + part.length, 0),
        packedBytes,
      );
      assert.ok(parts.length > 1);
      for (const part of parts) assert.equal(part.byteOffset, 0);
      for (const part of parts) assert.equal(part.byteLength, part.buffer.byteLength);
      for (const part of parts.slice(0, -1)) assert.ok(part.length >= 65_536);
    });

    test("an encoder goes on after a seal, and an empty batch is an empty gzip member", () => {
      const one = make(noLimits);
      assert.equal(textOf(sealed(one)), "");
      const [chunk] = chunksOf({ table: readings, records: records.slice(0, 1) }, "csv");
      for (let i = 0; i < 3; i++) {
        assert.equal(one.append(chunk!, 0), 1);
        const batch = sealed(one);
        assert.equal(batch.rows, 1);
        assert.equal(textOf(batch), csv[0]);
        assert.equal(one.rows, 0);
        assert.equal(one.rawBytes, 0);
      }
    });
  });

describe("where WebAssembly is refused", () => {
  const refuses: WasmEngine = {
    Module: class {
      constructor() {
        throw new EvalError("Refused to compile or instantiate WebAssembly module");
      }
    } as unknown as WasmEngine["Module"],
    Instance: class {} as unknown as WasmEngine["Instance"],
  };

  test("there is no kernel, and the JavaScript encoder writes the same rows", () => {
    assert.equal(instantiate(embeddedWasm(), refuses), undefined);
    const fallback = encoder(readings, "csv", noLimits, embeddedWasm(), { engine: refuses });
    assert.equal(encodedText(fallback, chunksOf({ table: readings, records }, "csv")), csv.join(""));
  });

  test("bytes that are no module give no kernel either", () => {
    assert.equal(instantiate(new Uint8Array(8)), undefined);
  });
});

test("memory does not grow with records", () => {
  const kernel = instantiate(embeddedWasm())!;
  const wasm = wasmEncoder(readings, "csv", noLimits, kernel);
  const packer = compilePacker(readings, { format: "csv", maxRecordBytes: 1e9 });
  const sizes = new Set<number>();
  for (let i = 0; i < 100_000; i++) {
    packer.pack(records[i % 1000]);
    if (!packer.isFull) continue;
    const chunk = packer.take()!;
    wasm.append(chunk, 0);
    packer.recycle(chunk);
    sizes.add(kernel.memory.buffer.byteLength);
  }
  assert.equal(wasm.rows, 100_000 - packer.rows);
  assert.equal(sizes.size, 1);
});

/** As the subtask's worker is built: one text, which gets the module's bytes from its host. */
async function workerText(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { parentPort, workerData } from "node:worker_threads";
        import { encoder } from "./src/encode/choose-encoder.ts";
        import { sealed } from "./src/encode/gzip-member.ts";
        const batch = encoder(workerData.table, "csv", { maxRows: 1e9, maxBytes: 1e9 }, workerData.wasm);
        parentPort.on("message", (chunk) => {
          batch.append(chunk, 0);
          const member = sealed(batch);
          const buffers = member.parts.map((part) => part.buffer);
          parentPort.postMessage({ sealed: member }, buffers);
        });`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
  });
  return outputFiles[0]!.text;
}

test("a chunk is shared with a worker, encoded there, and its buffers stay here", async () => {
  const text = await workerText();
  assert.ok(!text.includes("wasmBase64"), "the module's bytes are carried twice");
  const workerData = { table: { name: readings.name, list: readings.list }, wasm: embeddedWasm() };
  const worker = new Worker(text, { eval: true, workerData });
  const packer = compilePacker(readings, { format: "csv", maxRecordBytes: 1e9, rowsPerChunk: 10 });
  for (const record of records.slice(0, 10)) packer.pack(record);
  const chunk = packer.take()!;
  const answer = new Promise<{ sealed: PackedRows }>((resolve, reject) =>
    worker.once("message", resolve).once("error", reject),
  );
  worker.postMessage(chunk);
  const { sealed } = await answer;
  await worker.terminate();
  assert.equal(textOf(sealed), csv.slice(0, 10).join(""));
  packer.recycle(chunk);
  // The next one is being filled already.
  const texts = [10, 11].map((i) => {
    packer.pack(records[i]);
    return packer.take()!.text;
  });
  assert.ok(texts[1] === chunk.text);
});
