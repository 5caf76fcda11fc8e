import type { IncomingMessage } from "node:http";

/** A request that a listener turns away before anything else looks at it. */
export interface TurnedAway {
  readonly status: 400 | 403;
  readonly why: string;
}

/**
 * Judges where a request comes from, by what a browser says of it. A web page of any other site can send requests to the
 * loopback (forms, images, `fetch` in the mode `no-cors`), and can be under a name that its owner makes resolve to
 * 127.0.0.1 (DNS rebinding). Clients that are no browsers send none of these headers but Host.
 *
 * - Host must be a loopback name: a rebound page is under a name of its owner's.
 * - Origin must be the listener's own. A browser adds it to all that is not GET or HEAD, and to whatever a script reads.
 * - Sec-Fetch-Site must be `same-origin` or `none` (somebody typed the address). It tells an image or a script from the
 *   page's own requests. The top-level navigation to the page is the exception: a link may lead there, and it shows no
 *   data to where the link stands.
 * - Referer is looked at where both are missing, as in browsers before 2020.
 * - A body that a browser sends must be JSON: for any other site's page that takes a preflight request, which is refused.
 *
 * The path and the query must be such as can be decoded, for everything behind this relies on it.
 */
export function turnedAway(request: IncomingMessage, scheme: "http" | "https"): TurnedAway | undefined {
  const { host, origin, referer, "sec-fetch-site": site } = request.headers;
  const forbidden = (why: string): TurnedAway => ({ status: 403, why });
  if (host !== undefined && !isLoopback(host))
    return forbidden(
      `The request is for the host ${shown(host)}. The emulator answers to localhost, 127.0.0.0/8 and [::1] only, so that no web page reaches it under another name.`,
    );
  const own = `${scheme}://${host?.toLowerCase()}`;
  if (origin !== undefined && origin.toLowerCase() !== own)
    return forbidden(
      `The request comes from a web page at ${shown(origin)}. The emulator answers to its own page and to programs.`,
    );
  const isOwnSite = site === undefined || site === "same-origin" || site === "none";
  if (!isOwnSite && !isNavigationToPage(request))
    return forbidden(
      `The request comes from a web page of another site (Sec-Fetch-Site: ${shown(String(site))}). The emulator answers to its own page and to programs.`,
    );
  if (origin === undefined && site === undefined && referer !== undefined && originOf(referer) !== own)
    return forbidden(
      `The request comes from a web page at ${shown(originOf(referer))}. The emulator answers to its own page and to programs.`,
    );
  const isBrowser = origin !== undefined || site !== undefined;
  if (isBrowser && hasBody(request) && !/^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? ""))
    return forbidden("A browser must send the body as application/json, which other sites' pages cannot.");
  return isWellFormed(request.url ?? "")
    ? undefined
    : { status: 400, why: `The address ${shown(request.url ?? "")} of the request is malformed.` };
}

function isLoopback(host: string): boolean {
  const name = host.replace(/:\d{1,5}$/, "").toLowerCase();
  return name === "localhost" || name === "[::1]" || /^127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(name);
}

function isNavigationToPage({ method, url, headers }: IncomingMessage): boolean {
  const isNavigation = headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document";
  return isNavigation && method === "GET" && /^\/(\?|$)/.test(url ?? "");
}

const originOf = (referer: string) => (URL.canParse(referer) ? new URL(referer).origin : referer);

const hasBody = ({ headers }: IncomingMessage) =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

/** From the root, not with a host in it, and each `%` followed by what stands for UTF-8. */
function isWellFormed(address: string): boolean {
  if (!address.startsWith("/")) return false;
  try {
    decodeURIComponent(address);
    return true;
  } catch {
    return false;
  }
}

const longestShown = 200;

/** Headers and addresses come from strangers: as JSON nothing of them acts on a terminal. */
const shown = (text: string) => JSON.stringify(text.length > longestShown ? `${text.slice(0, longestShown)}...` : text);
