import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type KustoAdmin, kustoAdmin } from "../../src/connectors/kusto/admin.ts";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { type CuttingProxy, type ProxiedAnswer, start } from "../connectors/kusto/cutting-proxy.ts";
import { cli } from "./run-cli.ts";

// Commands go on when answers are cut, and say on stderr what they wait for.

const folder = mkdtempSync(join(tmpdir(), "millrace-retries-"));
const file = join(folder, "in.ndjson");
const numbers = Array.from({ length: 500 }, (_, n) => n);
let emulator: Emulator;
let admin: KustoAdmin;
let proxy: CuttingProxy;
let cut: ((answer: ProxiedAnswer) => number | undefined) | undefined;

before(async () => {
  writeFileSync(file, numbers.map((n) => `${JSON.stringify({ n })}\n`).join(""));
  emulator = await startEmulator({ databases: ["db"] });
  admin = await kustoAdmin({ cluster: emulator.url, database: "db" });
  await admin.execute(".create table There (n:long)");
  proxy = await start({ target: emulator.url, cut: (answer) => cut?.(answer) });
});
after(async () => {
  admin?.close();
  await proxy?.close();
  await emulator?.close();
  rmSync(folder, { recursive: true });
});

/** Cuts the first two answers of each command, and of each endpoint that takes none. */
function firstTwo(): (answer: ProxiedAnswer) => number | undefined {
  const seen = new Map<string, number>();
  return ({ kind, csl, headBytes, bytes }) => {
    const key = csl === "" ? kind : csl;
    const nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    return nth <= 2 ? Math.max(headBytes - 1, bytes - 4) : undefined;
  };
}

const place = () => ["--cluster", proxy.url, "--database", "db"];
const retryLine = /: attempt 1 failed, again in \d+ ms: UNREACHABLE: /;

test("query: the answer comes, and stderr says what was tried again", async () => {
  cut = firstTwo();
  const { code, out, err } = await cli(["query", "print n = 7", "--csv", ...place()]);
  assert.equal(code, 0, err);
  assert.equal(out.replaceAll("\r", "").trim(), "n\n7");
  assert.match(err, retryLine);
  assert.equal(err.match(/attempt \d+ failed/g)!.length, 4, "two for the cloud, two for the query");
});

test("query: --retry-timeout-ms 0 tries once", async () => {
  cut = ({ csl, bytes }) => (csl === "" ? undefined : bytes - 4);
  const { code, err } = await cli(["query", "print n = 7", ...place(), "--retry-timeout-ms", "0"]);
  assert.equal(code, 1);
  assert.match(err, /^millrace: Query print n = 7 at .* the request may have taken effect\.\n$/);
});

test("check: the table is ready", async () => {
  cut = firstTwo();
  const { code, out, err } = await cli(["check", "--table", "There", "--guarantee", "exactly-once", ...place()]);
  assert.equal(code, 0, `${out}${err}`);
  assert.match(err, retryLine);
});

for (const guarantee of ["at-least-once", "exactly-once"])
  test(`ingest ${guarantee}, verify: every record lands`, async () => {
    cut = firstTwo();
    const table = `In_${guarantee.replaceAll("-", "_")}`;
    const state = guarantee === "exactly-once" ? ["--state", join(folder, guarantee)] : [];
    const args = ["ingest", file, "--table", table, "--create-table", "--guarantee", guarantee, ...state, ...place()];
    const { code, err } = await cli(args);
    assert.equal(code, 0, err);
    assert.match(err, /command \.show table .*: attempt 1 failed/);
    const { rows } = await admin.query(`${table} | summarize count(), count_distinct(n)`);
    const [count, different] = rows[0]!.map(Number);
    assert.equal(different, numbers.length);
    if (guarantee === "exactly-once") assert.equal(count, numbers.length);
    cut = firstTwo();
    const verified = await cli(["verify", file, "--table", table, ...place()]);
    assert.match(verified.err, retryLine);
    if (guarantee === "exactly-once") assert.equal(verified.code, 0, `${verified.out}${verified.err}`);
  });
