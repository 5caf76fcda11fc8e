import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "../engine.ts";

/** A query, and the rows that Kusto's documentation shows for it as JSON: values as the service's answer carries them. */
export type Example = readonly [query: string, rows: string];

/** Registers a test for each example, under the name of the documentation's page it is taken from. */
export function documented(pages: Readonly<Record<string, readonly Example[]>>): void {
  let engine: Engine;
  before(async () => {
    engine = await startEngine();
  });
  after(() => engine.close());
  for (const [page, examples] of Object.entries(pages))
    for (const [query, rows] of examples)
      test(`${page}: ${query.replaceAll(/\s+/g, " ").slice(0, 120)}`, async () => {
        const answer = await engine.query(query);
        assert.deepEqual(inOrder(query, JSON.parse(`[${answer.rows.join(",")}]`)), inOrder(query, JSON.parse(rows)));
      });
}

/** Rows have an order only where a query gives them one. */
function inOrder(query: string, rows: unknown[][]): unknown[] {
  if (/\b(sort|order|top|serialize)\b/.test(query)) return rows;
  return rows.map((row) => JSON.stringify(row)).sort();
}
