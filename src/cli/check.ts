import { Command, Option } from "commander";
import type { CommitMode } from "../connectors/kusto/index.ts";
import type { CheckItem, CheckStatus } from "../destination/destination.ts";
import type { RowFormat } from "../encode/row-format.ts";
import type { DeliveryGuarantee, presets } from "../options.ts";
import { tableOf } from "../schema/table.ts";
import { addConnectionFlags, type ConnectionFlags, connectionFrom, usage } from "./connection.ts";
import { failureLine } from "./failure-line.ts";
import type { Finish } from "./finish.ts";
import { onInterrupt } from "./interrupt.ts";
import { inFlags } from "./option-words.ts";
import { plural } from "./quantities.ts";
import { showRetries } from "./retry-lines.ts";
import { readSchemaFile } from "./target-table.ts";
import { type Colour, coloured, plainLine, processTerminal, wantsColor } from "./terminal.ts";

interface CheckFlags extends ConnectionFlags {
  table: string;
  schema?: string;
  mapping?: string;
  format?: RowFormat;
  guarantee?: DeliveryGuarantee;
  commitMode?: CommitMode;
  preset: keyof typeof presets | "none";
  json?: boolean;
}

const help = `
Looked at are the addresses, certificates, login, rights, database, table, columns, mapping, storage and policies that a sink
needs. Nothing is written; with exactly-once a staging table is made and dropped. What depends on a failed item is "not
reached". Exit code 0: ready, maybe with warnings; 1: not ready.`;

/** Looks at whether a table could be ingested into, item by item. */
export function checkCommand(finish: Finish): Command {
  const command = new Command("check")
    .description("look at whether a table can be ingested into, and say what to do where not")
    .requiredOption("--table <name>", "the table");
  addConnectionFlags(command);
  return command
    .option("--schema <file>", "the columns that will be written: JSON, or KQL (default: the table's own)")
    .option("--mapping <name>", "the ingestion mapping that will be used")
    .addOption(new Option("--format <format>", "how rows will be written (default: csv)").choices(["csv", "ndjson"]))
    .addOption(
      new Option("--guarantee <name>", "the delivery guarantee (default: at-least-once)").choices([
        "none",
        "at-least-once",
        "exactly-once",
      ]),
    )
    .addOption(
      new Option("--commit-mode <mode>", "with exactly-once: how rows become visible (default: move)").choices([
        "move",
        "append",
        "tag",
      ]),
    )
    .addOption(
      new Option(
        "--preset <name>",
        "the sink's sizes and times; bulk is what millrace ingest uses, none are the defaults",
      )
        .choices(["bulk", "realtime", "none"])
        .default("bulk"),
    )
    .option("--json", "one line of JSON")
    .addHelpText("after", help)
    .action(async (flags: CheckFlags) => finish(await check(flags)));
}

async function check(flags: CheckFlags): Promise<number> {
  if (flags.commitMode !== undefined && flags.guarantee !== "exactly-once")
    throw usage("--commit-mode belongs to --guarantee exactly-once");
  const interrupt = onInterrupt();
  const { signal } = interrupt;
  const look = lookOf(process.stdout, process.env);
  const stopLines = showRetries(processTerminal());
  try {
    const schema = flags.schema === undefined ? undefined : await readSchemaFile(flags.schema);
    const { kusto } = await import("../connectors/kusto/index.ts");
    const { checkTarget } = await import("../check.ts");
    const { mapping, format, guarantee, commitMode, preset } = flags;
    const to = kusto({
      ...connectionFrom(flags),
      ...(mapping !== undefined && { ingestionMappingRef: mapping }),
      ...(commitMode !== undefined && { commitMode }),
    });
    const { isReady, items } = await checkTarget({
      table: schema ? tableOf(flags.table, schema.columns) : flags.table,
      to,
      ...(preset !== "none" && { preset }),
      ...(format !== undefined && { format }),
      ...(guarantee !== undefined && { deliveryGuarantee: guarantee }),
      ...(flags.retryTimeoutMs !== undefined && { retryTimeoutMs: flags.retryTimeoutMs }),
      signal,
      onItem(item) {
        if (!flags.json) process.stdout.write(itemText(item, look));
      },
    });
    process.stdout.write(flags.json ? `${JSON.stringify({ ok: isReady, items })}\n` : summary(items, isReady));
    return isReady ? 0 : 1;
  } catch (error) {
    if (interrupt.exitCode === undefined) throw error;
    process.stderr.write("millrace: interrupted.\n");
    if (flags.json) process.stdout.write(failureLine("ABORTED", "interrupted"));
    return interrupt.exitCode;
  } finally {
    stopLines();
    interrupt.dispose();
  }
}

/** How items are shown: with marks on a terminal, coloured where that is wanted. */
export interface Look {
  readonly hasMarks: boolean;
  readonly hasColor: boolean;
}

export function lookOf({ isTTY }: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): Look {
  const hasMarks = isTTY === true && env.TERM !== "dumb";
  return { hasMarks, hasColor: wantsColor(env, hasMarks) };
}

const shown: Readonly<Record<CheckStatus, { readonly mark: string; readonly colour: Colour }>> = {
  ok: { mark: "✓", colour: "green" },
  warning: { mark: "!", colour: "yellow" },
  failed: { mark: "✗", colour: "red" },
  "not reached": { mark: "-", colour: "dim" },
};

const statusCells = "not reached".length;
const nameCells = "ingest-connection".length;

/** One item: a line, and below it what to do. */
export function itemText({ name, status, message, fix }: CheckItem, { hasMarks, hasColor }: Look): string {
  const { mark, colour } = shown[status];
  const padded = (hasMarks ? mark : status).padEnd(hasMarks ? 1 : statusCells);
  const head = coloured(padded, colour, { hasColor });
  const indent = " ".repeat(padded.length + nameCells + 4);
  const line = `${head}  ${name.padEnd(nameCells)}  ${plainLine(inFlags(message))}\n`;
  return fix === undefined ? line : `${line}${indent}${plainLine(`fix: ${inFlags(fix)}`)}\n`;
}

function summary(items: readonly CheckItem[], isReady: boolean): string {
  const count = (status: CheckStatus) => items.filter((item) => item.status === status).length;
  const counts = [
    count("failed") > 0 && `${count("failed")} failed`,
    count("warning") > 0 && plural(count("warning"), "warning"),
    count("not reached") > 0 && `${count("not reached")} not reached`,
  ].filter((each) => each !== false);
  return `\n${isReady ? "ready" : "not ready"}${counts.length > 0 ? `: ${counts.join(", ")}` : ""}\n`;
}
