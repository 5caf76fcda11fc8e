import process from "node:process";

/** A sink that has not been closed. */
export interface OpenSink {
  readonly table: string;
  /** What is lost if the process ends now; undefined where that is nothing, or was told otherwise. */
  undelivered(): Undelivered | undefined;
}

export interface Undelivered {
  /** Without rows of `writeRaw()` that were not counted yet. */
  readonly records: number;
  /** What the warning says. */
  readonly message: string;
}

/** Its own `code`, by which a listener of `process.on("warning")` knows it. */
export const undeliveredCode = "MILLRACE_UNDELIVERED";
/** Of so many sinks it is told what they owe, of the others how many they are. */
const mostTold = 10;

const openSinks = new Set<OpenSink>();

/**
 * Has a process warning tell what a sink still owes when the process ends: by itself, by `process.exit()`, or by an uncaught
 * error. It takes one listener for all sinks of a process, and keeps no process alive. Nothing is told where a signal ends the process,
 * or `worker.terminate()` the thread, for no code runs then.
 *
 * @returns to be called when nothing is owed any more
 */
export function watchProcessEnd(sink: OpenSink): () => void {
  if (openSinks.size === 0) listen();
  openSinks.add(sink);
  return () => {
    if (openSinks.delete(sink) && openSinks.size === 0) ignore();
  };
}

function listen(): void {
  process.on("exit", tellAll);
  if (isDeno) process.on("uncaughtExceptionMonitor", tellAllOfUncaught);
}

function ignore(): void {
  process.off("exit", tellAll);
  if (isDeno) process.off("uncaughtExceptionMonitor", tellAllOfUncaught);
}

/** Deno has no event "exit" where an uncaught error ends the program. */
const isDeno = "Deno" in globalThis;

function tellAllOfUncaught(): void {
  // With a handler of the program's own it goes on.
  if (process.listenerCount("uncaughtException") === 0) tellAll();
}

function tellAll(): void {
  let told = 0;
  let untold = 0;
  for (const { table, undelivered } of openSinks) {
    const owed = undelivered();
    if (!owed) continue;
    if (told++ < mostTold) warn(owed.message, { table, records: owed.records });
    else untold++;
  }
  openSinks.clear();
  ignore();
  if (untold > 0) warn(`${untold} other sinks were not closed either, and have records that were not delivered.`, {});
}

/** At once: `process.emitWarning()` tells in the next tick, which does not come any more. */
function warn(message: string, details: { readonly table?: string; readonly records?: number }): void {
  const warning = Object.assign(new Error(message), { name: "MillraceWarning", code: undeliveredCode, ...details });
  process.emit("warning", warning);
}
