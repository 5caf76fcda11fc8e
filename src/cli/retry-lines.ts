import { listen } from "../events.ts";
import { inFlags } from "./option-words.ts";
import { coloured, plainLine, type Terminal } from "./terminal.ts";

/**
 * A line on stderr for each call to the service that is made again, until the returned function is called: somebody waits,
 * and would not know for what.
 */
export function showRetries(terminal: Pick<Terminal, "err" | "hasColor">): () => void {
  return listen({
    "millrace:retry"({ stage, attempt, delayMs, code, message }) {
      const line = `${stage}: attempt ${attempt} failed, again in ${Math.round(delayMs)} ms: ${code}: ${inFlags(message)}`;
      terminal.err.write(`${coloured(plainLine(line), "yellow", terminal)}\n`);
    },
  });
}
