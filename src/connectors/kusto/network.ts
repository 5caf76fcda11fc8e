import { Agent as PlainAgent } from "node:http";
import { type RequestOptions, Agent as TlsAgent } from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { plainHost } from "./no-proxy.ts";
import { namesProxy, proxyFor } from "./proxy.ts";
import { openTunnel } from "./tunnel.ts";

// The clients of the SDKs each read the environment's proxy in another way, and wrongly: credentials are not decoded, NO_PROXY
// is compared exactly, the loopback is sent to the proxy, HTTP_PROXY is taken for https. So they are given agents that decide.

type Connected = (error: Error | null, socket: Duplex) => void;

/** An agent for https that goes by the environment's proxy, asked for each new connection. */
class ProxyingAgent extends TlsAgent {
  override createConnection(options: RequestOptions, callback?: Connected): Duplex | null | undefined {
    let proxy: ReturnType<typeof proxyFor>;
    try {
      proxy = proxyFor(urlOf(options));
    } catch (error) {
      callback?.(error as Error, undefined as never);
      return undefined;
    }
    if (!proxy) return super.createConnection(options, callback);
    const { host, port } = placeOf(options);
    openTunnel(proxy, host, port).then(
      (socket) => {
        const secured = connectTls({ ...(options as ConnectionOptions), ...serverName(options), socket });
        socket.once("close", () => secured.destroy());
        callback?.(null, secured);
      },
      (error) => callback?.(error, undefined as never),
    );
    return undefined;
  }

  /** A connection that was made by another proxy, or without one, is not used again. */
  override getName(options?: RequestOptions): string {
    return `${super.getName(options)}:${options ? (nameOfProxy(options) ?? "") : ""}`;
  }
}

function nameOfProxy(options: RequestOptions): string | undefined {
  try {
    return proxyFor(urlOf(options))?.name;
  } catch {
    return undefined;
  }
}

function placeOf({ host, hostname, port }: RequestOptions): { host: string; port: number } {
  return { host: plainHost(host ?? hostname ?? "localhost"), port: Number(port) || 443 };
}

function urlOf(options: RequestOptions): URL {
  const { host, port } = placeOf(options);
  return new URL(`https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`);
}

function serverName(options: RequestOptions): { servername?: string } {
  const { host } = placeOf(options);
  return !options.servername && isIP(host) === 0 ? { servername: host } : {};
}

// Connections that are not in use do not keep the process alive.
const tlsAgent = new ProxyingAgent({ keepAlive: true });
const plainAgent = new PlainAgent({ keepAlive: true });

function agentFor(url: string): PlainAgent | TlsAgent {
  return new URL(url).protocol === "https:" ? tlsAgent : plainAgent;
}

/** What axios, and so azure-kusto-data, is to be told for requests to this URL. */
export function axiosNetwork(url: string): { proxy: false; httpAgent?: PlainAgent; httpsAgent?: TlsAgent } {
  proxyFor(new URL(url)); // refuses a proxy that cannot be used
  return { proxy: false, ...(namesProxy() && { httpAgent: plainAgent, httpsAgent: tlsAgent }) };
}

/** @azure's clients would read a proxy from the environment even where they are given an agent, and stop at one without a scheme. */
const proxyOptions = { host: "http://127.0.0.1", port: 9 };

/** Options for a client of @azure/storage-blob or @azure/storage-queue of this URL. */
export function storageNetwork(url: string): object {
  if (!namesProxy()) return {};
  proxyFor(new URL(url)); // as above
  return { agent: agentFor(url), proxyOptions };
}

/** A login's requests, and the last of their failures: MSAL drops causes. */
export interface IdentityNetwork {
  readonly options: object;
  failure(): unknown;
}

/** Options for the credentials of @azure/identity. */
export async function identityNetwork(): Promise<IdentityNetwork> {
  const { createDefaultHttpClient } = await import("@azure/core-rest-pipeline");
  const client = createDefaultHttpClient();
  let failed: unknown;
  const httpClient: typeof client = {
    async sendRequest(request) {
      if (namesProxy()) request.agent = agentFor(request.url) as NonNullable<typeof request.agent>;
      try {
        proxyFor(new URL(request.url));
        const response = await client.sendRequest(request);
        failed = undefined;
        return response;
      } catch (error) {
        if (request.url.startsWith("https:")) failed = error;
        throw error;
      }
    },
  };
  return { options: { httpClient, ...(namesProxy() && { proxyOptions }) }, failure: () => failed };
}
