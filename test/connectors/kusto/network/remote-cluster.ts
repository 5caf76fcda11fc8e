import { type IncomingMessage, request as plainRequest, type ServerResponse } from "node:http";
import { createServer, type Server, request as tlsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";

/**
 * An emulator under the names of a cluster of Azure, by https: the engine, data management, the storage that it lends and the login
 * authority. The names are known to nobody but the proxy of the test.
 */
export interface RemoteCluster {
  readonly cluster: string;
  readonly authorityHost: string;
  /** The port of this machine where a host is served. */
  portOf(host: string): number | undefined;
  /** Requests that were answered, by host. */
  readonly requests: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export const names = {
  engine: "lab.westeurope.kusto.windows.net",
  ingest: "ingest-lab.westeurope.kusto.windows.net",
  authority: "login.authority.example",
  blob: "labblobs.blob.core.windows.net",
  queue: "labqueues.queue.core.windows.net",
} as const;

/** For the certificate of all of them. */
export const certificateNames: readonly string[] = Object.values(names).flatMap((name) => [
  name,
  // The emulator has several accounts.
  ...(/^lab(blobs|queues)/.test(name) ? [`*.${name.slice(name.indexOf(".") + 1)}`] : []),
]);

export async function startRemoteCluster(
  emulatorUrl: string,
  authority: string | undefined,
  tls: { readonly cert: string; readonly key: string },
): Promise<RemoteCluster> {
  /** Host to origin, grown by the storage that data management names. */
  const targets = new Map<string, string>([
    [names.engine, emulatorUrl],
    [names.ingest, emulatorUrl],
    ...(authority === undefined ? [] : [[names.authority, authority] as const]),
  ]);
  const requests = new Map<string, number>();

  function aliasOf(origin: string, service: "blob" | "queue"): string {
    for (const [host, target] of targets) if (target === origin && host.includes(`.${service}.`)) return host;
    const host = `lab${service}s${targets.size}.${service}.core.windows.net`;
    targets.set(host, origin);
    return host;
  }

  /** Names instead of this machine's addresses. */
  function outward(text: string): string {
    const storage = text.replace(/"(\w+)",\s*"(http:\/\/127\.0\.0\.1:\d+)/g, (whole, type: string, origin: string) => {
      if (!/^(TempStorage|SecuredReadyForAggregationQueue|SuccessfulIngestionsQueue|FailedIngestionsQueue)$/.test(type))
        return whole;
      return `"${type}","https://${aliasOf(origin, type === "TempStorage" ? "blob" : "queue")}`;
    });
    return authority === undefined ? storage : storage.replaceAll(authority, `https://${names.authority}`);
  }

  /** A message announces a blob, which the emulator reads by its own address. */
  function inward(text: string): string {
    return text.replace(/(<MessageText>)([^<]+)/, (_, tag: string, encoded: string) => {
      let message = Buffer.from(encoded, "base64").toString();
      for (const [host, origin] of targets) message = message.replaceAll(`https://${host}`, origin);
      return tag + Buffer.from(message).toString("base64");
    });
  }

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const host = (request.headers.host ?? "").replace(/:\d+$/, "");
    requests.set(host, (requests.get(host) ?? 0) + 1);
    const origin = targets.get(host);
    if (origin === undefined) throw new Error(`nobody is called ${host}`);
    const target = new URL(origin);
    const isQueue = host.includes(".queue.");
    let body = await bytesOf(request);
    if (isQueue) body = Buffer.from(inward(body.toString()));
    const headers = {
      ...request.headers,
      host: target.host,
      "accept-encoding": "identity",
      "content-length": body.length,
    };
    const ask = target.protocol === "https:" ? tlsRequest : plainRequest;
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { method: request.method, headers, rejectUnauthorized: false };
      ask(new URL(request.url ?? "/", origin), options, resolve)
        .once("error", reject)
        .end(body);
    });
    let content = await bytesOf(answer);
    if (!host.includes(".core.windows.net")) content = Buffer.from(outward(content.toString()));
    const { "transfer-encoding": _, ...others } = answer.headers;
    response.writeHead(answer.statusCode!, {
      ...others,
      ...(request.method !== "HEAD" && { "content-length": content.length }),
    });
    response.end(content);
  }

  const server: Server = createServer({ ...tls, keepAliveTimeout: 60_000 }, (request, response) => {
    forward(request, response).catch((error) => {
      response.writeHead(500).end(String(error));
    });
  });
  server.on("secureConnection", (socket: TLSSocket) => {
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    cluster: `https://${names.engine}`,
    authorityHost: `https://${names.authority}`,
    portOf: (host) => (targets.has(host) ? port : undefined),
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}
