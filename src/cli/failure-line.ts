/** What `--json` ends with where a command has failed: one thing for a program to read. */
export function failureLine(code: string, message: string, figures: object = {}): string {
  return `${JSON.stringify({ ok: false, error: { code, message }, ...figures })}\n`;
}

/** A failure with more to say than its message: what has become of the records, and how to go on. */
export class CommandFailed extends Error {
  /** What was thrown. */
  readonly error: unknown;
  /** Lines for stderr, below the message. */
  readonly details: readonly string[];
  /** What the line of `--json` has beside the error. */
  readonly figures: object;
  /** The exit code that a signal asks for. */
  readonly exitCode: number | undefined;

  constructor(error: unknown, details: readonly string[], figures: object, exitCode?: number) {
    super(error instanceof Error ? error.message : String(error), { cause: error });
    this.error = error;
    this.details = details;
    this.figures = figures;
    this.exitCode = exitCode;
  }
}
