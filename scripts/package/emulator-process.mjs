// The emulator of a command line, in a process of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { plainEnvironment } from "./children.mjs";

/** Starts `COMMAND emulator` on a free port; resolves when it is ready, with its address. */
export async function startEmulatorProcess([command, ...args], cwd) {
  const child = spawn(command, [...args, "emulator", "--port", "0", "--json"], {
    cwd,
    env: plainEnvironment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise((done, failed) => {
    const timer = setTimeout(() => failed(new Error("The emulator is not ready after 120 s.")), 120_000);
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      said += text;
      if (!said.includes("\n")) return;
      clearTimeout(timer);
      done(JSON.parse(said).url);
    });
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`The emulator ended with ${code}.`)));
  }).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  return {
    url,
    /** At once, and without waiting: Azurite ends with it. */
    kill: () => child.kill("SIGKILL"),
    async close() {
      if (child.exitCode === null && child.kill()) await once(child, "exit");
    },
  };
}
