// Does what the README tells a newcomer to do, and compares what is printed with what the README shows: `npm run test:newcomer`.
// The package is packed in a clone of the last commit and installed into an empty folder, by the README's two lines; what the
// README shows of Node, Deno and Bun runs in the clone. It ends with the times to the rows that have landed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { endAll, npm, plainEnvironment, run, whenStopped } from "./package/children.mjs";
import { emulatorPackages } from "./package/missing.mjs";
import { startResults } from "./package/results.mjs";
import { runtimeBinary } from "./runtimes.mjs";

const home = mkdtempSync(join(tmpdir(), "millrace-newcomer-"));
const clone = join(home, "millrace");
const empty = join(home, "empty");
const results = startResults();
const { check } = results;
let emulator;

function remove() {
  emulator?.kill("SIGKILL");
  endAll();
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
}
whenStopped(remove);

/** The README's blocks of a language under a heading, up to the next heading. */
function blocks(heading, language) {
  const readme = readFileSync(join(clone, "README.md"), "utf8");
  const from = readme.indexOf(`\n${heading}\n`);
  if (from < 0) throw new Error(`The README has no heading ${heading}`);
  const rest = readme.slice(from + heading.length + 2);
  const section = rest.slice(0, rest.search(/^##+ /m));
  const found = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, of]) => of === language);
  if (found.length === 0) throw new Error(`Under ${heading} there is no block of ${language}`);
  return found.map(([, , text]) => text);
}

/** The commands of a block, without what is said of them. */
const commandsOf = (block) => block.split("\n").flatMap((line) => line.replace(/ +#.*/, "").trim() || []);

/** Each line that is shown was said, in the same order; times differ, and with them where batches are cut and how small they pack. */
function expectShown(shown, said) {
  const timeless = (text) =>
    text.replace(/ as [\d.]+ [kM]B \([\d.]+:1\) in [\d.]+ s/g, " as N kB in N s").replace(/\r/g, "");
  const lines = timeless(said).split("\n");
  let at = 0;
  for (const line of timeless(shown)
    .split("\n")
    .filter((one) => one !== "")) {
    const found = lines.indexOf(line, at);
    if (found < 0) throw new Error(`The README shows\n${line}\nand this was said:\n${said}`);
    at = found + 1;
  }
}

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** `npm ci && npm run demo`: npm is the tester's own, as it would be the newcomer's. */
async function runNpm(commands) {
  let said = "";
  for (const command of commands.split(" && ")) {
    const [program, ...args] = command.split(" ");
    if (program !== "npm") throw new Error(`The README's ${commands} begins ${program}; it is npm that is known here.`);
    said += (await npm(args, { cwd: clone, timeoutMs: 540_000 })).stdout;
  }
  return said;
}

/** The README's two lines in an empty folder, with the packed tarball in place of the name that npm may not know yet. */
async function startFromPackage([installing, demo, ...more], tarball) {
  const expected = `npm install millrace ${emulatorPackages.join(" ")}`;
  if (installing !== expected || demo !== "npx millrace demo" || more.length > 0)
    throw new Error(`Under "Try it" stands\n${[installing, demo, ...more].join("\n")}`);
  mkdirSync(empty);
  const args = installing
    .split(" ")
    .slice(1)
    .map((word) => (word === "millrace" ? tarball : word));
  await npm(args, { cwd: empty, timeoutMs: 540_000 });
  // npx runs what is installed here, and may fetch nothing.
  return (await npm(["exec", "--no", ...demo.split(" ").slice(1)], { cwd: empty, timeoutMs: 540_000 })).stdout;
}

/** A line of the README in the clone, with Deno and Bun where a shell looks for programs. */
async function runLine(line) {
  const [program, ...args] = line.split(" ");
  const folders = ["deno", "bun"].map((name) => dirname(resolve(runtimeBinary(name))));
  const env = plainEnvironment();
  const { stdout } = await run(program, args, {
    cwd: clone,
    env: { ...env, PATH: [...folders, env.PATH].join(delimiter) },
  });
  return stdout;
}

/** Starts the README's emulator, on a free port: the one that it names may be somebody's. Gives its address. */
function startEmulator(line) {
  const [, ...args] = line.replace("--port 8080", "--port 0 --json").split(" ");
  emulator = spawn(process.execPath, args, { cwd: clone, stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((done, failed) => {
    const timer = setTimeout(() => failed(new Error("The emulator is not there after 60 s.")), 60_000);
    let said = "";
    emulator.stdout.setEncoding("utf8").on("data", (text) => {
      said += text;
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
      if (!url || !said.includes("\n")) return;
      clearTimeout(timer);
      done(url);
    });
    emulator.once("exit", (code) => failed(new Error(`The emulator ended with ${code}.`)));
  });
}

try {
  const source = resolve(import.meta.dirname, "..");
  const began = performance.now();
  await check("git clone", () => run("git", ["clone", "--quiet", source, clone]).then(() => undefined));
  const [tryIt, others] = blocks("## Try it", "sh").map(commandsOf);
  const [demoShown, othersSay] = blocks("## Try it", "text");
  const [, inClone] = /\(in a clone: `([^`]+)`\)/.exec(readFileSync(join(clone, "README.md"), "utf8"));
  await check(inClone, async () => {
    expectShown(demoShown, await runNpm(inClone));
    return `rows have landed ${seconds(began)} after the clone`;
  });
  let tarball;
  await check("npm pack", async () => {
    const { stdout } = await npm(["pack", "--silent", "--pack-destination", home], { cwd: clone, timeoutMs: 540_000 });
    tarball = join(home, stdout.trim().split("\n").at(-1));
  });
  const beganEmpty = performance.now();
  await check(tryIt.join("; "), async () => {
    expectShown(demoShown, await startFromPackage(tryIt, tarball));
    return `rows have landed ${seconds(beganEmpty)} after an empty folder`;
  });
  await check("npx millrace ingest FILE --emulator", async () => {
    writeFileSync(join(empty, "own.csv"), "id,name\n1,a\n2,b\n");
    const args = ["exec", "--no", "--", "millrace", "ingest", "own.csv", "--table", "Own", "--emulator"];
    expectShown("Count\n    2", (await npm(args, { cwd: empty })).stdout);
  });
  await check("node: The same on your laptop", async () => {
    const [program] = blocks("### The same on your laptop", "ts");
    writeFileSync(join(clone, "laptop.mjs"), program);
    const shown = /console\.log\(rows\); \/\/ (.*)/.exec(program)[1];
    expectShown(shown, await runLine("node laptop.mjs"));
    return `rows have landed ${seconds(began)} after the clone`;
  });
  const [emulatorLine, ...lines] = others;
  let url;
  await check("the emulator", async () => {
    url = await startEmulator(emulatorLine);
  });
  for (const line of url ? lines : [])
    await check(line, async () => {
      expectShown(othersSay, await runLine(line.replace("http://127.0.0.1:8080", url)));
      return `rows have landed ${seconds(began)} after the clone`;
    });
} catch (error) {
  await check("the rest", () => {
    throw error;
  });
} finally {
  if (emulator?.exitCode === null && emulator.kill()) await once(emulator, "exit");
  remove();
}
process.exitCode = results.print() ? 0 : 1;
