import { Command, CommanderError } from "commander";
import { MillraceError, reasonOf } from "../errors.ts";
import { version } from "../version.ts";
import { benchCommand } from "./bench.ts";
import { checkCommand } from "./check.ts";
import { completionCommand } from "./completion/completion.ts";
import { demoCommand } from "./demo.ts";
import { emulatorCommand } from "./emulator.ts";
import { CommandFailed, failureLine } from "./failure-line.ts";
import type { Finish } from "./finish.ts";
import { ingestCommand } from "./ingest.ts";
import { logCommand } from "./log.ts";
import { inFlags, inPhrases } from "./option-words.ts";
import { queryCommand } from "./query.ts";
import { replayCommand } from "./replay-dlq.ts";
import { schemaCommand } from "./schema.ts";
import { statusCommand } from "./status.ts";
import { coloured, plainLine, processTerminal } from "./terminal.ts";
import { verifyCommand } from "./verify.ts";

/** Every command, in the order of the help. */
export const commands = [
  ...[ingestCommand, checkCommand, statusCommand, verifyCommand, replayCommand, logCommand],
  ...[schemaCommand, queryCommand, benchCommand, emulatorCommand, demoCommand, completionCommand],
];

const exitCodes = `
Exit codes:
  0    done
  1    failed, or records were rejected (see millrace ingest --help)
  2    the command line makes no sense
  130  interrupted by Ctrl-C (143: by SIGTERM, 129: by SIGHUP)`;

/** Runs the command line; returns the exit code and never throws. */
export async function runMain(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const finish: Finish = (code) => {
    exitCode = code;
  };
  const program = new Command("millrace")
    .description("Land records in Azure Data Explorer (Kusto) and Fabric Eventhouse.")
    .version(version)
    .option("--verbose", "batches, retries and checkpoints on stderr as they come; errors with their stack and causes")
    .addHelpText("after", exitCodes)
    .showHelpAfterError("(--help has all options)")
    .exitOverride();
  // A reader that has seen enough (| head) closes the pipe. That is no failure, and no reason to leave records undelivered.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.exit(1);
  });
  process.stderr.on("error", () => {}); // progress that nobody sees
  const isJson = args.includes("--json");
  // A defect, which must not pass for a success, nor end without the line that a program waits for.
  process.once("uncaughtException", (error) => process.exit(report(error, true, isJson)));
  for (const make of commands) {
    const command = make(finish);
    program.addCommand(command);
    settle(command);
  }
  try {
    await program.parseAsync(withoutUnknownValues(program, args), { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return reportUsage(error, isJson);
    exitCode = report(error, program.opts().verbose === true, isJson);
  }
  return exitCode;
}

/**
 * A command that was made on its own takes the program's settings. Commander looks for missing options before unknown ones,
 * and would ask for --table where --tabel was given: here it looks for them when everything else has been read.
 */
function settle(command: Command): void {
  command.copyInheritedSettings(command.parent!);
  for (const option of command.options.filter(({ mandatory }) => mandatory)) {
    option.mandatory = false;
    command.hook("preAction", (self) => {
      if (self.getOptionValue(option.attributeName()) === undefined)
        self.error(`error: required option '${option.flags}' not specified`);
    });
  }
  for (const child of command.commands) settle(child);
}

/**
 * `--tabel=T` -> `--tabel`: an option that no command has is refused, and the refusal should neither print its value, which
 * may be a secret, nor look for a name like `--tabel=T`.
 */
function withoutUnknownValues(program: Command, args: readonly string[]): string[] {
  const known = new Set(optionNames(program));
  const end = args.indexOf("--");
  return args.map((word, i) => {
    const name = /^(--[^=]+)=/s.exec(word)?.[1];
    return name === undefined || known.has(name) || (end >= 0 && i > end) ? word : name;
  });
}

function optionNames(command: Command): string[] {
  return [...command.options.map(({ long }) => long ?? ""), ...command.commands.flatMap(optionNames)];
}

/** Commander has said it, and its "errors" are help and version too. */
function reportUsage({ exitCode, message }: CommanderError, isJson: boolean): number {
  if (exitCode === 0) return 0;
  if (isJson) process.stdout.write(failureLine("BAD_OPTION", message));
  return 2;
}

/** One line on stderr, and what else is to be said; with --json also the last line on stdout, so that a program has one thing to read. */
function report(thrown: unknown, isVerbose: boolean, isJson: boolean): number {
  const { error, details, figures, exitCode } =
    thrown instanceof CommandFailed ? thrown : new CommandFailed(thrown, [], {});
  const code = error instanceof MillraceError ? error.code : "INTERNAL";
  const message = plainLine(code === "RECORD_REFUSED" ? inPhrases(reasonOf(error)) : inFlags(reasonOf(error)));
  process.stderr.write(`${coloured("millrace:", "red", processTerminal())} ${message}\n`);
  for (const line of details) process.stderr.write(`${line}\n`);
  if (isVerbose) process.stderr.write(`${stacks(error)}\n`);
  if (isJson) process.stdout.write(failureLine(code, message, figures));
  return exitCode ?? (code === "BAD_OPTION" ? 2 : 1);
}

function stacks(error: unknown): string {
  const parts: string[] = [];
  for (let e = error, depth = 0; e instanceof Error && depth < 8; e = e.cause, depth++)
    parts.push(`${depth === 0 ? "" : "caused by "}${e.stack ?? e.message}`);
  return parts.join("\n");
}
