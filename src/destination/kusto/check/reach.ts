import { lookup } from "node:dns/promises";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { isCode, MillraceError, reasonOf } from "../../../errors.ts";
import { isTlsRefusal } from "../errors.ts";
import type { Patience } from "../patience.ts";

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
export async function resolveHost({ hostname }: URL): Promise<Reached> {
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
  const { hostname, protocol } = url;
  const isTls = protocol === "https:";
  const port = Number(url.port) || (isTls ? 443 : 80);
  const place = `${hostname}:${port}`;
  try {
    const protocolName = await handshake(hostname, port, isTls, signal);
    return { isThere: true, how: `${place} answers${protocolName && ` by ${protocolName}`}` };
  } catch (error) {
    const code = codeOf(error);
    const name = isTls ? certificateTrouble[code] : undefined;
    return {
      isThere: false,
      why: name === undefined ? `Connecting to ${place} failed: ${reasonOf(error)}` : `${place} ${name} (${code})`,
      fix: name === undefined ? (socketFixes[code] ?? unknownFix) : (certificateFixes[code] ?? untrustedFix),
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
function handshake(host: string, port: number, isTls: boolean, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const onReady = () => {
      resolve("getProtocol" in socket ? (socket.getProtocol() ?? "TLS") : "");
      socket.destroy();
    };
    const socket: Socket | ReturnType<typeof connectTls> = isTls
      ? connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }) }, onReady)
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

/** What is wrong with a certificate, by OpenSSL's names. */
const certificateTrouble: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "shows a certificate that has expired",
  CERT_NOT_YET_VALID: "shows a certificate that is not valid yet",
  CERT_REVOKED: "shows a certificate that was revoked",
  CERT_UNTRUSTED: "shows a certificate that this machine does not trust",
  DEPTH_ZERO_SELF_SIGNED_CERT: "shows a certificate that it has signed itself",
  ERR_TLS_CERT_ALTNAME_INVALID: "shows a certificate of another host",
  SELF_SIGNED_CERT_IN_CHAIN: "shows a certificate of an authority that this machine does not know",
  UNABLE_TO_GET_ISSUER_CERT: "shows a certificate whose issuer this machine does not know",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "shows a certificate whose issuer this machine does not know",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "shows a certificate without those between it and its authority",
};

const untrustedFix =
  "If a proxy of your network stands between, ask its keeper for its root certificate and name the file in NODE_EXTRA_CA_CERTS; else ask the owner of the host.";
const clockFix =
  "Compare this machine's clock with the time; if it is right, ask the owner of the host for a new certificate.";
const certificateFixes: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: clockFix,
  CERT_NOT_YET_VALID: clockFix,
  CERT_REVOKED: "Ask the owner of the host for a new certificate.",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "Give the cluster's URL by the name that its certificate bears, not by an alias or an address.",
};

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

/** The environment's proxy for https, by which the SDKs' requests go; what is reached directly then proves little. */
export function proxyVariable(url: URL, env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (url.protocol !== "https:") return undefined;
  return ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].find((name) => env[name]);
}
