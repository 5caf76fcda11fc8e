// Packs the package, installs it as its users do, and has it judged by compilers, linters, a bundler and every runtime:
// `npm run test:package`. The runtimes write to an emulator of this process.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endAll, npm, whenStopped } from "./package/children.mjs";
import {
  checkFirstRows,
  checkMissing,
  checkMissingFromCommandLine,
  checkStarts,
  emulatorPackages,
  follow,
  hiding,
} from "./package/missing.mjs";
import {
  bundle,
  checkCommandLine,
  checkKusto,
  checkNpmSpecifier,
  checkRecords,
  checkRequire,
  commandLineOf,
  commandOf,
} from "./package/programs.mjs";
import { startResults } from "./package/results.mjs";
import { checkContents, pack } from "./package/tarball.mjs";
import { checkTree } from "./package/tree.mjs";
import { checkTypes, checkWithAttw, checkWithPublint, installNodeTypes, typescripts } from "./package/types.mjs";

const groups = ["contents", "tree", "types", "attw", "publint", "bundle", "demo", "node", "deno", "bun"];
const help = `npm run test:package -- [options]
  --only GROUP  this group of checks alone; may be given again
  --skip GROUP  not this group; may be given again
Groups: ${groups.join(", ")}. "node" is the one that runs this. Tools and runtimes come from npm at the first run, into
build/package-tools/ and build/runtimes/.`;

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: groups },
    skip: { type: "string", multiple: true, default: [] },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(help);
  process.exit();
}
const unknown = [...values.only, ...values.skip].filter((name) => !groups.includes(name));
if (unknown.length > 0) {
  console.error(`There is no group ${unknown.join(", ")}.\n${help}`);
  process.exit(2);
}
const isWanted = (group) => values.only.includes(group) && !values.skip.includes(group);

const results = startResults();
const { check } = results;
// Its real name, since runtimes tell real names.
const folder = realpathSync(mkdtempSync(join(tmpdir(), "millrace-package-")));
const app = join(folder, "app");
let emulator;

function remove() {
  endAll();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
whenStopped(remove);

/** The package in an app of its own, from the tarball; nothing of the repository is near it. */
async function install(tarball) {
  mkdirSync(app);
  const manifest = { name: "app", private: true, type: "module", dependencies: { millrace: `file:${tarball}` } };
  writeFileSync(join(app, "package.json"), JSON.stringify(manifest));
  await npm(["install", "--ignore-scripts"], { cwd: app });
  cpSync("test/package/app", app, { recursive: true });
}

async function judgeTypes() {
  if (!isWanted("types")) return;
  const isThere = await check("types: install @types/node", () => installNodeTypes(app));
  if (isThere === undefined) return;
  for (const version of typescripts) await check(`types: TypeScript ${version}`, () => checkTypes(version, app));
}

async function judgeBundle() {
  const moved = join(folder, "bundle");
  const isThere = await check("bundle: esbuild", () => bundle(app, moved));
  if (isThere === undefined) return;
  const command = commandOf("node");
  await check("bundle: records", () => checkRecords(command, moved));
  await check("bundle: into Kusto", () => checkKusto(command, moved, emulator.url, "Bundled"));
}

/** Before the optional packages are installed: nobody needs them but for the emulator. */
async function judgeRuntime(runtime) {
  const command = commandOf(runtime);
  await check(`${runtime}: records`, () => checkRecords(command, app));
  await check(`${runtime}: into Kusto`, () => checkKusto(command, app, emulator.url, `By_${runtime}`));
  await check(`${runtime}: require()`, () => checkRequire(command, app));
  if (runtime === "deno") await check('deno: "npm:millrace"', () => checkNpmSpecifier(command, app));
  const commandLine = commandLineOf(runtime, app);
  const title = runtime === "deno" ? "deno run npm:millrace" : `${runtime}: millrace`;
  await check(`${title} --version`, () => checkCommandLine(commandLine, app));
}

async function judgeMissing(runtimes) {
  let line;
  for (const runtime of runtimes)
    await check(`${runtime}: emulator without its packages`, async () => {
      line = await checkMissing(commandOf(runtime), app, emulatorPackages);
      assert.equal(await checkMissingFromCommandLine(commandLineOf(runtime, app), app), line);
      return "MISSING_PACKAGE, and a line from the command line";
    });
  if (line === undefined) return;
  const isThere = await check("what the error says to run", async () => {
    await follow(line, app);
    return line;
  });
  if (isThere === undefined) return;
  for (const runtime of runtimes) {
    const command = commandOf(runtime);
    await check(`${runtime}: emulator starts then`, () => checkStarts(command, app));
    for (const name of emulatorPackages)
      await check(`${runtime}: emulator without ${name}`, async () => {
        await hiding(app, name, () => checkMissing(command, app, [name]));
        return "MISSING_PACKAGE";
      });
  }
}

async function judge() {
  let tarball;
  await check("npm pack", async () => {
    tarball = await pack(folder);
  });
  if (!tarball) return;
  if ((await check("npm install", () => install(tarball.path))) === undefined) return;
  if (isWanted("contents"))
    await check("contents", () => checkContents(tarball, join(app, "node_modules", "millrace")));
  if (isWanted("tree")) await check("tree", () => checkTree(app));
  await judgeTypes();
  if (isWanted("attw")) await check("attw", () => checkWithAttw(tarball.path));
  if (isWanted("publint")) await check("publint", () => checkWithPublint(tarball.path));

  const runtimes = ["node", "deno", "bun"].filter(isWanted);
  if (runtimes.length > 0 || isWanted("bundle")) {
    const { startEmulator } = await import("../src/emulator/index.ts");
    emulator = await startEmulator({ databases: ["demo"] });
  }
  if (isWanted("bundle")) await judgeBundle();
  for (const runtime of runtimes) await judgeRuntime(runtime);
  await judgeMissing(runtimes);
  if (isWanted("demo"))
    await check("first rows: demo, ingest --emulator", () =>
      checkFirstRows(commandLineOf("node", app), app, runtimes.length > 0),
    );
}

try {
  await judge();
} catch (error) {
  // What is no check's own: a runtime that npm has not, an emulator that does not start.
  await check("the rest", () => {
    throw error;
  });
} finally {
  await emulator?.close();
  remove();
}
if (!results.print()) process.exitCode = 1;
