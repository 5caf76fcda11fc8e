import { isCode } from "../../errors.ts";
import { callFailure } from "./errors.ts";

/**
 * Whether a command leaves the same behind when it is run twice, so that it may be run again after its answer was lost. Of
 * Kusto's commands that is true of those that look, make, and set (documentation, "Management commands": `.create` returns
 * an entity that exists). Those that append, move, rename, or drop what must be there, are not repeated.
 */
export function isRepeatable(csl: string): boolean {
  const text = csl.trimStart();
  return /^\.(show|get|create|create-merge|create-or-alter|alter|alter-merge|add)\b/i.test(text) || ifExists.test(text);
}

const ifExists = /^\.drop\s.*\sifexists\s*$/is;

/** The command has not been run: it was turned away, or never came there. After any other failure it may have been. */
export function isTurnedAway(error: unknown): boolean {
  if (isCode(error, "THROTTLED")) return true;
  const failure = callFailure(error);
  return failure !== undefined && (failure.status === 503 || failure.isLogin || failure.isAtProxy || isAbsent(error));
}

/** Nothing listens at the address, or its host is not known. */
export function isAbsent(error: unknown): boolean {
  return isCode(error, "UNREACHABLE") && /^(ECONNREFUSED|ENOTFOUND)$/.test(callFailure(error)?.socketCode ?? "");
}
