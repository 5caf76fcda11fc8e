// Runs the benches under several versions of Node, one after the other, and merges what they found:
//   node scripts/bench-runtimes.mjs [--node 20 --node 24 --node 26] [--json FILE] [--html FILE] [--markdown FILE] [-- options of npm run bench]
// Options that are not known here go to each run: --suite, --corpus, --seconds. The binaries come from npm, into build/runtimes/.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runtimeBinary } from "./runtimes.mjs";

const { values, tokens } = parseArgs({
  options: {
    node: { type: "string", multiple: true, default: ["20", "24", "26"] },
    json: { type: "string", default: "bench.json" },
    html: { type: "string" },
    markdown: { type: "string" },
  },
  strict: false,
  tokens: true,
});

/** What was given for the benches themselves, in order. */
const own = new Set(["node", "json", "html", "markdown"]);
const passedOn = tokens.flatMap((token) => {
  if (token.kind === "positional") return [token.value];
  if (token.kind !== "option" || own.has(token.name)) return [];
  return token.inlineValue ? [`${token.rawName}=${token.value}`] : [token.rawName];
});

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) {
    console.error(`${command} ${args.join(" ")} ended with ${status}`);
    process.exit(status ?? 1);
  }
}

/** Node 20 cannot strip types. */
function benchArgs(major) {
  return Number(major) < 22 ? ["--import", "tsx", "bench/main.ts"] : ["bench/main.ts"];
}

// All binaries first: what is missing should be told before an hour of measuring.
const binaries = values.node.map((major) => [major, runtimeBinary(major)]);
const files = binaries.map(([major, binary]) => {
  const file = join("build", `bench-node-${major}.json`);
  console.log(`\n== node ${major} ==\n`);
  run(binary, [...benchArgs(major), ...passedOn, "--json", file]);
  return file;
});

const rows = files.flatMap((file) => JSON.parse(readFileSync(file, "utf8")));
const once = rows.filter((row, i) => rows.findIndex((other) => isSame(row, other)) === i);
writeFileSync(values.json, `${JSON.stringify(once, null, 1)}\n`);

function isSame(a, b) {
  return ["suite", "case", "corpus", "runtime", "rival"].every((key) => a[key] === b[key]);
}

console.log("\n== all ==\n");
const outputs = ["html", "markdown"].flatMap((name) => (values[name] ? [`--${name}`, values[name]] : []));
run(process.execPath, [...benchArgs(process.versions.node.split(".")[0]), "--from", values.json, ...outputs]);
