import { MillraceError } from "../../errors.ts";
import { isLoopbackHost } from "./cluster-url.ts";
import type { Connection } from "./connection.ts";
import { isListed } from "./trust.ts";

/** The services of a storage account; `blob` is what containers are in. */
export type StorageService = "blob" | "queue" | "table";

/**
 * The storage suffixes of Azure's clouds: public, China, US Government, Germany, and the two of the US Government that are
 * closed (azure-functions-host, CloudConstants).
 */
const cloudSuffixes = [
  "core.windows.net",
  "core.chinacloudapi.cn",
  "core.usgovcloudapi.net",
  "core.cloudapi.de",
  "core.eaglex.ic.gov",
  "core.microsoft.scloud",
];

const clouds = cloudSuffixes.map((suffix) => suffix.replaceAll(".", "\\.")).join("|");

/** An account's name has 3 to 24 lower-case letters and digits; its other region is read under `-secondary`. */
const account = "[a-z0-9]{3,24}(-secondary)?";

/** Accounts by the suffix of a cloud, or of a DNS zone (documentation, "Storage account endpoints": z00 to z99). */
const accountHosts = Object.fromEntries(
  (["blob", "queue", "table"] as const).map((service) => [
    service,
    new RegExp(`^${account}\\.(${service}\\.(${clouds})|z\\d{1,2}\\.${service}\\.storage\\.azure\\.net)$`),
  ]),
) as Readonly<Record<StorageService, RegExp>>;

/**
 * Fabric's OneLake, the global address or that of a region (documentation, "OneLake access"), in the public cloud, that of the
 * US Government and the French one (azure-sdk-for-cpp, the endpoints of OneLake).
 */
const oneLakeHost = /^([a-z0-9]+-)?onelake\.(blob|dfs)\.fabric\.(microsoft\.com|microsoft\.us|sovcloud-api\.fr)$/;

type Trust = Pick<Connection, "isLoopback" | "trustedHosts">;

/**
 * Refuses an address that the service names as its storage, and that would carry the data, a SAS and the identity token
 * elsewhere: only the hosts of Azure Storage are taken, those in `trustedHosts`, and the loopback of a loopback cluster.
 *
 * @throws MillraceError UNTRUSTED_HOST, without the SAS.
 */
export function assertStorageTrusted(url: URL, service: StorageService, trust: Trust): void {
  const why = objection(url, service, trust);
  if (why === undefined) return;
  const { isLoopback, trustedHosts } = trust;
  const isOutsider =
    objection(url, service, { isLoopback, trustedHosts: [...trustedHosts, url.hostname] }) === undefined;
  const advice = isOutsider ? " If it is yours, name it in trustedHosts (--trusted-host)." : "";
  throw new MillraceError(
    "UNTRUSTED_HOST",
    `The service named ${url.host || "an address without a host"} for its ${service} storage, ${why}; nothing is sent there.${advice}`,
    { context: { host: url.hostname } },
  );
}

function objection(url: URL, service: StorageService, { isLoopback, trustedHosts }: Trust): string | undefined {
  const { hostname, protocol, port } = url;
  if (url.username !== "" || url.password !== "") return "with a user name or password in the address";
  const isOurs = isListed(hostname, trustedHosts);
  if (isLoopbackHost(hostname)) {
    if (protocol !== "http:" && protocol !== "https:") return `by ${protocol}//`;
    return isLoopback || isOurs ? undefined : "which is this machine, though the cluster is not";
  }
  if (protocol !== "https:") return "which is not https";
  if (isOurs) return undefined;
  if (!accountHosts[service].test(hostname) && !(service === "blob" && oneLakeHost.test(hostname)))
    return `which is no ${service} host of Azure Storage`;
  return port === "" ? undefined : "at another port than that of https";
}
