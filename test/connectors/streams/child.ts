import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** The writer of writer.ts as a process, which ends with this one. */
export function startWriter(target: string, format: string, count: number, state?: string): ChildProcess {
  const args = ["--import", "tsx", "test/connectors/streams/writer.ts", target, format, String(count)];
  const child = spawn(process.execPath, state === undefined ? args : [...args, state], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("close", () => process.off("exit", end));
  return child;
}

/** Kills it behind so many checkpoints, or lets it end. Returns how it ended and what it said. */
export async function ended(child: ChildProcess, killBehind = Number.POSITIVE_INFINITY) {
  let said = "";
  child.stderr!.on("data", (data) => {
    said += data;
    if (said.split("\n").length - 1 >= killBehind) child.kill("SIGKILL");
  });
  const [code, signal] = await once(child, "close");
  return { how: (code ?? signal) as number | string, said };
}

/** The numbers in whole lines of NDJSON, and whether each of them is as it was written. */
export function idsIn(text: string): number[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => {
    const { id, text } = JSON.parse(line) as { id: number; text: string };
    if (text !== `"${id}"\n${"x".repeat(id % 300)}`) throw new Error(`the text of ${id} is another`);
    return id;
  });
}
