import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startMaintenance } from "../../../src/emulator/engine/merging.ts";
import { type EngineHost, engineHost } from "../engine-host.ts";

const day = 86_400_000;
let host: EngineHost;
before(async () => {
  host = await engineHost();
});
after(() => host.close());

const upkeep = async () => {
  const maintenance = startMaintenance(host.catalogue, 0);
  await maintenance.run();
  await maintenance.close();
};

test("extents go when the retention policy's period is over, of the table or of its database", async () => {
  await host.ask(".create tables Own (n:long), Databases (n:long), Endless (n:long)");
  await host.ask(".alter-merge table Own policy retention softdelete = 2d");
  await host.ask(".alter-merge table Endless policy retention softdelete = 1000d");
  await host.ask(".alter-merge database demo policy retention softdelete = 10d");
  const load = async (n: number) => {
    for (const table of ["Own", "Databases", "Endless"])
      await host.ask(`.ingest inline into table ${table} with (tags='["drop-by:${n}"]') <| ${n}`);
  };
  const held = async () => {
    await upkeep();
    const rows = await Promise.all(
      ["Own", "Databases", "Endless"].map((table) => host.rows(`${table} | sort by n asc`)),
    );
    return rows.map((each) => each.flat());
  };
  await load(1);
  host.catalogue.clock.advance(1.5 * day);
  await load(2);
  assert.deepEqual(await held(), [
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
  host.catalogue.clock.advance(day);
  assert.deepEqual(await held(), [[2], [1, 2], [1, 2]]);
  host.catalogue.clock.advance(8 * day);
  assert.deepEqual(await held(), [[], [2], [1, 2]]);
});

test("a table goes on the day of its auto_delete policy; with rows in it, only if the policy says so", async () => {
  const expiry = new Date(host.catalogue.clock.now() + day).toISOString();
  await host.ask(".create tables Empty (n:long), Full (n:long), FullToo (n:long), Later (n:long)");
  for (const table of ["Full", "FullToo"]) await host.ask(`.ingest inline into table ${table} <| 1`);
  const set = (table: string, policy: object) =>
    host.ask(`.alter table ${table} policy auto_delete '${JSON.stringify(policy)}'`);
  await set("Empty", { ExpiryDate: expiry });
  await set("Full", { ExpiryDate: expiry });
  await set("FullToo", { ExpiryDate: expiry, DeleteIfNotEmpty: true });
  await set("Later", { ExpiryDate: "2199-01-01", DeleteIfNotEmpty: true });
  const left = async () => {
    await upkeep();
    const names = (await host.rows(".show tables | project TableName")).flat();
    return ["Empty", "Full", "FullToo", "Later"].filter((name) => names.includes(name));
  };
  assert.deepEqual(await left(), ["Empty", "Full", "FullToo", "Later"]);
  host.catalogue.clock.advance(day + 1);
  assert.deepEqual(await left(), ["Full", "Later"]);
});
