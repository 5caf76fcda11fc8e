import { readFileSync } from "node:fs";
import { Command } from "commander";
import { answerCsv, answerJson, answerTable } from "./answer-text.ts";
import { addConnectionFlags, type ConnectionFlags, connectionFrom, shortRetries, usage } from "./connection.ts";
import type { Finish } from "./finish.ts";
import { onInterrupt, tellInterrupted } from "./interrupt.ts";
import { plural } from "./quantities.ts";
import { showRetries } from "./retry-lines.ts";
import { processTerminal } from "./terminal.ts";

interface QueryFlags extends ConnectionFlags {
  json?: boolean;
  csv?: boolean;
  whole?: boolean;
}

export function queryCommand(finish: Finish): Command {
  const command = new Command("query")
    .description("run a query, or a management command (it begins with a dot)")
    .argument("<kql>", "the query; - reads it from standard input");
  addConnectionFlags(command);
  return command
    .option("--json", "one line of JSON: columns and rows")
    .option("--csv", "CSV with a header")
    .option("--whole", "cut nothing off the table")
    .action(async (kql: string, flags: QueryFlags) => finish(await query(kql, flags)));
}

async function query(argument: string, flags: QueryFlags): Promise<number> {
  if (flags.csv && flags.json) throw usage("--csv and --json are two forms; give one");
  const kql = argument === "-" ? readFileSync(0, "utf8") : argument;
  if (kql.trim() === "") throw usage("the query is empty");
  const interrupt = onInterrupt();
  const { signal } = interrupt;
  const stopLines = showRetries(processTerminal());
  try {
    const { kustoAdmin } = await import("../connectors/kusto/admin.ts");
    const admin = await kustoAdmin(connectionFrom(flags), signal, shortRetries(flags));
    try {
      const isCommand = kql.trimStart().startsWith(".");
      const answer = await (isCommand ? admin.execute(kql, signal) : admin.query(kql, signal));
      if (flags.json) process.stdout.write(`${answerJson(answer)}\n`);
      else if (flags.csv) process.stdout.write(`${answerCsv(answer)}\n`);
      else {
        process.stdout.write(
          `${answerTable(answer, flags.whole ? { isWhole: true } : { width: process.stdout.columns || undefined })}\n`,
        );
        process.stderr.write(`${plural(answer.rows.length, "row")}\n`);
      }
      return 0;
    } finally {
      admin.close();
    }
  } catch (error) {
    if (interrupt.exitCode !== undefined) return tellInterrupted(interrupt, flags.json);
    throw error;
  } finally {
    stopLines();
    interrupt.dispose();
  }
}
