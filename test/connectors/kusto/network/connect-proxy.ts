import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";

/** What the proxy does with a request for a tunnel, in place of making it. */
export type Behaviour = (host: string, socket: Duplex) => boolean;

export interface ConnectProxyOptions {
  /** The value of Proxy-Authorization that it wants. */
  readonly authorization?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly listenAt?: string;
  /** Where hosts really are: host to port of 127.0.0.1; undefined: this host is not let out to. */
  readonly portOf: (host: string) => number | undefined;
  /** Asked for each tunnel: behind how many bytes of the host's it breaks. */
  readonly cutAfter?: (host: string) => number | undefined;
}

export interface ConnectProxy {
  readonly port: number;
  /** `host:port` of each tunnel that was asked for, in their order. */
  readonly asked: string[];
  /** Requests that are not for a tunnel: there must be none. */
  readonly plain: string[];
  /** Set to do something else than to make the tunnel. */
  behaviour: Behaviour | undefined;
  close(): Promise<void>;
}

/** A forward proxy that makes tunnels (CONNECT), and nothing else. */
export async function startConnectProxy(options: ConnectProxyOptions): Promise<ConnectProxy> {
  const { authorization, tls, portOf, cutAfter, listenAt = "127.0.0.1" } = options;
  const asked: string[] = [];
  const plain: string[] = [];
  const open = new Set<Duplex>();
  const server: Server = tls ? createTlsServer(tls) : createServer();
  server.on("request", (request, response) => {
    plain.push(`${request.method} ${request.url}`);
    response.writeHead(400).end("this is a proxy");
  });
  const proxy: ConnectProxy = {
    port: 0,
    asked,
    plain,
    behaviour: undefined,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  server.on("connect", (request: IncomingMessage, client: Socket, head: Buffer) => {
    const place = request.url ?? "";
    asked.push(place);
    open.add(client);
    client.on("error", () => {});
    client.once("close", () => open.delete(client));
    const host = new URL(`https://${place}`).hostname;
    if (authorization !== undefined && request.headers["proxy-authorization"] !== authorization) {
      client.end(page(407, 'Proxy-Authenticate: Basic realm="test"\r\n', "<h1>Who are you?</h1>"));
      return;
    }
    if (proxy.behaviour?.(host, client)) return;
    const port = portOf(host);
    if (port === undefined) {
      client.end(page(403, "", "<h1>Blocked by policy</h1>"));
      return;
    }
    const target = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      target.write(head);
      client.pipe(target);
      const most = cutAfter?.(host) ?? Infinity;
      let passed = 0;
      target.on("data", (bytes) => {
        client.write(bytes.subarray(0, most - passed));
        passed += bytes.length;
        if (passed >= most) client.destroySoon();
      });
    });
    target.on("error", () => client.destroy());
    client.once("close", () => target.destroy());
    target.once("close", () => client.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, listenAt, resolve);
  });
  return Object.assign(proxy, { port: (server.address() as AddressInfo).port });
}

/** An answer with a body of HTML. */
export function page(status: number, headers: string, html: string): string {
  return `HTTP/1.1 ${status} Something\r\nContent-Type: text/html\r\n${headers}Content-Length: ${html.length}\r\n\r\n${html}`;
}
