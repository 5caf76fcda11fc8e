import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command line in a process of its own, which is started once and runs one command after another. */
export interface CommandLine {
  run(...args: readonly string[]): Promise<Outcome>;
  close(): void;
}

/** No command of the campaign takes a tenth of it; a command that hangs must not hold the others. */
const longestMs = 300_000;

export function commandLine(): CommandLine {
  let host: ChildProcess | undefined;
  function start(): ChildProcess {
    const { PATH, HOME, TMPDIR } = process.env;
    const env = { PATH, HOME, TMPDIR }; // nothing of the tester's own environment may decide
    const path = fileURLToPath(new URL("./command-host.ts", import.meta.url));
    return fork(path, [], { env, execArgv: ["--import", "tsx"], stdio: ["ignore", "inherit", "inherit", "ipc"] });
  }
  return {
    run(...args) {
      host ??= start();
      const child = host;
      return new Promise((resolve, reject) => {
        const end = (error: Error) => {
          host = undefined;
          child.kill("SIGKILL");
          settle(() => reject(error));
        };
        const timer = setTimeout(() => end(new Error(`millrace ${args.join(" ")} does not end`)), longestMs);
        const onExit = () => end(new Error(`millrace ${args.join(" ")} ended its process`));
        const onMessage = (outcome: Outcome) => settle(() => resolve(outcome));
        const settle = (act: () => void) => {
          clearTimeout(timer);
          child.off("exit", onExit).off("message", onMessage);
          act();
        };
        child.on("exit", onExit).on("message", onMessage);
        child.send(args);
      });
    },
    close() {
      host?.kill("SIGTERM");
      host = undefined;
    },
  };
}

/** The last line of what a command wrote, as JSON. */
export function lastLine<T>({ out }: Outcome): T {
  return JSON.parse(out.trimEnd().split("\n").at(-1) || "null") as T;
}
