import { type EventHandlers, listen } from "../events.ts";
import { inFlags } from "./option-words.ts";
import { bytes, count, duration, plural } from "./quantities.ts";
import { type Colour, coloured, plainLine, type Terminal } from "./terminal.ts";

/**
 * What `--verbose` says: a line on stderr for each step of a batch or blob, retry and checkpoint, with the time (UTC), until the returned
 * function is called. Of all sinks of the process.
 *
 * @param clear takes what is drawn in place off the terminal
 */
export function narrate(terminal: Terminal, clear: () => void): () => void {
  function say(table: string, text: string, colour?: Colour): void {
    const time = coloured(`${new Date().toISOString().slice(11, 23)}Z`, "dim", terminal);
    const line = plainLine(table === "" ? text : `${table} ${text}`);
    clear();
    terminal.err.write(`${time} ${colour === undefined ? line : coloured(line, colour, terminal)}\n`);
  }

  const handlers: EventHandlers = {
    "millrace:batch:sealed"({ table, batch, rows, rawBytes, packedBytes, sealedBy, ageMs }) {
      const size = `${plural(rows, "row")}, ${bytes(rawBytes)} as ${bytes(packedBytes)}`;
      say(table, `batch ${batch} sealed by ${sealedBy}: ${size}, first record ${took(ageMs)} before`);
    },
    "millrace:batch:logged"({ table, batch, durationMs }) {
      say(table, `batch ${batch} logged in ${took(durationMs)}`);
    },
    "millrace:batch:staged"({ table, batch, durationMs }) {
      say(table, `batch ${batch} staged in ${took(durationMs)}`);
    },
    "millrace:batch:taken"({ table, batch, durationMs }) {
      say(table, `batch ${batch} taken in ${took(durationMs)}`);
    },
    "millrace:batch:landed"({ table, batch, ageMs }) {
      const since = ageMs === undefined ? "" : `, ${took(ageMs)} after its first record`;
      say(table, `batch ${batch} landed${since}`, "green");
    },
    "millrace:batch:lost"({ table, batch, rows, code, message }) {
      say(table, `batch ${batch} lost, ${plural(rows, "row")}: ${code}: ${message}`, "red");
    },
    "millrace:batch:failed"({ table, batch, step, code }) {
      say(table, `batch ${batch} failed at step ${step}: ${code}`, "red");
    },
    "millrace:blob:staged"({ table, source, batches, rows, packedBytes, durationMs }) {
      const size = `${plural(rows, "row")}, ${bytes(packedBytes)}`;
      say(table, `blob ${source} of ${among(batches)} staged in ${took(durationMs)}: ${size}`);
    },
    "millrace:blob:taken"({ table, source, durationMs }) {
      say(table, `blob ${source} taken in ${took(durationMs)}`);
    },
    "millrace:retry"({ table, batch, stage, attempt, delayMs, code, message }) {
      const what = batch === "" ? stage : `${/^epoch /.test(batch) ? "" : "batch "}${batch}, ${stage}`;
      say(
        table,
        `retry of ${what}: attempt ${attempt} failed, again in ${took(delayMs)}: ${code}: ${inFlags(message)}`,
        "yellow",
      );
    },
    "millrace:checkpoint"({ table, epoch, records, durationMs }) {
      say(table, `checkpoint ${epoch}: ${plural(records, "record")} in ${took(durationMs)}`);
    },
    "millrace:epoch:committed"({ table, epoch, rows, batches, durationMs }) {
      const size = `${plural(rows, "row")} in ${plural(batches, "batch", "batches")}`;
      say(table, `checkpoint ${epoch} committed: ${size}, ${took(durationMs)} after it`, "green");
    },
    "millrace:epoch:attempt-abandoned"({ table, epoch, attempt, reason }) {
      say(table, `attempt ${attempt} of checkpoint ${epoch} abandoned: ${reason}`, "yellow");
    },
    "millrace:epoch:warning"({ table, epoch, message }) {
      say(table, `checkpoint ${epoch}: ${inFlags(message)}`, "yellow");
    },
    "millrace:source:warning"({ source, message }) {
      say(source, inFlags(message), "yellow");
    },
    "millrace:subtask:restarted"({ table, subtask, restarts, reason }) {
      say(table, `subtask ${subtask} restarted (${count(restarts)}): ${reason}`, "yellow");
    },
    "millrace:sink:failed"({ table, code }) {
      say(table, `failed: ${code}`, "red");
    },
  };
  return listen(handlers);
}

function among(batches: readonly string[]): string {
  return batches.length === 1 ? `batch ${batches[0]}` : `${count(batches.length)} batches from ${batches[0]} on`;
}

function took(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : duration(ms / 1_000);
}
