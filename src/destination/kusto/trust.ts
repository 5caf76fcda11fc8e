import { MillraceError } from "../../errors.ts";
import { type Connection, isLoopbackHost } from "./options.ts";

/**
 * Refuses a cluster that may not be given a token. Known are the hosts in azure-kusto-data's list of Kusto's clouds, the
 * loopback, and what the caller added. It runs before any credential is made, so none is asked for a token in vain.
 *
 * @throws MillraceError UNTRUSTED_HOST.
 */
export async function assertTrusted(connection: Connection): Promise<void> {
  const { host, ingestUrl, trustedHosts, isLoopback } = connection;
  if (isLoopback) return;
  const { kustoTrustedEndpoints, MatchRule } = await import("azure-kusto-data");
  for (const name of new Set([host, new URL(ingestUrl).hostname])) {
    if (Object.values(kustoTrustedEndpoints.matchers).some((matcher) => matcher.isMatch(name))) continue;
    const rule = trustedHosts.find((trusted) =>
      trusted.startsWith(".") ? name.endsWith(trusted) : name === trusted || host === trusted,
    );
    if (rule === undefined)
      throw new MillraceError(
        "UNTRUSTED_HOST",
        `${name} is not known as a Kusto host, so it is given no token; if it is yours, name it in trustedHosts (--trusted-host).`,
        { context: { host: name } },
      );
    // The SDK's client checks again, against a list that the whole process shares.
    if (!kustoTrustedEndpoints.additionalMatcher?.isMatch(name))
      kustoTrustedEndpoints.addTrustedHosts([new MatchRule(name, true)], false);
  }
}

/**
 * Refuses a storage address that would carry a SAS and the data in the clear. A loopback cluster may name loopback storage.
 *
 * @throws MillraceError UNTRUSTED_HOST.
 */
export function assertStorageTrusted(url: URL, isLoopback: boolean): void {
  if (url.protocol === "https:" || (isLoopback && url.protocol === "http:" && isLoopbackHost(url.hostname))) return;
  throw new MillraceError(
    "UNTRUSTED_HOST",
    `The service named the storage ${url.protocol}//${url.host}, which is not https; nothing is sent there.`,
    { context: { host: url.host } },
  );
}
