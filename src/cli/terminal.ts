import type { WriteStream } from "node:tty";

/** Where a command writes: results to `out`, everything else to `err`. */
export interface Terminal {
  readonly out: NodeJS.WritableStream;
  readonly err: NodeJS.WritableStream & Partial<WriteStream>;
  /** Progress may be redrawn in place: stderr is a terminal that can do so. */
  readonly isLive: boolean;
  readonly hasColor: boolean;
}

/** https://no-color.org: any value that is not empty turns colours off. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  const isLive = stderr.isTTY === true && env.TERM !== "dumb";
  return { out: stdout, err: stderr, isLive, hasColor: isLive && !env.NO_COLOR };
}

/**
 * Text out of data or out of a server, made harmless for a terminal and kept on one line: control characters could move
 * the cursor, or hide what follows.
 */
export function plainLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (c) => {
    if (c === "\n") return "\\n";
    if (c === "\r") return "\\r";
    if (c === "\t") return "\\t";
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
