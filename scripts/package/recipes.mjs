// The recipes of docs/bundling.md: the files and the lines that it shows are those that are tested.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { plainEnvironment, run } from "./children.mjs";

/** The heading above the files that recipes have in common. */
const shared = "The program";

/** A recipe: its heading, the files (name to content) and the lines of a shell. */
function sectionsOf(markdown) {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const title = section.slice(0, section.indexOf("\n"));
      const named = [...section.matchAll(/^`([^`\n]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)];
      const lines = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, text]) => text.trim().split("\n"));
      return { title, files: new Map(named.map(([, name, content]) => [name, content])), lines };
    });
}

/** Every recipe of the document, in its order. */
export function recipes() {
  const sections = sectionsOf(readFileSync("docs/bundling.md", "utf8"));
  const program = sections.find(({ title }) => title === shared);
  assert.ok(program?.files.size > 0, `docs/bundling.md shows no files under "${shared}"`);
  const found = sections.filter((section) => section !== program);
  for (const { title, files, lines } of found)
    assert.ok(files.size > 0 && lines.length > 1, `docs/bundling.md, ${title}: no files, or no lines`);
  return found.map((recipe) => ({ ...recipe, files: new Map([...program.files, ...recipe.files]) }));
}

/** Tells how many threads a program has started: on the last line of stderr, when it ends. */
const countThreads = `let threads = 0;
process.on("worker", () => { threads++; });
process.on("exit", () => require("node:fs").writeSync(2, \`threads: \${threads}\\n\`));
`;

/**
 * Runs a recipe in a folder in which the package can be found, except for the lines that `isDone` says of. The last line is the
 * program; it starts at least one worker thread. A bundle runs in the folder `bare`.
 */
export async function follow(recipe, folder, { cluster, table, bare, isDone }) {
  for (const [name, content] of recipe.files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  writeFileSync(join(folder, "count-threads.cjs"), countThreads);
  const { npm_config_cache, npm_config_registry, ...rest } = process.env;
  const ofNpm = { npm_config_audit: "false", npm_config_fund: "false", npm_config_update_notifier: "false" };
  for (const [name, value] of Object.entries({ npm_config_cache, npm_config_registry }))
    if (value !== undefined) ofNpm[name] = value;
  const proxies = Object.fromEntries(Object.entries(rest).filter(([name]) => /^(https?|no)_proxy$/i.test(name)));
  const env = { ...plainEnvironment(), ...proxies, ...ofNpm, MILLRACE_CLUSTER: cluster, MILLRACE_TABLE: table };
  const last = recipe.lines.at(-1);
  for (const line of recipe.lines) {
    if (isDone(line)) continue;
    // A line may set NODE_OPTIONS itself.
    const counting = "--require=./count-threads.cjs";
    const text = line.includes("NODE_OPTIONS=") ? line.replace("NODE_OPTIONS=", `NODE_OPTIONS=${counting}\\ `) : line;
    const options = line === last ? { ...env, NODE_OPTIONS: counting } : env;
    const cwd = line === last && isBundle(recipe) ? alone(folder, line, bare) : folder;
    const { stderr } = await run("sh", ["-c", text], { cwd, env: options, timeoutMs: 600_000 });
    if (line !== last) continue;
    const threads = [...stderr.matchAll(/^threads: (\d+)$/gm)].map(([, count]) => Number(count));
    assert.ok(Math.max(0, ...threads) > 0, `${recipe.title}: no worker thread was started\n${stderr}`);
  }
}

/** A recipe whose program holds all that it needs: not TypeScript, which leaves packages where they are, and not Jest. */
const isBundle = ({ title, lines }) => /^node \S+$/.test(lines.at(-1)) && !title.startsWith("TypeScript");

/** A bundle needs nothing beside it: its folder, of which the line says, is moved to where no package can be found. */
function alone(folder, line, bare) {
  const output = line.split(" ")[1].split("/")[0];
  mkdirSync(bare, { recursive: true });
  cpSync(join(folder, output), join(bare, output), { recursive: true });
  writeFileSync(join(bare, "count-threads.cjs"), countThreads);
  return bare;
}

/** Counts a table's rows by Kusto's own protocol, until all have landed; a count that stays wrong is an error. */
export async function expectRows(cluster, table, expected, withinMs = 60_000) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const response = await fetch(`${cluster}/v1/rest/query`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ db: "demo", csl: `${table} | summarize count(), dcount(text)` }),
    });
    const answer = await response.json();
    const row = answer.Tables?.[0].Rows[0];
    if (row?.[0] === expected && row[1] > expected * 0.9) return;
    if (Date.now() > deadline) throw new Error(`${table} has not ${expected} rows: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
