import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { World } from "./world.ts";

export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

export interface Program {
  readonly child: ChildProcess;
  /** The first line of stdout that begins so, once it is there; rejects when the program ends without one. */
  line(beginning: string): Promise<string>;
  readonly ended: Promise<Ending>;
}

/** Starts a program of the suite, by its name, in another process of the same runtime. */
export function startProgram(world: World, name: string, env: Readonly<Record<string, string>> = {}): Program {
  return startFile(world, join(world.programs, `${name}.mjs`), [], env);
}

/** The same for any file. Its working directory is the repository. */
export function startFile(
  { command: [binary, ...options], root }: World,
  path: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Program {
  const child = spawn(binary!, [...options, path, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  const waiting = new Set<() => void>();
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    for (const look of waiting) look();
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = new Promise<Ending>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, out, err }));
  });
  return {
    child,
    ended,
    line: (beginning) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = out
            .split("\n")
            .slice(0, -1)
            .find((line) => line.startsWith(beginning));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        ended.then(() => reject(new Error(`${path} ended without a line '${beginning}': ${out}${err}`)), reject);
      }),
  };
}
