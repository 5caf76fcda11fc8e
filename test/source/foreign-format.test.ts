import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { zipSync } from "fflate";
import { files } from "../../src/source/files.ts";
import { stdin } from "../../src/source/stdin.ts";

test("archives, workbooks and binary tables are refused by name, as files and as a stream, whatever format is asked for", async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-foreign-"));
  try {
    const at = (name: string) => join(folder, name);
    writeFileSync(at("a.csv"), zipSync({ "a.csv": Buffer.from("a\n1\n") }));
    const connection = await (await DuckDBInstance.create()).connect();
    await connection.run(`COPY (SELECT 1 AS a) TO '${at("a.parquet")}' (FORMAT parquet)`);
    connection.closeSync();
    // The first bytes that the specifications of these formats give.
    writeFileSync(at("a.bz2"), Buffer.from("425a6839314159265359", "hex"));
    writeFileSync(at("a.xz"), Buffer.from("fd377a585a000004e6d6b446", "hex"));
    writeFileSync(at("a.zst"), Buffer.from("28b52ffd0458", "hex"));
    writeFileSync(at("a.db"), "SQLite format 3\0\x10\0");
    const expected = {
      "a.csv": /is a zip archive, or a workbook/,
      "a.parquet": /is Parquet, .* DuckDB/,
      "a.bz2": /is packed by bzip2/,
      "a.xz": /is packed by xz/,
      "a.zst": /is packed by zstd/,
      "a.db": /is an SQLite database/,
    };
    for (const [name, message] of Object.entries(expected))
      for (const format of ["auto", "csv", "ndjson"] as const) {
        await assert.rejects(files(at(name), { format }).plan(), { code: "BAD_SOURCE", message });
        await assert.rejects(stdin({ format, stream: Readable.from([readFileSync(at(name))]) }).plan(), {
          code: "BAD_SOURCE",
          message,
        });
      }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
