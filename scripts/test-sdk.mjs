// Runs the programs of test/conformance/python, or of /java and /java-5, which use Microsoft's own SDK of that language, against an
// emulator: `npm run test:python`, `npm run test:java`. The SDKs are installed under build/ at the first run.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { startEmulator } from "../src/emulator/index.ts";

const language = process.argv[2];
const sourcesOf = (folder) => resolve("test/conformance", folder);
const builtOf = (folder) => resolve("build", folder);

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

/** Installs once for each state of the files that pin the versions. */
async function once(folder, pins, install) {
  const built = builtOf(folder);
  const mark = join(built, "installed");
  const wanted = pins.map((file) => readFileSync(join(sourcesOf(folder), file), "utf8")).join("\n");
  if (existsSync(mark) && readFileSync(mark, "utf8") === wanted) return;
  rmSync(built, { recursive: true, force: true });
  mkdirSync(built, { recursive: true });
  await install();
  writeFileSync(mark, wanted);
}

/** The command that runs a Maven project's only class, which is built once. */
async function javaProgram(folder, name) {
  const built = builtOf(folder);
  await once(folder, ["pom.xml", join("src", "main", "java", `${name}.java`)], () =>
    must("mvn", ["--quiet", "--batch-mode", `-DbuildDirectory=${built}`, "package"], { cwd: sourcesOf(folder) }),
  );
  const classes = `${join(built, "classes")}${delimiter}${join(built, "libraries", "*")}`;
  // The SDK logs every failed attempt with its stack; what matters is told by the checks.
  return ["java", ["-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp", classes, name]];
}

/** By language: the commands to run, one after another. */
const programs = {
  async python() {
    const built = builtOf("python");
    const sources = sourcesOf("python");
    const python = join(built, "bin", "python");
    await once("python", ["requirements.txt"], async () => {
      await must("python3", ["-m", "venv", built]);
      await must(python, ["-m", "pip", "install", "--quiet", "--requirement", join(sources, "requirements.txt")]);
    });
    return [[python, [join(sources, "conformance.py")]]];
  },
  // The Flink connector polls the status table by release 5 of the SDK, which casts what later ones convert.
  java: async () => [await javaProgram("java", "Conformance"), await javaProgram("java-5", "StatusTable")],
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
const commands = await programs[language]();
const files = join(builtOf(language), "files");
mkdirSync(files, { recursive: true });
await writeParquet(join(files, "rows.parquet"));
const emulator = await startEmulator();
// Streaming into this table is never possible, so managed clients have to queue.
emulator.faults.play({ faults: [{ do: "answer", at: "ingest", path: "Unstreamable", status: 503, times: 1000 }] });
let code = 0;
try {
  const env = { ...process.env, MILLRACE_CLUSTER: emulator.url, MILLRACE_FILES: files };
  for (const [command, args] of commands) code = Math.max(code, await run(command, args, { env }));
} finally {
  await emulator.close();
}
process.exit(code);
