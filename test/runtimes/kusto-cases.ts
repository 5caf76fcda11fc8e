import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileDeadLetter, k, MillraceError, open, type Table, table } from "millrace";
import { createMergeTableCommand, type KustoAdmin, kusto, kustoAdmin } from "millrace/kusto";
import { startProgram } from "./programs.ts";
import { awkwardText, guid, samples, tenTypes } from "./ten-types.ts";
import { upTo } from "./unpack.ts";
import type { Case, World } from "./world.ts";

const nameIn = ({ runtime }: World, name: string) => `${name}_${runtime.replaceAll("-", "_")}`;

async function withTable(world: World, shape: Table, use: (admin: KustoAdmin) => Promise<void>): Promise<void> {
  const admin = await kustoAdmin({ cluster: world.cluster, database: world.database });
  try {
    await admin.execute(createMergeTableCommand(shape));
    await use(admin);
  } finally {
    admin.close();
  }
}

export const kustoCases: readonly Case[] = [
  ...(["csv", "ndjson"] as const).map((format) => ({
    name: `ingestion: ${format} of all ten types reads back from the table`,
    async run(world: World) {
      const shape = tenTypes(nameIn(world, `Ten_${format}`));
      await withTable(world, shape, async (admin) => {
        const { cluster, database } = world;
        const sink = await open({
          table: shape,
          to: kusto({ cluster, database, flushImmediately: true, pollForIngestionStatus: true, pollIntervalMs: 100 }),
          format,
        });
        await sink.writeAll(samples);
        await sink.close();
        assert.equal(sink.stats.delivered, samples.length);
        // The service itself turns each value into a text, so that no client's numbers stand between.
        const { rows } = await admin.query(
          `['${shape.name}'] | order by id asc | project flag, tostring(moment), tostring(exact), tostring(bag.a[3].b), tostring(bag.price), tostring(key), tostring(small), tostring(big), ['float'] == 0.1, text, tostring(span)`,
        );
        assert.equal(rows.length, 3);
        const [first, second, third] = rows.map((row) => row.map((value) => (value === null ? "" : String(value))));
        assert.deepEqual(first, [
          "true",
          "2024-02-29T12:34:56.7890000Z",
          "12345678901234567890.1234",
          awkwardText,
          "",
          guid,
          "-2147483648",
          "9223372036854775807",
          "true",
          awkwardText,
          "-1.02:03:04.0000005",
        ]);
        assert.deepEqual(
          [second![0], second![1], second![2], Number(second![4]), second![5], second![7], second![10]],
          ["false", "0001-01-01T00:00:00.0000001Z", "-7", 12.5, guid, "-9007199254740991", "00:00:01.5000000"],
        );
        // A null is not equal to a number, and the comparison says so (documentation, "Null values").
        assert.deepEqual(third, ["", "", "", "", "", "", "", "", "false", "", ""]);
      });
    },
  })),
  {
    name: "ingestion: 50 000 records of two subtasks arrive once each",
    async run(world) {
      const shape = table(nameIn(world, "Many"), { n: k.int(), text: k.string() });
      await withTable(world, shape, async (admin) => {
        const { cluster, database } = world;
        const sink = await open({
          table: shape,
          to: kusto({ cluster, database, flushImmediately: true, pollForIngestionStatus: true, pollIntervalMs: 100 }),
          parallelism: 2,
          batchSize: 10_000,
        });
        await sink.writeAll(upTo(50_000).map((n) => ({ n, text: `é ${n}` })));
        await sink.checkpoint();
        await sink.close();
        const { rows } = await admin.query(
          `['${shape.name}'] | summarize count(), dcount(n, 4), sum(n), countif(text == strcat('é ', n))`,
        );
        assert.deepEqual(
          rows[0]!.map(Number).filter((_, i) => i !== 1),
          [50_000, (50_000 * 49_999) / 2, 50_000],
        );
      });
    },
  },
  {
    name: "ingestion: what the service refuses has its code, and secrets stay out of it",
    async run({ cluster, database }) {
      const missing = open({ table: table("NoSuchTable", { n: k.int() }), to: kusto({ cluster, database }) });
      await assert.rejects(missing, (error) => error instanceof MillraceError && error.code === "NOT_FOUND");
      const nobody = open({
        table: table("NoSuchTable", { n: k.int() }),
        to: kusto({ cluster: "http://127.0.0.1:1", database }),
        retryTimeoutMs: 1,
      });
      await assert.rejects(nobody, (error) => error instanceof MillraceError && error.code === "UNREACHABLE");
      await assert.rejects(
        open({
          table: table("T", { n: k.int() }),
          to: kusto({ cluster: "https://example.com", database, token: "secret" }),
        }),
        (error) =>
          error instanceof MillraceError && error.code === "UNTRUSTED_HOST" && !String(error.stack).includes("secret"),
      );
    },
  },
  {
    name: "exactly once: killed three times and started again, nothing is lost and nothing doubled",
    async run(world) {
      const shape = table(nameIn(world, "Once"), { id: k.long(), text: k.string() });
      const records = 4_000;
      await withTable(world, shape, async (admin) => {
        const letters = join(world.folder, "once-refused.ndjson");
        const env = {
          WRITER: JSON.stringify({
            cluster: world.cluster,
            database: world.database,
            table: shape.name,
            state: join(world.folder, "once"),
            deadLetter: letters,
            records,
          }),
        };
        // In the midst of an epoch; behind a checkpoint, with its commit under way; behind one that was committed.
        for (const point of ["wrote 700", "checkpoint 3", "committed"]) {
          const { child, line, ended } = startProgram(world, "writer", env);
          await line(point);
          child.kill("SIGKILL");
          assert.equal((await ended).signal, "SIGKILL");
        }
        const last = await startProgram(world, "writer", env).ended;
        assert.equal(last.code, 0, last.err);
        assert.match(last.out, /^from [1-9]\d*$/m);
        assert.match(last.out, /^done$/m);
        const { rows } = await admin.query(`['${shape.name}'] | summarize n = count() by id`);
        const counts = new Map(rows.map(([id, n]) => [Number(id), Number(n)]));
        assert.deepEqual(
          {
            lost: upTo(records).filter((id) => !counts.has(id)),
            duplicated: [...counts].filter(([, n]) => n > 1),
            rows: counts.size,
          },
          { lost: [], duplicated: [], rows: records },
        );
      });
    },
  },
  {
    name: "dead letter: rows that the table's types refuse go there with kusto() behind them, and the others land",
    async run(world) {
      const shape = table(nameIn(world, "Mixed"), { n: k.int(), text: k.string() });
      const path = join(world.folder, "mixed.ndjson");
      await withTable(world, shape, async (admin) => {
        const { cluster, database } = world;
        const sink = await open({
          table: shape,
          to: kusto({ cluster, database, flushImmediately: true, pollForIngestionStatus: true, pollIntervalMs: 100 }),
          deadLetter: fileDeadLetter(path),
        });
        for (const n of upTo(300)) sink.write((n % 100 === 50 ? { n: "x", text: "" } : { n, text: "ok" }) as never);
        sink.writeRaw("300,ok\n301,too,many\n302,ok\n");
        await sink.close();
        const { rows } = await admin.query(`['${shape.name}'] | summarize count(), sum(n)`);
        const kept = upTo(303).filter((n) => n % 100 !== 50 && n !== 301);
        assert.deepEqual(rows[0]!.map(Number), [kept.length, kept.reduce((sum, n) => sum + n, 0)]);
        assert.equal(readFileSync(path, "utf8").trimEnd().split("\n").length, 4);
      });
    },
  },
];
