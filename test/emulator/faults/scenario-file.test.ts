import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Client } from "azure-kusto-data";
import { kusto } from "../../../src/connectors/kusto/index.ts";
import { checkScenario } from "../../../src/emulator/faults/check-scenario.ts";
import { readFaultScenario } from "../../../src/emulator/index.ts";
import { open } from "../../../src/open.ts";
import { k, table } from "../../../src/schema/table.ts";
import { cli, lastJson, startCli } from "../../cli/run-cli.ts";
import { until } from "../ask.ts";

const manual = readFileSync("docs/emulator.md", "utf8");
const chapter = manual.slice(manual.indexOf("## Faults"), manual.indexOf("## Time"));
const example = /```json\n([\s\S]*?)```/.exec(chapter)![1]!;

const folder = mkdtempSync(join(tmpdir(), "millrace-faults-"));
after(() => rmSync(folder, { recursive: true }));

function written(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

test("the manual's tables name every fault and every member", () => {
  const names = (scenario: unknown, list: RegExp) => {
    try {
      checkScenario(scenario);
    } catch (error) {
      return list.exec((error as Error).message)![1]!.split(", ");
    }
    throw new Error("was taken");
  };
  const kinds = names({ faults: [{}] }, /must be (.*);/);
  assert.ok(kinds.length >= 13, kinds.join());
  const members = kinds.flatMap((kind) => names({ faults: [{ do: kind, no: 1 }] }, /there are: (.*)\./));
  for (const name of [...kinds, ...members]) assert.ok(chapter.includes(`\`${name}\``), `${name} is not in the manual`);
});

test("a file that is no scenario is refused by its name, before anything is started", async () => {
  const bad = written("bad.json", '{ "faults": [{ "do": "answer", "at": "mgmt", "status": 42 }] }');
  await assert.rejects(readFaultScenario(bad), {
    code: "BAD_OPTION",
    message: /scenario .*bad\.json cannot be played: .*faults\[0\]\.status must be a whole number from 400 to 599/,
  });
  await assert.rejects(readFaultScenario(written("torn.json", '{ "faults": [')), {
    code: "BAD_OPTION",
    message: /torn\.json cannot be played: .*JSON/,
  });
  await assert.rejects(readFaultScenario(join(folder, "none.json")), {
    code: "BAD_OPTION",
    message: /none\.json.*ENOENT/,
  });
  const { code, out } = await cli(["emulator", "--faults", bad, "--json"]);
  assert.notEqual(code, 0);
  const { error } = lastJson(out) as { error: { code: string; message: string } };
  assert.equal(error.code, "BAD_OPTION");
  assert.match(error.message, /bad\.json.*faults\[0\]\.status/);
});

test("the manual's scenario, by the command line: the sink delivers under it, and each fault shows", async () => {
  const emulator = startCli(["emulator", "--json", "--faults", written("scenario.json", example)]);
  const { url } = JSON.parse(await emulator.firstLine) as { url: string };
  const client = new Client(`Data Source=${url}`);
  const run = async (csl: string) => {
    const { primaryResults } = await client.execute("demo", csl);
    return [...primaryResults[0]!.rows()].map((row) => row.toJSON() as Record<string, unknown>);
  };
  try {
    await run(".create table Readings (n:long, text:string)");
    const sink = await open({
      table: table("Readings", { n: k.long(), text: k.string() }),
      to: kusto({ cluster: url, database: "demo", flushImmediately: true }),
      ...{ batchSize: 1, parallelism: 0, retryBaseMs: 10 },
    });
    for (let n = 0; n < 5; n++) if (!sink.write({ n, text: "fine" })) await sink.ready;
    await sink.flush();
    sink.write({ n: 5, text: "poison" });
    await sink.close();
    // Every row but the poisoned one; one twice by its message, and one twice by the post whose answer was lost.
    const counts = () => run("Readings | summarize c = count() by n | sort by n asc");
    const landed = await until(counts, (rows) => rows.reduce((sum, { c }) => sum + Number(c), 0) === 7);
    assert.deepEqual(
      landed.map(({ n }) => n),
      [0, 1, 2, 3, 4],
    );
    await until(
      () => run(".show ingestion failures | project ErrorCode"),
      ([failure]) => failure?.ErrorCode === "Stream_ClosingQuoteMissing",
    );
    await run(".create table Target (n:long, text:string)");
    await assert.rejects(client.execute("demo", ".move extents all from table Readings to table Target"));
    assert.deepEqual([await run("Readings | count"), await run("Target | count")], [[{ Count: 0 }], [{ Count: 7 }]]);
  } finally {
    client.close();
    emulator.child.kill("SIGTERM");
    await emulator.done;
  }
});
