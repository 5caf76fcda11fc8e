import assert from "node:assert/strict";
import { test } from "node:test";
import { dropOldTags, mergeTable, startMaintenance } from "../../../../src/emulator/engine/merging.ts";
import { type EngineHost, engineHost } from "../../engine-host.ts";

const hour = 3_600_000;

async function withHost(act: (host: EngineHost) => Promise<void>): Promise<void> {
  const host = await engineHost();
  try {
    await host.ask(".create table T1 (n:long)");
    await act(host);
  } finally {
    host.close();
  }
}

const load = (host: EngineHost, n: number, tags: readonly string[] = []) =>
  host.ask(`.ingest inline into table T1 with (tags='${JSON.stringify(tags)}') <|\n${n}`);

const upkeep = async ({ catalogue }: EngineHost) => {
  const database = catalogue.databases.get("demo")!;
  const table = database.tables.get("T1")!;
  await dropOldTags(catalogue, database, table);
  await mergeTable(catalogue, database, table);
};

const counts = async (host: EngineHost) =>
  (await host.rows(".show table T1 extents | project RowCount | sort by RowCount asc")).flat();
const tags = async (host: EngineHost) =>
  (await host.rows(".show table T1 extents | project Tags | sort by Tags asc")).flat();

/** Policy, the hours between three loads, and how many rows the extents have after one round of merging. */
const merging: readonly [policy: object | undefined, hoursBetween: number, left: number[]][] = [
  [undefined, 0, [3]],
  [undefined, 11, [3]],
  [undefined, 13, [1, 2]],
  [undefined, 25, [1, 1, 1]],
  [{ MaxRangeInHours: 1 }, 2, [1, 1, 1]],
  [{ AllowMerge: false, AllowRebuild: false }, 0, [1, 1, 1]],
  [{ AllowMerge: false }, 0, [3]],
  [{ AllowRebuild: false }, 0, [3]],
  [{ MaxExtentsToMerge: 2 }, 0, [1, 2]],
  [{ RowCountUpperBoundForMerge: 2 }, 0, [1, 2]],
  [{ Lookback: { Kind: "Custom", CustomPeriod: "01:30:00" } }, 1, [1, 2]],
];

for (const [policy, hoursBetween, left] of merging)
  test(`merge policy ${JSON.stringify(policy ?? "default")}, ${hoursBetween} hours between loads: ${left}`, () =>
    withHost(async (host) => {
      if (policy) await host.ask(`.alter-merge table T1 policy merge '${JSON.stringify(policy)}'`);
      for (const n of [1, 2, 3]) {
        if (n > 1) host.catalogue.clock.advance(hoursBetween * hour);
        await load(host, n);
      }
      await upkeep(host);
      assert.deepEqual(await counts(host), left);
      assert.deepEqual((await host.rows("T1 | sort by n asc")).flat(), [1, 2, 3]);
    }));

test("a table's merge policy goes before its database's, and a deleted one gives way to it", () =>
  withHost(async (host) => {
    const allow = async () =>
      JSON.parse((await host.rows(".show table T1 policy merge | project Policy"))[0]![0] as string)
        .AllowMerge as boolean;
    assert.equal(await allow(), true);
    await host.ask(".alter-merge database demo policy merge '{\"AllowMerge\": false}'");
    assert.equal(await allow(), false);
    const altered = await host.ask(`.alter table T1 policy merge \`\`\`
{
  "RowCountUpperBoundForMerge": 16000000,
  "MaxExtentsToMerge": 100,
  "LoopPeriod": "01:00:00",
  "AllowRebuild": true,
  "AllowMerge": true,
  "Lookback": { "Kind": "Default" }
}\`\`\``);
    assert.equal(
      altered.columns,
      "PolicyName:string,EntityName:string,Policy:string,ChildEntities:string,EntityType:string",
    );
    assert.equal(await allow(), true);
    assert.deepEqual(await host.rows(".show table T1 policy merge | project PolicyName, EntityName, EntityType"), [
      ["ExtentsMergePolicy", "[demo].[T1]", "Table"],
    ]);
    await host.ask(".delete table T1 policy merge");
    assert.equal(await allow(), false);
    await host.ask(".delete database demo policy merge");
    assert.equal(await allow(), true);
  }));

