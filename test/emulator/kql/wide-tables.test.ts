import assert from "node:assert/strict";
import { test } from "node:test";
// First: the operators import each other in its order.
import "../../../src/emulator/kql/run-query.ts";

import { scopeOf } from "../../../src/emulator/kql/context.ts";
import { columnSql } from "../../../src/emulator/kql/operators/columns.ts";
import { united } from "../../../src/emulator/kql/operators/unions.ts";
import { columnNamed, type Relation } from "../../../src/emulator/kql/relation.ts";

const width = 2_000;

/** A table that counts how often the name of one of its columns is read. */
function countedRelation(): { relation: Relation; reads: () => number } {
  let reads = 0;
  const columns = Array.from({ length: width }, (_, i) => ({
    get name() {
      reads++;
      return `column ${i}`;
    },
    kind: "long" as const,
    sql: `c${i}`,
  }));
  return { relation: { sql: "SELECT 1", columns, order: undefined }, reads: () => reads };
}

/** Looking through all columns for each would be 2 000 000 reads. */
const most = 10 * width;

test("finding each column of a wide table reads each name a few times, not once for each other column", () => {
  const { relation, reads } = countedRelation();
  const scope = scopeOf(relation.columns);
  for (let i = width - 1; i >= 0; i--) {
    assert.equal(scope(`column ${i}`)?.sql, `c${i}`);
    assert.equal(columnSql(relation, `column ${i}`), `c${i}`);
  }
  assert.equal(scope("column"), undefined);
  assert.throws(() => columnSql(relation, "constructor"), /'constructor'/);
  assert.ok(reads() <= most, `${reads()} reads`);
});

test("a union of wide tables reads each name a few times", () => {
  const [a, b] = [countedRelation(), countedRelation()];
  const columns = Array.from({ length: width }, (_, i) => ({ name: `column ${i}`, kind: "long" as const }));
  const { sql } = united([a.relation, b.relation], [{ name: "source", kind: "string" }, ...columns], "source");
  assert.equal(sql.split(`c${width - 1} AS c${width}`).length - 1, 2);
  assert.ok(a.reads() + b.reads() <= most, `${a.reads() + b.reads()} reads`);
});

test("of columns of one name the first is found", () => {
  const columns = [
    { name: "a", sql: "c0" },
    { name: "b", sql: "c1" },
    { name: "a", sql: "c2" },
  ];
  assert.equal(columnNamed(columns, "a")?.sql, "c0");
  assert.equal(columnNamed(columns, "b")?.sql, "c1");
});
