import process from "node:process";
import { failureLine } from "./failure-line.ts";

/** SIGINT, SIGTERM and SIGHUP as an AbortSignal, for commands that have something to put down first. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** The signal that came first. */
  readonly name: SignalName | undefined;
  /** The exit code that the signal asks for, once it has come: 129, 130 or 143. */
  readonly exitCode: number | undefined;
  dispose(): void;
}

/** An end in two steps, for commands that hold records. */
export interface Stopping extends Interrupt {
  /** Fires at the first signal: nothing more is to be read. `signal` fires at the second, or when the time is over. */
  readonly stop: AbortSignal;
}

const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export type SignalName = keyof typeof codes;

/** The first signal asks for an orderly end; the second ends the process at once. */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  return listen(controller.signal, (name, count) => {
    if (count > 1) process.exit(codes[name]);
    controller.abort(new Error(`${name} received`));
  });
}

export interface StopOptions {
  /** Milliseconds from the first signal until `signal` fires; 0: no limit. */
  timeoutOf(name: SignalName): number;
  onStop(name: SignalName, timeoutMs: number): void;
}

/** The first signal stops, the second aborts, the third ends the process at once. */
export function onStop({ timeoutOf, onStop }: StopOptions): Stopping {
  const stop = new AbortController();
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const interrupt = listen(abort.signal, (name, count) => {
    if (count > 2) process.exit(codes[name]);
    if (count === 2) return abort.abort(new Error(`${name} received again`));
    const timeoutMs = timeoutOf(name);
    if (timeoutMs > 0) timer = setTimeout(() => abort.abort(new Error("the time for stopping is over")), timeoutMs);
    onStop(name, timeoutMs);
    stop.abort(new Error(`${name} received`));
  });
  return {
    stop: stop.signal,
    signal: interrupt.signal,
    get name() {
      return interrupt.name;
    },
    get exitCode() {
      return interrupt.exitCode;
    },
    dispose() {
      clearTimeout(timer);
      interrupt.dispose();
    },
  };
}

function listen(signal: AbortSignal, onSignal: (name: SignalName, count: number) => void): Interrupt {
  let first: SignalName | undefined;
  let count = 0;
  const on = (name: SignalName) => {
    first ??= name;
    onSignal(name, ++count);
  };
  const names = Object.keys(codes) as SignalName[];
  for (const name of names) process.on(name, on);
  return {
    signal,
    get name() {
      return first;
    },
    get exitCode() {
      return first && codes[first];
    },
    dispose() {
      for (const name of names) process.off(name, on);
    },
  };
}

/** What a command that was interrupted, and has nothing else to say, ends with: its exit code. */
export function tellInterrupted({ name, exitCode }: Interrupt, isJson: boolean | undefined): number {
  process.stderr.write(`millrace: interrupted by ${name}\n`);
  if (isJson) process.stdout.write(failureLine("ABORTED", `interrupted by ${name}`));
  return exitCode!;
}

/** Resolves when the signal fires. */
export function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
