import { MillraceError } from "../../errors.ts";
import { bypassesProxy, isLocal } from "./no-proxy.ts";
import { percentDecoded } from "./percent-text.ts";

/** The proxy by which requests to a host go. */
export interface ForwardProxy {
  readonly host: string;
  readonly port: number;
  /** It is spoken to by TLS itself. */
  readonly isTls: boolean;
  /** The value of Proxy-Authorization. Secret, and a function so that nothing that prints this object prints it. */
  readonly authorization: () => string | undefined;
  /** For messages: the URL without user and password, and the variable that named it. */
  readonly name: string;
}

const variables = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] as const;

export function namesProxy(env: NodeJS.ProcessEnv = process.env): boolean {
  return variables.some((variable) => env[variable]);
}

/**
 * The proxy of the environment for a URL: HTTPS_PROXY, else ALL_PROXY, in upper case before lower case. HTTP_PROXY is not
 * asked: what is spoken without TLS stays on this machine. The environment is read anew each time.
 *
 * @throws MillraceError BAD_OPTION for a proxy that cannot be used, without its password.
 */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv = process.env): ForwardProxy | undefined {
  if (url.protocol !== "https:" || isLocal(url.hostname)) return undefined;
  const variable = variables.find((name) => env[name]);
  if (variable === undefined) return undefined;
  const port = Number(url.port) || 443;
  if (bypassesProxy(env.NO_PROXY || env.no_proxy || "", url.hostname, port)) return undefined;
  return proxyIn(variable, env[variable]!.trim());
}

/** What to add to a message about a request to this URL: ` through the proxy ...`, or nothing. */
export function throughProxy(url: string | URL | undefined): string {
  if (url === undefined) return "";
  try {
    const proxy = proxyFor(new URL(url));
    return proxy ? ` through ${proxy.name}` : "";
  } catch {
    return "";
  }
}

function proxyIn(variable: string, text: string): ForwardProxy {
  const bad = (why: string) => new MillraceError("BAD_OPTION", `The environment's ${variable} ${why}`);
  const given = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url)
    throw bad(
      "is no URL of a proxy, such as http://proxy.example:3128; in user and password write : as %3A, / as %2F, ? as %3F, # as %23 and @ as %40.",
    );
  const { protocol, hostname, username, password } = url;
  if (protocol !== "http:" && protocol !== "https:")
    throw bad(`names a proxy by ${protocol}//, which is not supported; name an HTTP proxy, as http://host:port.`);
  const isTls = protocol === "https:";
  const port = Number(url.port) || (isTls ? 443 : 80);
  const user = `${percentDecoded(username)}:${percentDecoded(password)}`;
  const authorization = user === ":" ? undefined : `Basic ${Buffer.from(user).toString("base64")}`;
  return {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port,
    isTls,
    authorization: () => authorization,
    name: `the proxy ${protocol}//${hostname}:${port} (${variable})`,
  };
}
