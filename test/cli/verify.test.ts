import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cli, lastJson, type RunningCli, startCli } from "./run-cli.ts";

// Real files and the emulator: the one side is reckoned in this program, the other by KQL in the emulator's database.

const folder = mkdtempSync(join(tmpdir(), "millrace-verify-"));
const vega = new URL("../../node_modules/vega-datasets/data/", import.meta.url).pathname;
let emulator: RunningCli;
let at: string[];

before(async () => {
  emulator = startCli(["emulator", "--json", "--database", "iot"]);
  const { url } = JSON.parse(await emulator.firstLine);
  at = ["--cluster", url, "--database", "iot"];
});

after(async () => {
  emulator.child.kill("SIGTERM");
  await emulator.done;
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function ok(args: readonly string[], code = 0): Promise<string> {
  const outcome = await cli([...args, ...at]);
  assert.equal(outcome.code, code, `${args.join(" ")}: ${outcome.err}${outcome.out}`);
  return outcome.out;
}

const ingest = (paths: string | string[], table: string, ...more: string[]) =>
  ok(["ingest", ...[paths].flat(), "--table", table, "--create-table", "--quiet", ...more]);

interface Verdict {
  readonly ok: boolean;
  readonly rejected: number;
  readonly differing: readonly { what: string; source: string; target: string }[];
}

async function verdict(paths: string | string[], table: string, ...more: string[]): Promise<Verdict> {
  const { code, out, err } = await cli(["verify", ...[paths].flat(), "--table", table, "--json", ...more, ...at]);
  const result = lastJson(out) as unknown as Verdict;
  assert.equal(code, result.ok ? 0 : 1, err);
  return result;
}

async function assertSame(paths: string | string[], table: string, ...more: string[]): Promise<Verdict> {
  const result = await verdict(paths, table, ...more);
  assert.deepEqual(result.differing, [], table);
  return result;
}

/** Several arrays in one object, or an array of arrays: `millrace ingest` asks for --path, or refuses them. */
const paths: Readonly<Record<string, string[]>> = {
  "miserables.json": ["--path", "nodes"],
  "us-10m.json": ["--path", "$"],
  "world-110m.json": ["--path", "$"],
  "londonTubeLines.json": ["--path", "$"],
};
const noRecords = ["annual-precip.json"];

const dataSets = readdirSync(vega).filter((name) => /\.(csv|tsv|json)$/.test(name) && !noRecords.includes(name));

test("every data set that was just ingested verifies as the same", async () => {
  assert.ok(dataSets.length > 60, `${dataSets.length}`);
  const failed: string[] = [];
  for (const name of dataSets) {
    const table = name.replace(/\W/g, "_");
    const path = join(vega, name);
    const more = paths[name] ?? [];
    const landed = await cli(["ingest", path, "--table", table, "--create-table", "--quiet", "--json", ...more, ...at]);
    const verified = await cli(["verify", path, "--table", table, ...more, ...at]);
    if (landed.out === "" || verified.code !== 0 || !/: the same on both sides, /.test(verified.out))
      failed.push(`${name}: ${landed.err} ${verified.out}${verified.err}`);
  }
  assert.deepEqual(failed, []);
});
