// The app's programs, under each runtime and as one file of a bundler.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { runtimeCommand } from "../runtimes.mjs";
import { plainEnvironment, run } from "./children.mjs";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));

/** How a program is started under "node" (the one at hand), "deno" or "bun". */
export function commandOf(runtime) {
  return runtime === "node" ? [process.execPath] : runtimeCommand(runtime);
}

/** How the package's own command line is started, beginning with what npm has made of "bin". */
export function commandLineOf(runtime, app) {
  const windows = process.platform === "win32" ? ".cmd" : "";
  if (runtime === "node") return [join(app, "node_modules", ".bin", `millrace${windows}`)];
  if (runtime === "deno") return [...runtimeCommand("deno"), "npm:millrace"];
  // Without --bun it would obey the first line of the file, which says node; --silent keeps its own words on a failure away.
  return [...runtimeCommand("bun"), "--bun", "--silent", "millrace"];
}

/** Runs a program, and gives the object that it has printed. The library prints nothing beside it. */
export async function answerOf([command, ...options], program, { cwd, env = {}, mayWarn = false }) {
  const args = [...options, program];
  const { stdout, stderr } = await run(command, args, {
    cwd,
    env: { ...plainEnvironment(), ...env },
    timeoutMs: 180_000,
  });
  assert.match(stdout, /^\{.*\}\n$/, `${program} printed\n${stdout}`);
  if (!mayWarn) assert.equal(stderr, "", `${program} warned\n${stderr}`);
  return JSON.parse(stdout);
}

export async function checkRecords(command, cwd, program = "records.mjs") {
  const answer = await answerOf(command, program, { cwd });
  assert.equal(answer.version, version);
  return `${answer.rows} rows in ${answer.packedBytes} bytes`;
}

export async function checkKusto(command, cwd, cluster, table) {
  const env = { MILLRACE_CLUSTER: cluster, MILLRACE_TABLE: table };
  const { rows } = await answerOf(command, "kusto.mjs", { cwd, env });
  assert.equal(rows, 1_000);
  return `${rows} rows landed`;
}

export async function checkRequire(command, cwd) {
  // Node 20 and 22 say that require() of an ECMAScript module is an experiment.
  const answer = await answerOf(command, "require.cjs", { cwd, mayWarn: true });
  assert.deepEqual(answer, { version, package: version });
}

/**
 * Deno's name for a package of npm's. It is found in node_modules (`--node-modules-dir=manual`), where npm has put it from the
 * tarball; a Deno without that asks a registry, which has the package only once it is published.
 */
export async function checkNpmSpecifier(command, app) {
  const program = readFileSync(join(app, "records.mjs"), "utf8");
  const renamed = program.replace('from "millrace"', 'from "npm:millrace"');
  assert.notEqual(renamed, program);
  writeFileSync(join(app, "npm-records.mjs"), renamed);
  return checkRecords(command, app, "npm-records.mjs");
}

export async function checkCommandLine([command, ...args], app) {
  const { stdout } = await run(command, [...args, "--version"], { cwd: app });
  assert.equal(stdout.trim(), version);
  return stdout.trim();
}

/** Each program and all that it imports in one file, in a folder that has nothing else. */
export async function bundle(app, outdir) {
  await build({
    absWorkingDir: app,
    entryPoints: ["records.mjs", "kusto.mjs"],
    outdir: resolve(outdir),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    // Some of the dependencies are CommonJS, and require what Node has. Others import createRequire by its own name.
    banner: {
      js: 'import { createRequire as toRequire } from "node:module"; const require = toRequire(import.meta.url);',
    },
    logLevel: "error",
  });
}
