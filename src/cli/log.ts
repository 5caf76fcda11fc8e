import { Command } from "commander";
import { inspectLog, inspectState, type SegmentReport } from "../checkpoint/inspect.ts";
import type { Finish } from "./finish.ts";
import { bytes, plural } from "./quantities.ts";
import { plainLine } from "./terminal.ts";

export function logCommand(finish: Finish): Command {
  const inspect = new Command("inspect")
    .description("the segments of a write-ahead log and their batches, every sum checked")
    .requiredOption("--state <folder>", "the state of a sink")
    .option("--json", "one line of JSON")
    .action(async (flags: { state: string; json?: boolean }) => {
      const segments = await inspectLog(flags.state);
      // Where there is no state, nothing is known to be committed.
      if (segments.length === 0) await inspectState(flags.state);
      process.stdout.write(flags.json ? `${JSON.stringify(segments)}\n` : logText(segments));
      finish(segments.some(({ end }) => end === "damaged") ? 1 : 0);
    });
  return new Command("log").description("look into a write-ahead log").addCommand(inspect);
}

function logText(segments: readonly SegmentReport[]): string {
  if (segments.length === 0) return "the log is empty: everything is committed\n";
  const lines = segments.flatMap(({ name, bytes: size, batches, end }) => [
    `${name}  ${bytes(size)}, ${plural(batches.length, "batch", "batches")}, ${end}`,
    ...batches.map(
      ({ id, rows, rawBytes, packedBytes, offset }) =>
        `  ${id}  at ${offset}: ${plural(rows, "row")}, ${bytes(rawBytes)} as ${bytes(packedBytes)}`,
    ),
  ]);
  return `${lines.map(plainLine).join("\n")}\n`;
}
