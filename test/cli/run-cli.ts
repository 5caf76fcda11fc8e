import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

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

/** Nothing of the tester's own environment may decide. */
const env = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR };

/** Starts the real command line as its own process, out of the sources. */
export function startCli(args: readonly string[], extra: NodeJS.ProcessEnv = {}): RunningCli {
  const child = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", ...args], { env: { ...env, ...extra } });
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
