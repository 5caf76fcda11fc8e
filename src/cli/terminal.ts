import type { WriteStream } from "node:tty";

/** Where a command writes: results to `out`, everything else to `err`. */
export interface Terminal {
  readonly out: NodeJS.WritableStream;
  readonly err: NodeJS.WritableStream & Partial<WriteStream>;
  /** Progress may be redrawn in place: stderr is a terminal that can do so. */
  readonly isLive: boolean;
  readonly hasColor: boolean;
}

export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  const isLive = stderr.isTTY === true && env.TERM !== "dumb";
  return { out: stdout, err: stderr, isLive, hasColor: wantsColor(env, isLive) };
}

/**
 * FORCE_COLOR decides where it is set, as in Node: 0 and words it does not know turn colours off, anything else turns them
 * on, in a file too. Else NO_COLOR turns them off with any value that is not empty (https://no-color.org).
 */
export function wantsColor(env: Readonly<Record<string, string | undefined>>, isLive: boolean): boolean {
  const { FORCE_COLOR, NO_COLOR } = env;
  if (FORCE_COLOR !== undefined) return ["", "1", "2", "3", "true"].includes(FORCE_COLOR);
  return isLive && !NO_COLOR;
}

const codes = { dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;

export type Colour = keyof typeof codes;

/** The text in a colour, where colours are wanted. */
export function coloured(text: string, colour: Colour, { hasColor }: Pick<Terminal, "hasColor">): string {
  const [on, off] = codes[colour];
  return hasColor ? `\u001b[${on}m${text}\u001b[${off}m` : text;
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
