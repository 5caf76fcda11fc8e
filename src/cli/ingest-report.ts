import type { Command } from "commander";
import { MillraceError, reasonOf } from "../errors.ts";
import { listed } from "../schema/match-fields.ts";
import type { SignalName } from "./interrupt.ts";
import type { FileReport } from "./landed.ts";
import { type LoadOutcome, type LoadSummary, unknownFieldNotes } from "./load.ts";
import { ratio } from "./progress.ts";
import { bytes, count, duration, plural } from "./quantities.ts";
import { commandFor } from "./shell.ts";
import { plainLine } from "./terminal.ts";

/**
 * The one line that `millrace ingest --json` ends with, whatever happens. The figures are missing where the run ended before it
 * read records for good.
 */
export interface IngestReport extends Partial<LoadSummary> {
  /** The exit code is 0: everything arrived, but for as many rejected records as `--max-rejected` allows. */
  readonly ok: boolean;
  /** Why not; absent where too many records were rejected, and that is all. */
  readonly error?: { readonly code: string; readonly message: string };
  /** With a state and no `--dead-letter`: records that earlier runs rejected and that were neither replayed nor deleted since. */
  readonly rejectedEarlier?: number;
  /** The signal that ended the run. */
  readonly signal?: SignalName | undefined;
  /** Of a run that failed or was interrupted: what became of each file. */
  readonly files?: readonly FileReport[];
  /** ... and the command that goes on, for a POSIX shell; absent where there is nothing to go on with. */
  readonly continueWith?: string;
}

/** What is said of a load that ended well: a line for a person, or JSON. */
export function successLine(
  { summary }: LoadOutcome,
  { isJson, maxRejected, earlier }: { isJson: boolean; maxRejected: number; earlier: number },
): string {
  if (!isJson) return plainLine(summaryLine(summary));
  const report: IngestReport = {
    ok: summary.rejected + earlier <= maxRejected,
    ...(earlier > 0 && { rejectedEarlier: earlier }),
    ...shortened(summary),
  };
  return JSON.stringify(report);
}

/**
 * Fields that were left out, and texts that were read as null, are told on stderr.
 *
 * @param warned Fields of which it was said before the first record that they are left out.
 */
export function tell(
  { table, unknownFields, readAsNull }: LoadSummary,
  warned: ReadonlySet<string>,
  say: (line: string) => void,
  warn: (line: string) => void,
): void {
  const counts = Object.entries(unknownFields);
  const known = Object.fromEntries(counts.filter(([field]) => warned.has(field)));
  const late = Object.fromEntries(counts.filter(([field]) => !warned.has(field)));
  for (const note of unknownFieldNotes(table, known)) say(note);
  for (const note of unknownFieldNotes(table, late)) warn(note.replace(/^note/, "warning"));
  for (const [column, { count: n, texts }] of Object.entries(readAsNull).slice(0, 10))
    say(plainLine(`note: column ${column}: ${listed(texts)} read as null (${plural(n, "time")})`));
}

function summaryLine(summary: LoadSummary): string {
  const { table, read, delivered, rejected, rawBytes, packedBytes, batches, seconds } = summary;
  const packed =
    packedBytes > 0 ? `, ${bytes(rawBytes)} as ${bytes(packedBytes)} (${ratio(rawBytes, packedBytes)})` : "";
  const parts = [
    `${table}: ${plural(delivered, "record")} of ${count(read)} delivered, ${count(rejected)} rejected`,
    ...elsewhere(summary),
  ];
  return `${parts.join(", ")}, in ${plural(batches, "batch", "batches")}${packed}, ${duration(seconds)}`;
}

function elsewhere({ inState, notDelivered, deliveredFromEarlierRun }: LoadSummary): string[] {
  return [
    ...(inState > 0 ? [`${count(inState)} safe in the state`] : []),
    ...(notDelivered > 0 ? [`${count(notDelivered)} not delivered`] : []),
    ...(deliveredFromEarlierRun > 0 ? [`${count(deliveredFromEarlierRun)} more from an earlier run delivered`] : []),
  ];
}

function shortened({ rejections, ...summary }: LoadSummary): LoadSummary {
  return { ...summary, rejections: rejections.slice(0, 100) };
}

export interface FailedRun {
  /** The signal, where one came. */
  readonly name: SignalName | undefined;
  readonly command: Command;
  readonly hasState: boolean;
  readonly isExact: boolean;
  /** Standard input: it cannot be read again. */
  readonly isStream: boolean;
}

const filesShown = 20;

