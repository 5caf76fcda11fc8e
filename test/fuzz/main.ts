import { parseArgs } from "node:util";
import { compileKernels, randomWords } from "../assembly/compile-kernels.ts";
import { gzip } from "./gzip.ts";
import { json } from "./json.ts";
import { jsonFiles } from "./json-files.ts";
import { doubles, integers, repeatedDoubles } from "./numbers.ts";
import { raw } from "./raw.ts";
import { rows } from "./rows.ts";
import type { Subject } from "./subject.ts";
import { times } from "./times.ts";

// npm run fuzz -- [--seconds 60] [--seed N] [--subject doubles,gzip] [--cases N]
// Each subject has its own stream of the seed, so a failure repeats with the same seed and subject, whatever ran beside it.

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    subject: { type: "string" },
    cases: { type: "string" },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const mostCases = values.cases === undefined ? Number.POSITIVE_INFINITY : Number(values.cases);
const seconds = values.cases === undefined ? Number(values.seconds) : Number.POSITIVE_INFINITY;
if (![seed, mostCases, seconds].every((n) => n >= 0)) throw new Error("--seed, --cases and --seconds take numbers.");

const kernels = await compileKernels();
const all: Subject[] = [
  doubles(kernels),
  integers(kernels),
  times(kernels),
  gzip(kernels),
  rows("csv"),
  rows("ndjson"),
  json(),
  raw(),
  repeatedDoubles(kernels),
  jsonFiles(),
];
const wanted = values.subject?.split(",") ?? all.map((subject) => subject.name);
const unknown = wanted.filter((name) => !all.some((subject) => subject.name === name));
if (unknown.length > 0)
  throw new Error(`No subject ${unknown.join(", ")}; there are ${all.map((s) => s.name).join(", ")}.`);

const isTerminal = process.stderr.isTTY === true;
const started = performance.now();
const elapsed = () => (performance.now() - started) / 1_000;
const counts: Record<string, number> = {};
console.log(`seed ${seed}`);

for (const [turn, name] of wanted.entries()) {
  const subject = all.find((each) => each.name === name)!;
  const next = randomWords(seed ^ Math.imul(all.indexOf(subject) + 1, 0x9e3779b1));
  const share = ((turn + 1) / wanted.length) * seconds;
  let cases = 0;
  let shown = 0;
  try {
    while (cases < mostCases && elapsed() < share) {
      cases += await subject.step(next);
      if (isTerminal && elapsed() - shown > 0.2) {
        shown = elapsed();
        process.stderr.write(`\r${bar(mostCases < Infinity ? cases / mostCases : shown / share)} ${name} ${cases} `);
      }
    }
  } catch (error) {
    if (isTerminal) process.stderr.write("\n");
    console.error(
      `${name} failed after ${cases} cases: npm run fuzz -- --subject ${name} --seed ${seed} --cases ${cases + 1}`,
    );
    throw error;
  }
  counts[name] = cases;
  if (isTerminal) process.stderr.write("\r\x1b[K");
  console.log(`${name}: ${cases} cases, none wrong`);
}
console.log(JSON.stringify({ ok: true, seed, seconds: Math.round(elapsed()), cases: counts }));

function bar(done: number): string {
  const filled = Math.min(20, Math.floor(done * 20));
  return `[${"#".repeat(filled)}${".".repeat(20 - filled)}]`;
}
