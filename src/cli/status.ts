import { Command } from "commander";
import { inspectState, type StateReport } from "../checkpoint/inspect.ts";
import type { Json } from "../schema/kinds.ts";
import type { Finish } from "./finish.ts";
import { bytes, count, duration, plural } from "./quantities.ts";
import { plainLine } from "./terminal.ts";

export function statusCommand(finish: Finish): Command {
  return new Command("status")
    .description("what a state says: the newest checkpoint, its positions, and what is not committed yet")
    .requiredOption("--state <folder>", "the state of a sink")
    .option("--json", "one line of JSON")
    .action(async (flags: { state: string; json?: boolean }) => {
      const report = await inspectState(flags.state);
      process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : statusText(report));
      finish(0);
    });
}

function statusText(report: StateReport): string {
  const { job, table, destination, generation, openBy, epoch, records, positions, pending, logBytes } = report;
  const lag = Math.max(0, ...pending.map((each) => each.ageMs));
  const lines = [
    `job         ${job}, table ${table} at ${destination}`,
    `generation  ${generation}${openBy === undefined ? "" : `, open by process ${openBy}`}`,
    `checkpoint  ${epoch}, ${plural(records, "record")} in all`,
    `pending     ${pending.length === 0 ? "none" : `${plural(pending.length, "checkpoint")}, the oldest ${duration(lag / 1_000)} old`}, ${bytes(logBytes)} in the log`,
  ];
  for (const each of pending)
    lines.push(
      `  ${each.epoch}  ${each.state.toLowerCase().replace("_", " ")}${detailOf(each.detail)}: ${plural(each.rows, "row")} in ${plural(each.batches, "batch", "batches")}, ${bytes(each.packedBytes)}, ${duration(each.ageMs / 1_000)} old`,
    );
  const partitions = Object.entries(positions).filter(([, position]) => position !== null); // null: the file was moved
  lines.push(`positions   ${partitions.length === 0 ? "none" : count(partitions.length)}`);
  for (const [partition, position] of partitions.slice(0, 20))
    lines.push(`  ${partition}  ${JSON.stringify(position)}`);
  if (partitions.length > 20) lines.push(`  and ${count(partitions.length - 20)} more: --json has them`);
  return `${lines.map(plainLine).join("\n")}\n`;
}

/** What the destination noted, as far as it is short: `, step LANDED, attempt 1`. */
function detailOf(detail: Json | undefined): string {
  if (typeof detail !== "object" || detail === null || Array.isArray(detail)) return "";
  const short = Object.entries(detail).filter(([, value]) => typeof value === "string" || typeof value === "number");
  return short.map(([name, value]) => `, ${name} ${value}`).join("");
}
