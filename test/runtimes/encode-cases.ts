import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { type GzipLevel, k, memory, open, table } from "millrace";
import type { SealedBatch } from "millrace/connector";
import { awkwardText, guid, samples, tenTypes } from "./ten-types.ts";
import { objectsOf, rowsOf, textOf, upTo } from "./unpack.ts";
import type { Case } from "./world.ts";

async function encoded(format: "csv" | "ndjson"): Promise<SealedBatch> {
  const to = memory();
  const sink = await open({ table: tenTypes("Ten"), to, format, parallelism: 0 });
  for (const sample of samples) sink.write(sample);
  await sink.close();
  assert.equal(to.batches.length, 1);
  return to.batches[0]!;
}

const instant = (text: unknown) => new Date(String(text)).getTime();

export const encodeCases: readonly Case[] = [
  {
    name: "encode: CSV of all ten types, read by csv-parse",
    async run() {
      const rows = rowsOf(await encoded("csv"));
      assert.equal(rows.length, 3);
      const [id, flag, moment, exact, bag, key, small, big, float, text, span] = rows[0]!;
      assert.deepEqual([id, flag?.toLowerCase(), exact], ["0", "true", "12345678901234567890.1234"]);
      assert.equal(instant(moment), instant("2024-02-29T12:34:56.789Z"));
      assert.deepEqual(JSON.parse(bag!), samples[0]!.bag);
      assert.deepEqual([key, small, big], [guid, "-2147483648", "9223372036854775807"]);
      assert.deepEqual([Number(float), text, span], [0.1, awkwardText, "-1.02:03:04.0000005"]);
      assert.equal(rows[1]![2], "0001-01-01T00:00:00.0000001Z");
      assert.equal(rows[1]![4], '{"price":12.50}');
      assert.equal(Number(rows[1]![8]), -5e-324);
      assert.deepEqual(rows[2], ["2", ...Array(10).fill("")]);
    },
  },
  {
    name: "encode: NDJSON of all ten types, read by JSON.parse",
    async run() {
      const batch = await encoded("ndjson");
      const objects = objectsOf(batch);
      assert.equal(objects.length, 3);
      const { moment, exact, big, ...plain } = objects[0]!;
      const { moment: _m, exact: _e, big: _b, ...wanted } = samples[0]!;
      assert.deepEqual(plain, wanted);
      assert.equal(instant(moment), instant("2024-02-29T12:34:56.789Z"));
      const lines = textOf(batch).split("\n");
      assert.match(lines[0]!, /"exact":"?12345678901234567890\.1234"?[,}]/);
      assert.match(lines[0]!, /"big":9223372036854775807[,}]/);
      assert.match(lines[1]!, /"bag":\{"price":12\.50\}/);
      assert.ok(big && exact);
      assert.deepEqual(
        Object.values(objects[2]!).filter((value) => value !== null && value !== ""),
        [2],
      );
    },
  },
  {
    name: "encode: texts of every length and width, and halves of surrogate pairs",
    async run() {
      const shape = table("Texts", { n: k.int(), text: k.string() });
      const units = ["a", "é", "漢", "😀", '"', "\n", "ab,"];
      const texts = upTo(2_000).map((n) => units[n % units.length]!.repeat(1 + ((n * n) % 997)));
      const to = memory();
      const sink = await open({ table: shape, to, parallelism: 0, batchSize: 100_000, malformedText: "replace" });
      for (const [n, text] of texts.entries()) if (!sink.write({ n, text })) await sink.ready;
      sink.write({ n: texts.length, text: "x\ud800y" });
      await sink.close();
      assert.deepEqual(
        rowsOf(to.batches[0]!).map(([, text]) => text),
        [...texts, "x\ufffdy"],
      );
      const refusing = await open({ table: shape, to: memory(), parallelism: 0 });
      assert.throws(() => refusing.write({ n: 0, text: "x\ud800y" }), /surrogate/);
      await refusing.close();
    },
  },
  ...([1, 2] as const).map((gzipLevel: GzipLevel) => ({
    name: `gzip: node:zlib unpacks members of level ${gzipLevel}, of many blocks`,
    async run() {
      const count = 60_000;
      const to = memory();
      const sink = await open({
        table: table("Packed", { n: k.int(), text: k.string() }),
        to,
        gzipLevel,
        preset: "bulk",
      });
      for (let n = 0; n < count; n++)
        if (!sink.write({ n, text: `device-${(n * 2_654_435_761) % 4_294_967_296} ${n % 7 ? "up" : "down"}` }))
          await sink.ready;
      await sink.close();
      const batch = to.batches[0]!;
      assert.equal(to.batches.length, 1);
      const wanted = upTo(count).map(
        (n) => `${n},device-${(n * 2_654_435_761) % 4_294_967_296} ${n % 7 ? "up" : "down"}`,
      );
      // gunzip checks the CRC-32 and the length; a second member or trailing bytes would show in the text.
      assert.deepEqual(
        gunzipSync(Buffer.concat(batch.parts))
          .toString()
          .split(/\r?\n/)
          .filter((line) => line !== "")
          .map((line) => line.replaceAll('"', "")),
        wanted,
      );
      assert.ok(batch.packedBytes < batch.rawBytes / 2, `${batch.packedBytes} of ${batch.rawBytes}`);
    },
  })),
];
