/** SIGINT and SIGTERM as an AbortSignal, for commands that have something to put down first. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** The exit code that the signal asks for, once it has come: 130 or 143. */
  readonly exitCode: number | undefined;
  /** Stops for a reason of the command's own. */
  abort(reason: unknown): void;
  dispose(): void;
}

const codes = { SIGINT: 130, SIGTERM: 143 } as const;

/** The first signal asks for an orderly end; the second ends the process at once. */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const listen = (name: keyof typeof codes) => {
    if (exitCode !== undefined) process.exit(codes[name]);
    exitCode = codes[name];
    controller.abort(new Error(`${name} received`));
  };
  const onInt = () => listen("SIGINT");
  const onTerm = () => listen("SIGTERM");
  process.on("SIGINT", onInt).on("SIGTERM", onTerm);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    abort: (reason) => controller.abort(reason),
    dispose: () => void process.off("SIGINT", onInt).off("SIGTERM", onTerm),
  };
}

/** Resolves when the signal fires. */
export function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
