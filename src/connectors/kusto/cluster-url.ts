import { MillraceError } from "../../errors.ts";
import { isKustoHost } from "./kusto-hosts.ts";
import { likelyHost, likelyQuestion } from "./likely-host.ts";
import { plainHost } from "./no-proxy.ts";
import { percentDecoded } from "./percent-text.ts";
import { isListed, refuseUnknownHost } from "./trust.ts";

/** The addresses of a cluster, from what a caller gave. */
export interface Endpoints {
  readonly engineUrl: string;
  readonly ingestUrl: string;
  readonly host: string;
  readonly isLoopback: boolean;
}

const example = "https://adx.westeurope.kusto.windows.net";
const ingestPrefix = "ingest-";

/** The loopback in the forms that the SDK trusts without a prefix. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/**
 * Reads the URL of a cluster. A Kusto host without `https://` will do, and a path that is the database's name.
 *
 * @param database the one of the options, which a path may name too.
 * @param trustedHosts hosts beside Kusto's that may be meant.
 * @throws MillraceError BAD_OPTION, with the URL that was probably meant; UNTRUSTED_HOST for http beyond this machine.
 */
export function endpointsOf(cluster: string, database?: string, trustedHosts: readonly string[] = []): Endpoints {
  const url = urlOf(cluster.trim(), trustedHosts);
  const host = url.hostname.replace(/(.)\.$/, "$1");
  refuseMisspelt(url, host, trustedHosts);
  refuseRest(url, database);
  const place = url.port === "" ? host : `${host}:${url.port}`;
  const isLoopback = isLoopbackHost(host);
  if (url.protocol === "http:" && !isLoopback)
    throw new MillraceError(
      "UNTRUSTED_HOST",
      `kusto(): http://${host} would carry tokens and data in the clear; use https.`,
    );
  if (isLoopback || host.startsWith("[") || /^[\d.]+$/.test(host)) {
    const origin = `${url.protocol}//${place}`;
    return { engineUrl: origin, ingestUrl: origin, host, isLoopback };
  }
  const isIngest = place.startsWith(ingestPrefix);
  const bare = isIngest ? place.slice(ingestPrefix.length) : place;
  return {
    engineUrl: `https://${bare}`,
    ingestUrl: `https://${ingestPrefix}${bare}`,
    host: isIngest ? host.slice(ingestPrefix.length) : host,
    isLoopback,
  };
}

function bad(message: string): MillraceError {
  return new MillraceError("BAD_OPTION", `kusto(): ${message}`);
}

/** What is wrong with the rest of a URL is told with the URL that will do, which would repeat a misspelt host. */
function refuseMisspelt(url: URL, host: string, trustedHosts: readonly string[]): void {
  if (isLoopbackHost(host)) return;
  const likely = likelyHost(host);
  const hasRest = url.href !== `${url.origin}/`;
  if (likely && (hasRest || (url.protocol === "http:" && likely.host !== undefined)))
    refuseUnknownHost(host, trustedHosts);
}

function urlOf(given: string, trustedHosts: readonly string[]): URL {
  if (/;|=/.test(given.split("?", 1)[0]!))
    throw bad("cluster is a URL, not a connection string; database and credentials have options of their own.");
  if (/^https?:\/\//i.test(given)) {
    const url = URL.canParse(given) ? new URL(given) : undefined;
    if (url) return url;
  }
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(given) ?? [];
  if (scheme !== undefined)
    throw bad(
      /^https?$/i.test(scheme)
        ? `cluster is not a URL; it looks like ${example}.`
        : `cluster is a URL by https, such as ${example}, and not by ${scheme}.`,
    );
  const meant = URL.canParse(`https://${given}`) ? new URL(`https://${given}`) : undefined;
  if (!meant || given.startsWith("/")) throw bad(`cluster is not a URL; it looks like ${example}.`);
  const host = meant.hostname;
  if (isKustoHost(plainHost(host))) return meant;
  throw bad(`cluster ${shown(given)} is not a URL${likely(meant, trustedHosts)}`);
}

/** What was probably meant by text without a scheme: a URL that is taken. */
function likely({ hostname, host, username }: URL, trustedHosts: readonly string[]): string {
  if (username !== "") return `; it looks like ${example}.`;
  if (isLoopbackHost(hostname)) return `: is it http://${host}?`;
  const name = plainHost(hostname);
  if (isListed(name, trustedHosts)) return `: is it https://${host}?`;
  const question = name.includes(".") ? likelyQuestion(name) : `it looks like ${example}.`;
  if (question !== undefined) return `; ${question}`;
  // Kusto's own tools take NAME.REGION.
  if (/^[a-z0-9-]+\.[a-z]+[a-z0-9]*$/.test(hostname) && !/\.(com|net|org|local|internal|example)$/.test(hostname))
    return `; did you mean https://${hostname}.kusto.windows.net?`;
  return `; it looks like ${example}. A host of your own needs https:// before it, and trustedHosts (--trusted-host).`;
}

/** A URL of a cluster is scheme and host; of what else is in it, the part that helps is named. */
function refuseRest({ protocol, host, hostname, pathname, search, hash, username, password }: URL, database?: string) {
  const plain = `${protocol}//${host}`;
  if (username || password)
    throw bad(`cluster must be scheme and host only, as ${plain}; a user name or password is a login's.`);
  const [, name, named] = /^\/clusters\/([^/]+)(?:\/databases\/([^/]+))?/.exec(pathname) ?? [];
  if (/^dataexplorer\.azure\.(com|us|cn)$/.test(hostname)) {
    const cluster = clusterNamed(name);
    const from = named === undefined ? "" : ` and the database ${shown(percentDecoded(named))}`;
    throw bad(`cluster is the address of the web interface; give the cluster's own, such as ${cluster}${from}.`);
  }
  if (search || hash) throw bad(`cluster must be scheme and host only, as ${plain}; there is a query behind it.`);
  const path = percentDecoded(pathname.replace(/^\/|\/$/g, ""));
  if (path === "" || path === database) return;
  if (path.includes("/")) throw bad(`cluster must be scheme and host only, as ${plain}; there is a path behind it.`);
  throw bad(
    `cluster must be scheme and host only, as ${plain}; the database is an option of its own: ${shown(path)} there${
      database === undefined ? "" : `, or ${shown(database)}`
    }?`,
  );
}

/** Of the name in an address of the web interface, which may be short, or misspelt. */
function clusterNamed(name: string | undefined): string {
  if (name === undefined || !URL.canParse(`https://${name}`)) return example;
  const { hostname } = new URL(`https://${name}`);
  if (isKustoHost(hostname)) return `https://${hostname}`;
  const host = likelyHost(hostname)?.host;
  if (host !== undefined) return `https://${host}`;
  return /^[a-z0-9-]+(\.[a-z0-9]+)?$/.test(hostname) ? `https://${hostname}.kusto.windows.net` : example;
}

/** Of what was given, without what may be a password. */
function shown(text: string): string {
  return JSON.stringify(text.replace(/^[^@]*@/, "").slice(0, 100));
}
