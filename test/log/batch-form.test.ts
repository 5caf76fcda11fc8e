import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import type { SealedBatch } from "../../src/batch/sealed-batch.ts";
import { someRows } from "../../src/deliver/logged-batch.ts";
import { payloads } from "../../src/encode/payload.ts";
import { fromLog, rowsInLog, toLog } from "../../src/log/batch-form.ts";
import type { LoggedBatch } from "../../src/log/write-ahead-log.ts";

const rows = ['1,"a\nb"\n', "2,c\r\n", '3,""""\n'];
const text = Buffer.from(rows.join(""));
const ends = Uint32Array.from(rows, (_, i) => rows.slice(0, i + 1).join("").length);

const head = {
  ...{ id: "b", table: "T", format: "csv", rows: 3, rawBytes: text.length, packedBytes: text.length, subtask: 0 },
  ...{ firstRecord: 0, lastRecord: 2, sealedBy: "flush", epoch: 1, segment: "s", offset: 16, sha256: "0" },
} as const satisfies LoggedBatch;

/** Behind one byte: a log gives bytes that lie anywhere. */
function inLog(pieces: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Buffer.of(0), ...pieces]).subarray(1);
}

const rowsBatch = { ...head, payload: "rows", bytes: text, ends, parts: [text] } as const;
/** What was logged, and its bytes there; without a payload by a version that knew gzip alone. */
const logged = [
  [head, gzipSync(text)],
  [{ ...head, payload: "gzip" }, gzipSync(text)],
  [{ ...head, payload: "plain" }, text],
  [{ ...head, payload: "rows" }, inLog(toLog(rowsBatch).parts)],
  [{ ...head, payload: "records" }, inLog(toLog({ ...rowsBatch, payload: "records" }).parts)],
] as const satisfies readonly (readonly [LoggedBatch, Uint8Array])[];

for (const [batch, bytes] of logged)
  test(`a batch that was logged ${"payload" in batch ? `as ${batch.payload}` : "by an older version"} is given in every form`, async () => {
    for (const wanted of payloads) {
      const made = fromLog(batch, bytes, wanted);
      assert.equal(made.payload, wanted);
      assert.equal(made.rows, 3);
      assert.ok(!("sha256" in made) && !("segment" in made));
      const content = Buffer.concat(made.parts);
      assert.equal(content.length, made.packedBytes);
      assert.deepEqual(wanted === "gzip" ? gunzipSync(content) : content, text);
      assert.equal(made.rawBytes, text.length);
      if ("ends" in made) assert.deepEqual(made.ends, ends);
    }
    assert.deepEqual(rowsInLog(batch, bytes).ends, ends);

    const read = async () => bytes;
    const kept = await someRows({ read }, batch, (row) => row !== 1);
    assert.equal(gunzipSync(Buffer.concat(kept.parts)).toString(), rows[0]! + rows[2]!);
    assert.equal(kept.payload, "gzip");
    const keptRows: SealedBatch<"rows"> = await someRows({ read }, batch, (row) => row !== 0, "rows");
    assert.deepEqual([...keptRows.ends], [rows[1]!.length, rows[1]!.length + rows[2]!.length]);
    assert.equal(keptRows.rows, 2);
  });
