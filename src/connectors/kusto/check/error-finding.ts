import { MillraceError, reasonOf } from "../../../errors.ts";
import { unnamedPrincipal } from "../commit/rights.ts";
import { type Finding, failed } from "./finding.ts";

/** What a step threw: the service's or the network's own words, and what grants a right that is missing. */
export function findingOf(error: unknown, principal: string | undefined, signal: AbortSignal): Finding {
  if (signal.aborted) throw error;
  if (!(error instanceof MillraceError))
    return failed("INTERNAL", reasonOf(error), "Please report it: it is a defect.");
  const { code, retryable } = error;
  const grant = typeof error.context.grant === "string" ? error.context.grant : undefined;
  const advice = typeof error.context.fix === "string" ? error.context.fix : undefined;
  const told = advice === undefined ? error.message : error.message.replace(` ${advice}`, "");
  const message = grant === undefined ? told : told.replace(/ Somebody who may has to run: .*$/s, "");
  const isForeign = code === "UNTRUSTED_HOST" && error.context.host !== undefined;
  const known = isForeign ? trustFix(error) : (advice ?? fixes[code]);
  const fix = grant === undefined ? known : `Somebody who may grant it runs: ${granted(grant, principal)}`;
  return { status: "failed", message, code, retryable, ...(fix !== undefined && { fix }) };
}

/** What to do about a host that is given no token: one that is near a host of Kusto is not offered for trust. */
export function trustFix({ context: { host, question } }: MillraceError): string {
  if (question !== undefined) return `${String(question).charAt(0).toUpperCase()}${String(question).slice(1)}`;
  return `If it is yours: trustedHosts: [${JSON.stringify(String(host))}] (--trusted-host).`;
}

/** The command, with the principal in it where that is known. */
export function granted(grant: string, principal: string | undefined): string {
  return principal === undefined ? grant : grant.replace(unnamedPrincipal, principal);
}

const fixes: Readonly<Partial<Record<MillraceError["code"], string>>> = {
  UNREACHABLE: "Ask who runs the network between this machine and that host.",
  THROTTLED: "Try again in a while; if it stays so, ask the cluster's owner about its load.",
  SERVICE_UNAVAILABLE: "Try again in a while; if it stays so, ask the cluster's owner.",
  UNAUTHENTICATED:
    "Compare the credential's options (application id, key or certificate, tenant) with those of the directory.",
  FORBIDDEN: "Ask a Database Admin for a role on the database or the table.",
  BAD_REQUEST: "Compare the cluster's version with the documentation of the command, and ask its owner.",
};