/** What is said of a load that failed or was interrupted. */
export function failedReport(outcome: LoadOutcome, run: FailedRun) {
  const { summary, files } = outcome;
  const goOn = wayOn(outcome, run);
  const figures: Omit<IngestReport, "ok" | "error"> = {
    ...shortened(summary),
    ...(run.name && { signal: run.name }),
    files,
    ...(goOn.command !== undefined && { continueWith: goOn.command }),
  };
  const details = [
    plainLine(summaryLine(summary)),
    ...(run.isStream ? [] : fileLines(files, run.hasState)),
    ...goOn.lines,
    ...(goOn.command === undefined ? [] : [`  ${goOn.command}`]),
  ];
  return { error: errorOf(outcome, run), details, figures };
}

function errorOf({ summary, failure }: LoadOutcome, { name }: FailedRun): unknown {
  if (name === undefined) return failure!.error;
  const { notDelivered, inState } = summary;
  const fate =
    notDelivered > 0
      ? `${plural(notDelivered, "record")} of the ${count(summary.read)} read had not been delivered`
      : inState > 0
        ? `every record that was read is delivered or safe in the state`
        : "every record that was read is delivered";
  const why = failure && !isAborted(failure.error) ? `. ${reasonOf(failure.error)}` : "";
  return new MillraceError("ABORTED", `interrupted by ${name}: ${fate}${why}`, { cause: failure?.error });
}

function isAborted(error: unknown): boolean {
  return error instanceof MillraceError && error.code === "ABORTED";
}

function fileLines(files: readonly FileReport[], hasState: boolean): string[] {
  // What is in the midst of it says most.
  const rank = ({ state }: FileReport) => ["in part", "not read", "read"].indexOf(state);
  const chosen = files
    .map((file, index) => ({ file, index }))
    .sort((a, b) => rank(a.file) - rank(b.file))
    .slice(0, filesShown)
    .sort((a, b) => a.index - b.index);
  const lines = chosen.map(({ file: { path, state, read, delivered, inState, rejected } }) => {
    if (read === 0)
      return `  ${path}: ${state === "read" ? "read in an earlier run" : hasState ? "not read in this run" : state}`;
    const parts = [
      `${plural(read, "record")} read${state === "in part" ? " so far" : ""}`,
      `${count(delivered)} delivered`,
      ...(inState > 0 ? [`${count(inState)} safe in the state`] : []),
      ...(rejected > 0 ? [`${count(rejected)} rejected`] : []),
      ...(read > delivered + inState + rejected
        ? [`${count(read - delivered - inState - rejected)} not delivered`]
        : []),
    ];
    return `  ${path}: ${parts.join(", ")}`;
  });
  const hidden = files.length - chosen.length;
  return [...lines.map(plainLine), ...(hidden > 0 ? [`  and ${count(hidden)} more files: --json has all`] : [])];
}

/** How to go on, and the command for it. */
function wayOn({ summary, files }: LoadOutcome, run: FailedRun): { lines: string[]; command?: string } {
  const { command, hasState, isExact, isStream } = run;
  const { inState } = summary;
  if (isStream) {
    if (inState === 0) return { lines: [] };
    return {
      lines: ["to deliver what is in the state, without further input:"],
      command: `${commandFor(command, ["-"])} < /dev/null`,
    };
  }
  if (hasState) {
    const again = isExact ? "no record arrives twice" : "records whose delivery was under way may arrive twice";
    return { lines: [`to go on behind the newest checkpoint (${again}):`], command: commandFor(command, command.args) };
  }
  const left = files.filter((file) => file.state !== "read" || file.read > file.delivered + file.rejected);
  if (left.length === 0) return { lines: [] };
  const twice = left.reduce((sum, { delivered }) => sum + delivered, 0);
  const unsure = left.reduce((sum, { read, delivered, rejected }) => sum + read - delivered - rejected, 0);
  const warnings = [
    ...(twice > 0
      ? [`${plural(twice, "record")} that ${twice === 1 ? "is" : "are"} in the table already will arrive twice`]
      : []),
    ...(unsure > 0 ? [`of ${plural(unsure, "record")} it is not known whether they arrived`] : []),
  ];
  const warning = warnings.length > 0 ? ` (${warnings.join("; ")}; with --state FOLDER none would)` : "";
  return {
    lines: [`to ingest the ${left.length === 1 ? "file" : `${count(left.length)} files`} left${warning}:`],
    command: commandFor(
      command,
      left.map(({ path }) => path),
    ),
  };
}
