import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startEmulator } from "../../src/emulator/index.ts";
import { randomWords } from "../assembly/compile-kernels.ts";
import { checkFile, type InputFile, type Tools, type Verdict } from "./check-file.ts";
import { commandLine } from "./command-line.ts";
import { rewrittenFiles, vegaFiles } from "./local-files.ts";
import { duckOracle } from "./oracle.ts";
import { ownCases } from "./own-cases.ts";
import { dataPackages, filesOf, longestFile } from "./packages.ts";
import { report } from "./report.ts";
import { runSuites } from "./suites.ts";

// npm run test:inputs -- [--files N] [--only NAME] [--seed N] [--json]
// Real files through schema, ingest and verify; then every cell is compared with independent readers of the file.

const { values } = parseArgs({
  options: {
    files: { type: "string" },
    only: { type: "string", default: "" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const most = values.files === undefined ? Number.POSITIVE_INFINITY : Number(values.files);
const seed = Number(values.seed);
if (!(most >= 0 && seed >= 0)) throw new Error("--files and --seed take numbers.");
const say = (line: string) => void process.stderr.write(`${line}\n`);

const folder = mkdtempSync(join(tmpdir(), "millrace-inputs-"));
const emulator = await startEmulator({ databases: ["demo"] });
const tools: Tools = { millrace: commandLine(), cluster: emulator.url, oracle: await duckOracle(), folder };
const verdicts: Verdict[] = [];
try {
  const files = chosen(await allFiles());
  for (const [index, file] of files.entries()) {
    const verdict = await checkFile(file, tools).catch((error: Error) => failed(file, error));
    tell(verdict, `${index + 1}/${files.length}`);
  }
  await runSuites(values.only, tools, (verdict) => tell(verdict, "suite"));
} finally {
  tools.millrace.close();
  tools.oracle.close();
  await emulator.close();
  rmSync(folder, { recursive: true });
}
process.exitCode = report(verdicts, values.json);

/** What the campaign cannot look at is no success. */
function failed({ name }: InputFile, error: Error): Verdict {
  const none = { rows: 0, rejected: 0, cells: 0, silent: 0, documented: new Map() };
  return { name, outcome: "differs", ...none, different: 1, notes: [`DIFFERENT ${error.stack ?? error.message}`] };
}

function tell(verdict: Verdict, turn: string): void {
  verdicts.push(verdict);
  const { name, outcome, rows, cells, notes } = verdict;
  if (values.json && outcome !== "differs") return;
  say([`${turn} ${outcome} ${name}: ${rows} rows, ${cells} cells`, ...notes].join("\n  "));
}

async function allFiles(): Promise<InputFile[]> {
  const files = [...ownCases(folder), ...rewrittenFiles(folder), ...vegaFiles(longestFile)];
  const { only } = values;
  for (const one of dataPackages.filter(
    ({ registry, name }) => `${registry}:${name}`.includes(only) || only.includes(name),
  )) {
    say(`${one.registry}:${one.name} ${one.version}`);
    files.push(...(await filesOf(one)));
  }
  return files;
}

/** Those that are asked for by name; of these as many as are asked for, by the seed. */
function chosen(files: readonly InputFile[]): readonly InputFile[] {
  const named = files.filter(({ name }) => name.includes(values.only));
  if (named.length <= most) return named;
  const next = randomWords(seed);
  return named
    .map((file) => ({ file, turn: next() }))
    .sort((a, b) => a.turn - b.turn)
    .slice(0, most)
    .map(({ file }) => file);
}
