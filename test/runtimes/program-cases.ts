import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startFile, startProgram } from "./programs.ts";
import { upTo } from "./unpack.ts";
import type { Case } from "./world.ts";

/** What is written for a runtime, in examples/, with its arguments and the line that it ends with. */
function exampleOf(runtime: string, cluster: string, database: string): [file: string, args: string[], last: RegExp] {
  if (runtime === "deno" || runtime === "bun")
    return [`${runtime}.ts`, [cluster, database], /^1000 rows have landed in \S+$/m];
  return ["million.mjs", ["2000"], /^2000 rows landed/m];
}

export const programCases: readonly Case[] = [
  {
    name: "programs: one that forgets close() ends all the same, and delivers first what waits for the timer",
    async run(world) {
      const idle = await startProgram(world, "forgetful", { RECORDS: "0" }).ended;
      assert.deepEqual([idle.code, idle.out], [0, "0 batches\n"], idle.err);
      const waiting = await startProgram(world, "forgetful", { RECORDS: "3" }).ended;
      assert.deepEqual([waiting.code, waiting.out], [0, "1 batches\n"], waiting.err);
    },
  },
  {
    name: "programs: what was not delivered is told of at the end, at an exit and at an uncaught error",
    async run(world) {
      for (const [ending, code] of [
        ["", 0],
        ["exit", 3],
        ["throw", 1],
        ["reject", 1],
      ] as const) {
        const env = { RECORDS: "3", INTERVAL: "0", ENDING: ending };
        const ended = await startProgram(world, "forgetful", env).ended;
        assert.equal(ended.code, code, ended.err);
        const told = ended.err.match(/\[MILLRACE_UNDELIVERED\].*Table Numbers: the process ends with 3 records/g);
        assert.equal(told?.length, 1, `${ending}: ${ended.err}`);
      }
      const none = await startProgram(world, "forgetful", { RECORDS: "0", INTERVAL: "0" }).ended;
      assert.equal(none.err, "");
    },
  },
  {
    name: "programs: the runtime's own example lands rows",
    async run(world) {
      const [file, args, last] = exampleOf(world.runtime, world.cluster, world.database);
      const { code, out, err } = await startFile(world, join(world.root, "examples", file), args).ended;
      assert.equal(code, 0, err);
      assert.match(out, last);
    },
  },
  {
    name: "programs: the command line ingests a file and queries it",
    async run(world) {
      const path = join(world.folder, "for-the-cli.ndjson");
      writeFileSync(
        path,
        upTo(500)
          .map((n) => `{"n":${n},"text":"é ${n}"}\n`)
          .join(""),
      );
      const name = `Cli_${world.runtime.replaceAll("-", "_")}`;
      const main = join(world.root, "dist", "cli", "main.js");
      const where = ["--cluster", world.cluster, "--database", world.database];
      const ingested = await startFile(world, main, [
        ...["ingest", path, ...where, "--table", name, "--create-table", "--wait", "--json"],
      ]).ended;
      assert.equal(ingested.code, 0, ingested.err + ingested.out);
      const asked = await startFile(world, main, ["query", `${name} | summarize sum(n)`, ...where, "--csv"]).ended;
      assert.equal(asked.code, 0, asked.err);
      assert.match(asked.out, /^124750\r?$/m);
    },
  },
];
