import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  coerce,
  files,
  inferTable,
  k,
  MillraceError,
  memory,
  open,
  readSchema,
  run,
  table,
  writeSchemaJson,
} from "millrace";
import { createMergeTableCommand, ingestionMapping, writeSchemaKql } from "millrace/kusto";
import { tenTypes } from "./ten-types.ts";
import { firstNumbers, rowsOf, upTo } from "./unpack.ts";
import type { Case } from "./world.ts";

export const schemaCases: readonly Case[] = [
  {
    name: "schema: a table as KQL, as a mapping, and as a file",
    run({ folder }) {
      const shape = tenTypes("All's");
      const types = "int bool datetime decimal dynamic guid int long real string timespan".split(" ");
      const columns = shape.list.map(({ name }, i) => `['${name}']:${types[i]}`).join(", ");
      assert.equal(createMergeTableCommand(shape), `.create-merge table ['All\\'s'] (${columns})`);
      assert.deepEqual(
        ingestionMapping(shape, "json").map(({ Properties }) => "Path" in Properties && Properties.Path),
        shape.list.map(({ name }) => `$['${name}']`),
      );
      for (const [name, text] of [
        ["schema.json", writeSchemaJson(shape)],
        ["schema.kql", writeSchemaKql(shape)],
      ] as const) {
        writeFileSync(join(folder, name), text);
        assert.deepEqual(
          readSchema(text, name).columns.map(({ kind }) => kind),
          types,
        );
      }
    },
  },
  {
    name: "schema: a value that does not fit is refused by name, and its neighbours arrive",
    async run() {
      const to = memory();
      const sink = await open({ table: table("Refusing", { n: k.int(), at: k.datetime() }), to, parallelism: 0 });
      sink.write({ n: 0, at: 0 });
      for (const bad of [
        { n: 2 ** 31, at: 0 },
        { n: 1.5, at: 0 },
        { n: 1, at: "yesterday" },
        { n: null, at: 0 },
      ])
        assert.throws(
          () => sink.write(bad as never),
          (error) =>
            error instanceof MillraceError && error.code === "RECORD_REFUSED" && /Refusing/.test(error.message),
        );
      sink.write({ n: 1, at: 0 });
      await sink.close();
      assert.deepEqual(firstNumbers(to.batches), [0, 1]);
      assert.equal(sink.stats.rejected, 4);
    },
  },
  {
    name: "schema: inferred from samples; files are read, coerced and run into a sink",
    async run({ folder }) {
      const path = join(folder, "source.ndjson");
      const lines = upTo(5_000).map(
        (n) => `{"n":${n},"when":"2024-01-01T00:00:00Z","who":"é ${n}","more":{"x":[${n}]}}`,
      );
      writeFileSync(path, `${lines.join("\n")}\n`);
      const from = files(path);
      const { table: shape, renames } = inferTable("Inferred", [JSON.parse(lines[0]!)]);
      assert.deepEqual(
        shape.list.map(({ name, kind }) => `${name}:${kind}`),
        ["n:int", "when:datetime", "who:string", "more:dynamic"],
      );
      const to = memory();
      const sink = await open({ table: shape, to });
      const { read } = await run({ from, into: sink, through: coerce(shape, "json", { renames }) as never });
      await sink.close();
      assert.equal(read, 5_000);
      assert.deepEqual(firstNumbers(to.batches), upTo(5_000));
      assert.deepEqual(JSON.parse(rowsOf(to.batches[0]!)[7]![3]!), { x: [7] });
    },
  },
];
