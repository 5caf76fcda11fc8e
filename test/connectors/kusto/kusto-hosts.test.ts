import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { clouds } from "../../../src/connectors/kusto/kusto-hosts.ts";

test("docs/network.md has the hosts of the code, and no other", () => {
  const page = readFileSync("docs/network.md", "utf8");
  const rows = page
    .slice(page.indexOf("## Hosts"))
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const namesIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
  const documented = rows.map((row) => row.split("|").slice(1, 4).map(namesIn));
  const known = Object.entries(clouds).map(([authority, { below, hosts }]) => [
    [new URL(authority).host],
    below,
    hosts,
  ]);
  assert.deepEqual(documented, known);
});
