import { MillraceError } from "../../errors.ts";

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
  if (!(error instanceof MillraceError)) return false;
  const { code, context } = error;
  const isAtProxy = context.proxyFault !== undefined;
  return code === "THROTTLED" || context.status === 503 || context.login !== undefined || isAtProxy || isAbsent(error);
}

/** Nothing listens at the address, or its host is not known. */
export function isAbsent({ code, context }: MillraceError): boolean {
  return code === "UNREACHABLE" && /^(ECONNREFUSED|ENOTFOUND)$/.test(String(context.socketCode));
}
