import { spawn, spawnSync } from "node:child_process";

export const hasProgram = (name: string): boolean =>
  process.platform !== "win32" && spawnSync("sh", ["-c", `command -v ${name}`]).status === 0;

/** `script` of util-linux gives a program a terminal; those of macOS and the BSDs take other arguments. */
export const hasTerminal = (): boolean => process.platform === "linux" && hasProgram("script");

export interface TerminalSession {
  /** Types a line, with tabs, and Enter; resolves with what the terminal shows until `millrace` has run, and with its words. */
  type(line: string): Promise<{ shown: string; words: string[] }>;
  close(): Promise<void>;
}

const escapes = /\u001b(?:\[[0-9;?]*[A-Za-z]|[=>])/g;

/**
 * An interactive shell in a terminal of its own. `millrace` is a function there that prints its words, so that a line shows
 * what completion has made of it.
 */
export async function startShell(
  shell: string,
  { cwd, setup }: { cwd: string; setup: readonly string[] },
): Promise<TerminalSession> {
  const env = { PATH: process.env.PATH, HOME: cwd, TERM: "dumb", LC_ALL: "C.UTF-8" };
  const child = spawn("script", ["-qec", shell, "/dev/null"], { cwd, env, stdio: ["pipe", "pipe", "inherit"] });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text.replace(escapes, "");
  });
  const answered = async (): Promise<string[]> => {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const answer = /\u0001([^\u0002]*)\u0002/.exec(shown)?.[1];
      if (answer !== undefined) return answer.split("\u0003").slice(1);
      if (Date.now() > deadline || child.exitCode !== null) throw new Error(`${shell} does not answer:\n${shown}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const type: TerminalSession["type"] = async (line) => {
    shown = "";
    child.stdin.write(`${line}\n`);
    const words = await answered();
    return { shown, words };
  };
  const answer = "millrace() { printf '\\001'; printf '\\003%s' \"$@\"; printf '\\002'; }";
  await type(["stty rows 300 cols 400", ...setup, answer, "millrace ready"].join("\n"));
  return {
    type,
    async close() {
      child.stdin.end("exit\n");
      await gone;
    },
  };
}
