import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { isCode, MillraceError, reasonOf } from "../../../errors.ts";
import { certificateFix, certificateTrouble } from "../certificate-trouble.ts";
import { isTlsRefusal } from "../errors.ts";
import { plainHost } from "../no-proxy.ts";
import type { Patience } from "../patience.ts";
import { proxyFor } from "../proxy.ts";
import { isProxyFault, mayPass, proxyFix } from "../proxy-fault.ts";
import { openTunnel } from "../tunnel.ts";

/** What came of reaching for an address, without a word sent there. */
export type Reached =
  | { readonly isThere: true; readonly how: string }
  | {
      readonly isThere: false;
      readonly why: string;
      readonly fix: string;
      readonly retryable: boolean;
      /** The connection broke, which the next one need not. */
      readonly isBroken?: boolean;
    };

/** Asks the system's resolver, as the SDKs' own calls will. */
export async function resolveHost(url: URL): Promise<Reached> {
  const hostname = plainHost(url.hostname);
  const proxy = proxyFor(url);
  if (proxy) return { isThere: true, how: `${hostname} is resolved by ${proxy.name}` };
  if (isIP(hostname) !== 0) return { isThere: true, how: `${hostname} is an address` };
  try {
    const addresses = await lookup(hostname, { all: true });
    return { isThere: true, how: `${hostname} is ${addresses.map(({ address }) => address).join(", ")}` };
  } catch (error) {
    const code = codeOf(error);
    const isKnown = code !== "ENOTFOUND";
    return {
      isThere: false,
      why: `${hostname} is not resolved (${code})`,
      fix: isKnown
        ? "Ask who runs this machine's network whether its DNS server answers."
        : "Compare the cluster's URL with the one that the portal shows (Azure: Overview, URI; Fabric: Query URI); where it is right, ask who runs the network for the DNS zone of the cluster's private endpoint.",
      retryable: isKnown,
    };
  }
}

/** Opens a connection, with TLS where the URL says https, and closes it. */
export async function reach(url: URL, signal: AbortSignal): Promise<Reached> {
  const { protocol } = url;
  const hostname = plainHost(url.hostname);
  const isTls = protocol === "https:";
  const port = Number(url.port) || (isTls ? 443 : 80);
  const proxy = proxyFor(url);
  const way = proxy ? ` through ${proxy.name}` : "";
  const place = `${url.hostname}:${port}`;
  try {
    const tunnel = proxy && (await openTunnel(proxy, hostname, port));
    const protocolName = await handshake(hostname, port, isTls, signal, tunnel);
    return { isThere: true, how: `${place} answers${protocolName && ` by ${protocolName}`}${way}` };
  } catch (error) {
    const code = codeOf(error);
    if (isProxyFault(code)) {
      const why = `Connecting to ${place} failed: ${reasonOf(error)}`;
      const isBroken = code === "ERR_PROXY_FAILED";
      return { isThere: false, why, fix: proxyFix(code, reasonOf(error)), retryable: mayPass(code), isBroken };
    }
    const name = isTls ? certificateTrouble(code) : undefined;
    return {
      isThere: false,
      why:
        name === undefined
          ? `Connecting to ${place}${way} failed: ${reasonOf(error)}`
          : `${place}${way} ${name} (${code})`,
      fix: name === undefined ? (socketFixes[code] ?? unknownFix) : certificateFix(code),
      retryable: name === undefined && !(isTls && isTlsRefusal(code, reasonOf(error))),
      isBroken: code === "ECONNRESET" || code === "EPIPE",
    };
  }
}

/** Tries again where a connection broke. */
export async function reachAgain(url: URL, patient: Patience, signal: AbortSignal): Promise<Reached> {
  let last: Reached | undefined;
  const once = async () => {
    last = await reach(url, signal);
    if (last.isThere || !last.isBroken) return last;
    throw new MillraceError("UNREACHABLE", last.why, { retryable: true });
  };
  return patient.repeat(`connecting to ${url.host}`, signal, once).catch((error) => {
    if (last && isCode(error, "UNREACHABLE")) return last;
    throw error;
  });
}

/** Resolves with the name of the protocol; empty without TLS. */
function handshake(
  host: string,
  port: number,
  isTls: boolean,
  signal: AbortSignal,
  tunnel: Socket | undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const onReady = () => {
      resolve("getProtocol" in socket ? (socket.getProtocol() ?? "TLS") : "");
      socket.destroy();
    };
    const socket: Socket | ReturnType<typeof connectTls> = isTls
      ? connectTls(
          { host, port, ...(tunnel && { socket: tunnel }), ...(isIP(host) === 0 && { servername: host }) },
          onReady,
        )
      : connectTcp({ host, port }, onReady);
    const stop = () => socket.destroy(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    signal.addEventListener("abort", stop, { once: true });
    socket.once("error", reject);
    socket.once("close", () => {
      signal.removeEventListener("abort", stop);
      reject(Object.assign(new Error("the connection was closed in the handshake"), { code: "ECONNRESET" }));
    });
    if (signal.aborted) stop();
  });
}

function codeOf(error: unknown): string {
  // Several addresses of one host, each refused, come as an AggregateError.
  const { code, errors } = error as { code?: unknown; errors?: readonly { code?: unknown }[] };
  return String(code ?? errors?.[0]?.code ?? "no code");
}

const firewallFix = "Ask who runs the network whether a firewall lets this machine out to that host and port.";
const unknownFix = "Compare the cluster's URL with the one that the portal shows, and ask who runs the network.";
const socketFixes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Check the port, and that the cluster runs: a stopped one is started in the portal.",
  ECONNRESET: firewallFix,
  EHOSTUNREACH: firewallFix,
  ENETUNREACH: firewallFix,
  EPROTO: "What listens there does not speak TLS: check the port, and https or http.",
  ERR_SSL_WRONG_VERSION_NUMBER: "What listens there does not speak TLS: check the port, and https or http.",
  ETIMEDOUT: firewallFix,
};
