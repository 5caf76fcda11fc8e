// Runs the programs of test/conformance/python or /java, which use Microsoft's own SDK of that language, against an
// emulator: `npm run test:python`, `npm run test:java`. The SDKs are installed under build/ at the first run.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { startEmulator } from "../src/emulator/index.ts";

const language = process.argv[2];
const sources = resolve("test/conformance", String(language));
const built = resolve("build", String(language));

/** Runs a program to its end. */
function run(command, args, options = {}) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { stdio: "inherit", ...options });
    child.on("error", failed);
    child.on("exit", (code) => done(code ?? 1));
  });
}

async function must(command, args, options) {
  const code = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}`);
}

/** Installs once for each state of the file that pins the versions. */
async function once(pins, install) {
  const mark = join(built, "installed");
  const wanted = pins.map((file) => readFileSync(join(sources, file), "utf8")).join("\n");
  if (existsSync(mark) && readFileSync(mark, "utf8") === wanted) return;
  rmSync(built, { recursive: true, force: true });
  mkdirSync(built, { recursive: true });
  await install();
  writeFileSync(mark, wanted);
}

const programs = {
  async python() {
    const python = join(built, "bin", "python");
    await once(["requirements.txt"], async () => {
      await must("python3", ["-m", "venv", built]);
      await must(python, ["-m", "pip", "install", "--quiet", "--requirement", join(sources, "requirements.txt")]);
    });
    return [python, [join(sources, "conformance.py")]];
  },
  async java() {
    const main = join("src", "main", "java", "Conformance.java");
    await once(["pom.xml", main], () =>
      must("mvn", ["--quiet", "--batch-mode", `-DbuildDirectory=${built}`, "package"], { cwd: sources }),
    );
    const classes = `${join(built, "classes")}${delimiter}${join(built, "libraries", "*")}`;
    // The SDK logs every failed attempt with its stack; what matters is told by the checks.
    return ["java", ["-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp", classes, "Conformance"]];
  },
};

/** For languages that have no writer of their own at hand. */
async function writeParquet(path) {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const rows = "SELECT * FROM (VALUES ('x', 1::BIGINT), (NULL, 2)) AS t(a, b)";
  await connection.run(`COPY (${rows}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`);
  connection.closeSync();
}

if (!Object.hasOwn(programs, String(language))) {
  console.error(`usage: node --import tsx scripts/test-sdk.mjs ${Object.keys(programs).join("|")}`);
  process.exit(2);
}
const [command, args] = await programs[language]();
const files = join(built, "files");
mkdirSync(files, { recursive: true });
await writeParquet(join(files, "rows.parquet"));
const emulator = await startEmulator();
// Streaming into this table is never possible, so managed clients have to queue.
emulator.faults.play({ faults: [{ do: "answer", at: "ingest", path: "Unstreamable", status: 503, times: 1000 }] });
let code;
try {
  const env = { ...process.env, MILLRACE_CLUSTER: emulator.url, MILLRACE_FILES: files };
  code = await run(command, args, { env });
} finally {
  await emulator.close();
}
process.exit(code);
