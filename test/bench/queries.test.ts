import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { pairs } from "../../bench/kql/queries.ts";
import { comparable, openRace, type Race } from "../../bench/kql/race.ts";

/** The oracle is DuckDB, which answers the same question put in SQL by hand. */
let race: Race;

before(async () => {
  race = await openRace(700);
});
after(() => race.close());

test("there are sixty queries and more, each its own", () => {
  assert.ok(pairs.length >= 60);
  assert.equal(new Set(pairs.map(({ kql }) => kql)).size, pairs.length);
});

for (const { kql, sql, isOrdered = false } of pairs)
  test(`as DuckDB answers: ${kql}`, { timeout: 60_000 }, async () => {
    const [ours, theirs] = [await race.kql(kql), await race.sql(sql)];
    assert.ok(theirs.rows.length > 0);
    assert.deepEqual(comparable(ours.rows, isOrdered), comparable(theirs.rows, isOrdered));
  });
