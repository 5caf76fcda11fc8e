// What a user is told who lacks a package that is optional, and whether doing what is said there helps.
import assert from "node:assert/strict";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { npm, run } from "./children.mjs";
import { answerOf } from "./programs.mjs";

/** What the emulator needs, in the order of the line that installs it. */
export const emulatorPackages = ["azurite", "@duckdb/node-api", "@kusto/language-service-next"];

/** Runs something while a package of the app is not there. */
export async function hiding(app, name, work) {
  const from = join(app, "node_modules", name);
  const to = join(app, "hidden", name);
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
  try {
    return await work();
  } finally {
    renameSync(to, from);
  }
}

/** The line that the program prints where these packages, and no others, are missing. */
export async function checkMissing(command, app, names) {
  const { isMillraceError, code, message, context, started } = await answerOf(command, "missing.mjs", { cwd: app });
  assert.notEqual(started, true, "the emulator started without");
  assert.ok(isMillraceError && code === "MISSING_PACKAGE", `${code}: ${message}`);
  assert.deepEqual(context, { package: names.join(", ") });
  assert.ok(message.includes(`not installed (${names.join(", ")}):`), message);
  return emulatorLine(message);
}

/** The same from the command line: all that it says is that sentence, and no stack. */
export async function checkMissingFromCommandLine(command, app) {
  return emulatorLine(await complaintOf(command, ["emulator"], app));
}

export async function checkStarts(command, app) {
  assert.deepEqual(await answerOf(command, "missing.mjs", { cwd: app }), { started: true });
}

/** Does what the program has said, word for word. */
export async function follow(line, app) {
  await npm(line.split(" ").slice(1), { cwd: app, timeoutMs: 600_000 });
}

/** The demo, and an ingestion into the emulator of a command: each names all that is missing at once. */
export async function checkFirstRows([file, ...args], app, isComplete) {
  writeFileSync(join(app, "own.csv"), "id,name\n1,a\n2,b\n");
  const ingest = ["ingest", "own.csv", "--table", "Own", "--emulator"];
  if (!isComplete) {
    const lines = [];
    for (const words of [["demo"], ingest]) lines.push(emulatorLine(await complaintOf([file, ...args], words, app)));
    assert.equal(lines[0], lines[1]);
    await follow(lines[0], app);
  }
  const { stdout } = await run(file, [...args, "demo", "--json"], { cwd: app, timeoutMs: 300_000 });
  const { ok, tables } = JSON.parse(stdout.trim().split("\n").at(-1));
  assert.ok(ok && tables.length > 0, stdout);
  const ingested = await run(file, [...args, ...ingest, "--json"], { cwd: app, timeoutMs: 300_000 });
  assert.equal(JSON.parse(ingested.stdout.trim().split("\n").at(-1)).delivered, 2);
  return `${tables.length} tables, and a file of one's own`;
}

/** What a command line that cannot do its work says: one line on stderr, after whatever it has done so far on stdout. */
async function complaintOf([command, ...args], words, app) {
  const { status, stdout, stderr } = await run(command, [...args, ...words], { cwd: app, mayFail: true });
  assert.equal(status, 1, `${words.join(" ")} ended with ${status}\n${stdout}${stderr}`);
  assert.doesNotMatch(stdout, /^\s+at /m);
  assert.match(stderr, /^millrace: [^\n]+\n$/);
  return stderr.trimEnd();
}

function emulatorLine(text) {
  const line = installLine(text);
  for (const name of emulatorPackages) assert.ok(line.split(" ").includes(name), `${name} is not in: ${line}`);
  return line;
}

/** The line to install by, in a sentence: no stack comes after it. */
function installLine(text) {
  assert.doesNotMatch(text, /\n/);
  const line = /npm install [^.]*[\w-]/.exec(text)?.[0];
  assert.ok(line, `no line to install by: ${text}`);
  return line;
}
