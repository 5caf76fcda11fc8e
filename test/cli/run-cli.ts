import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunningCli {
  readonly child: ChildProcessWithoutNullStreams;
  readonly done: Promise<Outcome>;
  /** Resolves when stdout has a whole line; with that line. */
  readonly firstLine: Promise<string>;
}

/**
 * The sources of this moment, compiled once per test file: a command starts twice as fast as through tsx, and there are
 * dozens of them. It lies within the package, so that packages are found.
 */
function compile(): string {
  mkdirSync("build", { recursive: true });
  const folder = mkdtempSync(join("build", "cli-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const plain = ["--declaration", "false", "--sourceMap", "false", "--inlineSources", "false"];
  const tsc = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", folder, ...plain];
  const { stdout } = spawnSync(process.execPath, tsc, { encoding: "utf8" });
  const main = join(folder, "cli", "main.js");
  if (!existsSync(main)) throw new Error(`tsc wrote no command line: ${stdout}`);
  return main;
}

let compiled: string | undefined;

/** Path of the command line as a script of Node. */
export function mainScript(): string {
  compiled ??= compile();
  return compiled;
}

/** Nothing of the tester's own environment may decide. */
const env = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR };

/** Starts the real command line as its own process. */
export function startCli(args: readonly string[], extra: NodeJS.ProcessEnv = {}): RunningCli {
  const child = spawn(process.execPath, [mainScript(), ...args], { env: { ...env, ...extra } });
  child.stdin.on("error", () => {}); // it may end without having read
  let out = "";
  let err = "";
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const done = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
  const firstLine = new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      out += chunk;
      if (out.includes("\n")) resolve(out.slice(0, out.indexOf("\n")));
    });
    done.then(() => reject(new Error(`ended without a line: ${err}`)), reject);
  });
  firstLine.catch(() => {}); // asked for by some tests only
  return { child, done, firstLine };
}

export function cli(
  args: readonly string[],
  { input = "", env: extra = {} }: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  const { child, done } = startCli(args, extra);
  child.stdin.end(input);
  return done;
}

/** The last line of stdout as JSON. */
export function lastJson(out: string): Record<string, unknown> {
  return JSON.parse(out.trimEnd().split("\n").at(-1)!);
}
