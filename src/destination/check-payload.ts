import { sortOf } from "../arguments.ts";
import { payloads } from "../encode/payload.ts";
import { MillraceError } from "../errors.ts";

/** @throws MillraceError BAD_OPTION where it is none of them; absent stands for gzip. */
export function checkPayload(what: string, payload: unknown): void {
  if (payload === undefined || (payloads as readonly unknown[]).includes(payload)) return;
  const shown = typeof payload === "string" ? JSON.stringify(payload) : sortOf(payload);
  throw new MillraceError("BAD_OPTION", `${what}: payload is ${shown}; it takes ${payloads.join(", ")}.`, {
    context: { option: "payload" },
  });
}