test("tags go when the policy's time is over, counted from when the extent was made", () =>
  withHost(async (host) => {
    await load(host, 1, ["drop-by:a", "ingest-by:a", "custom_prefix:a", "plain"]);
    await host.ask(`.alter table T1 policy extent_tags_retention \`\`\`[
	{
		"TagPrefix": "drop-by:",
		"RetentionPeriod": "3.00:00:00"
	},
	{
		"TagPrefix": "ingest-by:",
		"RetentionPeriod": "02:00:00"
	}
]\`\`\``);
    const at = async (text: string, expected: string[]) => {
      await upkeep(host);
      assert.deepEqual(await tags(host), [expected.join("\r\n")], text);
    };
    host.catalogue.clock.advance(2 * hour - 60_000);
    await at("before two hours", ["drop-by:a", "ingest-by:a", "custom_prefix:a", "plain"]);
    host.catalogue.clock.advance(120_000);
    const [before] = await host.records(".show table T1 extents");
    await at("after two hours", ["drop-by:a", "custom_prefix:a", "plain"]);
    const [after] = await host.records(".show table T1 extents");
    assert.notEqual(after!.ExtentId, before!.ExtentId, "an extent never changes: another takes its place");
    assert.equal(after!.MinCreatedOn, before!.MinCreatedOn);
    // Its tag gone, what it stood for may come in again.
    assert.equal((await host.rows(`.ingest inline into table T1 with (ingestIfNotExists='["a"]') <|\n2`)).length, 1);
    await host.ask(".drop extents <| T1 | where n == 2 | summarize by ExtentId = extent_id()");
    host.catalogue.clock.advance(70 * hour);
    await at("after three days", ["custom_prefix:a", "plain"]);
    assert.equal((await host.rows("T1 | where extent_tags() has 'plain'")).length, 1);
  }));

test("a database's retention of tags holds for tables without their own; it can be had at once", () =>
  withHost(async (host) => {
    await host.ask(
      `.alter database demo policy extent_tags_retention '[{"TagPrefix": "x:", "RetentionPeriod": "01:00:00"}]'`,
    );
    await load(host, 1, ["x:1", "y:1"]);
    host.catalogue.clock.advance(2 * hour);
    await host.ask(".alter table T1 policy extent_tags_retention '[]'");
    assert.deepEqual(await host.rows(".drop extent tags retention"), []);
    await host.ask(".delete table T1 policy extent_tags_retention");
    assert.equal((await host.rows(".drop extent tags retention")).length, 1);
    assert.deepEqual(await tags(host), ["y:1"]);
  }));

test("a policy that is none is refused", () =>
  withHost(async (host) => {
    const wrong: readonly [text: string, expected: RegExp][] = [
      [".alter table T1 policy merge '{'", /is not JSON/],
      [".alter table T1 policy merge '[]'", /must be a JSON object/],
      [".alter table T1 policy merge '{\"Nope\": 1}'", /no property 'Nope'/],
      ['.alter table T1 policy merge \'{"AllowMerge": "no"}\'', /'AllowMerge' .* must be a boolean/],
      [".alter table T1 policy extent_tags_retention '{}'", /must be a JSON array/],
      [
        `.alter table T1 policy extent_tags_retention '[{"TagPrefix": "a", "RetentionPeriod": "1.00:00:00"}]'`,
        /must end with a colon/,
      ],
      [
        `.alter table T1 policy extent_tags_retention '[{"TagPrefix": "a:b:", "RetentionPeriod": "1.00:00:00"}]'`,
        /have no other/,
      ],
      [
        `.alter table T1 policy extent_tags_retention '[{"TagPrefix": "a:", "RetentionPeriod": "soon"}]'`,
        /must be a timespan/,
      ],
      [".alter table Nope policy merge '{}'", /'Nope'.*was not found/],
    ];
    for (const [text, expected] of wrong)
      await assert.rejects(
        host.ask(text),
        (error: Error) => expected.test(error.message) || assert.fail(error.message),
      );
  }));

test("the upkeep comes round by the emulator's clock", () =>
  withHost(async (host) => {
    const upkeep = startMaintenance(host.catalogue, hour);
    try {
      await load(host, 1, ["a"]);
      await load(host, 2, ["b"]);
      host.catalogue.clock.advance(hour - 1_000);
      await host.ask("T1 | count");
      assert.deepEqual(await counts(host), [1, 1]);
      host.catalogue.clock.advance(2_000);
      while ((await counts(host)).length > 1) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(await tags(host), ["a\r\nb"]);
    } finally {
      await upkeep.close();
    }
  }));
