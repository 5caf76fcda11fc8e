// Runs the cases of test/runtimes under every runtime, one after another: `npm run test:runtimes`. The built package is what
// they import, and two emulators of this process are what they write to.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { startSuite } from "../test/runtimes/suite.ts";
import { runtimeCommand } from "./runtimes.mjs";

const everything = ["20", "22", "24", "26", "deno", "bun"];
const help = `npm run test:runtimes -- [options]
  --runtime R  a major version of Node, deno or bun; may be given again. Default: ${everything.join(", ")}
  --case TEXT  only the cases whose name has this in it
  --json       a line of JSON for each runtime, and nothing else on stdout
The binaries come from npm at the first run, into build/runtimes/; rm -r build/runtimes gets newer ones.`;

const { values } = parseArgs({
  options: {
    runtime: { type: "string", multiple: true, default: everything },
    case: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(help);
  process.exit();
}
if (!existsSync("dist/index.js")) {
  console.error("There is no dist/: npm run build first.");
  process.exit(2);
}

/** The name that reports use, and how a program is started. */
function runtimeOf(name) {
  return { name: /^\d/.test(name) ? `node-${name}` : name, command: runtimeCommand(name) };
}

const marks = { passed: "ok  ", failed: "FAIL", skipped: "skip" };

// All binaries first: what is missing should be told at once.
const runtimes = values.runtime.map(runtimeOf);
const suite = await startSuite();
const summaries = [];
try {
  for (const runtime of runtimes) {
    if (!values.json) console.log(`\n== ${runtime.name} ==`);
    const { version, results } = await suite.run(runtime, values.case, ({ case: name, outcome, ms, why }) => {
      if (!values.json) console.log(`${marks[outcome]} ${String(ms).padStart(6)} ms  ${name}`);
      if (why && (outcome === "failed" || !values.json))
        console.error(`${values.json ? `${runtime.name}: ${name}: ` : ""}${why}`);
    });
    const named = (wanted) => results.filter(({ outcome }) => outcome === wanted);
    const skipped = named("skipped").map(({ case: name, why }) => ({ case: name, reason: why }));
    const failed = named("failed");
    summaries.push({
      runtime: runtime.name,
      version,
      passed: named("passed").length,
      failed: failed.length,
      skipped,
      ...(failed.length > 0 && { failures: failed.map(({ case: name }) => name) }),
    });
  }
} finally {
  await suite.close();
}

if (!values.json) console.log();
for (const summary of summaries) {
  const { runtime, version, passed, failed, skipped } = summary;
  const reasons = skipped.map(({ case: name, reason }) => `; ${name}: ${reason}`).join("");
  if (values.json) console.log(JSON.stringify(summary));
  else
    console.log(
      `${runtime.padEnd(8)} ${version.padEnd(10)} passed ${passed}, failed ${failed}, skipped ${skipped.length}${reasons}`,
    );
}
// A run of nothing proves nothing.
if (summaries.some(({ passed, failed }) => failed > 0 || passed === 0)) process.exitCode = 1;
