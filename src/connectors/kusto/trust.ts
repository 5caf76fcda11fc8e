import { MillraceError, withoutQuery } from "../../errors.ts";
import type { Connection } from "./connection.ts";
import { isKustoHost } from "./kusto-hosts.ts";
import { likelyQuestion } from "./likely-host.ts";

/**
 * Refuses a cluster that may not be given a token. Known are the hosts of Kusto's clouds (kusto-hosts.ts), the loopback, and
 * what the caller added. It runs before any credential is made, so none is asked for a token in vain.
 *
 * @throws MillraceError UNTRUSTED_HOST.
 */
export async function assertTrusted(connection: Connection): Promise<void> {
  const { host, ingestUrl, trustedHosts, isLoopback } = connection;
  if (isLoopback) return;
  const { kustoTrustedEndpoints, MatchRule } = await import("azure-kusto-data");
  for (const name of new Set([host, new URL(ingestUrl).hostname])) {
    if (!trustedHosts.includes(host)) refuseUnknownHost(name, trustedHosts);
    // The SDK's client checks again, by a list that the whole process shares: of the cloud that the cluster says it is in.
    if (!kustoTrustedEndpoints.additionalMatcher?.isMatch(name))
      kustoTrustedEndpoints.addTrustedHosts([new MatchRule(name, true)], false);
  }
}

/**
 * Refuses a host that may not be given a token, and asks whether another was meant: a misspelt host is never offered for trust,
 * for the token would go to whoever owns it.
 *
 * @throws MillraceError UNTRUSTED_HOST.
 */
export function refuseUnknownHost(name: string, trustedHosts: readonly string[]): void {
  if (isKustoHost(name) || isListed(name, trustedHosts)) return;
  const question = likelyQuestion(name);
  const advice = question ?? "if it is yours, name it in trustedHosts (--trusted-host).";
  throw new MillraceError(
    "UNTRUSTED_HOST",
    `${name} is not known as a Kusto host, so it is given no token; ${advice}`,
    { context: { host: name, ...(question !== undefined && { question }) } },
  );
}

/** Does a list of trusted hosts hold this one: by its name, or below a domain? */
export function isListed(host: string, trustedHosts: readonly string[]): boolean {
  return trustedHosts.some((trusted) => (trusted.startsWith(".") ? host.endsWith(trusted) : host === trusted));
}

/**
 * Refuses a cluster that wants a token for somebody else: it says itself which resource its tokens are for, and would be
 * shown one for a mailbox or a subscription as readily.
 *
 * @throws MillraceError UNTRUSTED_HOST.
 */
export function assertResourceTrusted({ host, trustedHosts }: Connection, resource: string): void {
  const url = URL.canParse(resource) ? new URL(resource) : undefined;
  const name = url?.hostname ?? "";
  const isPlain = url?.protocol === "https:" && url.username === "" && url.password === "";
  if (isPlain && (name === host || isListed(name, trustedHosts) || isKustoHost(name))) return;
  const question = likelyQuestion(name);
  const advice = question === undefined ? "; if it is yours, name its host in trustedHosts (--trusted-host)" : "";
  throw new MillraceError(
    "UNTRUSTED_HOST",
    `${host} asks for a token of the resource ${withoutQuery(resource).slice(0, 200)}, which is not Kusto's, so it is given none${advice}.`,
    {
      context: { host: name, ...(question !== undefined && { question: "It is like a host of Kusto, and is none." }) },
    },
  );
}
