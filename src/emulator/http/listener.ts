import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";

/** A loopback HTTP listener that can fall silent and come back on its own port. */
export interface Listener {
  readonly port: number;
  readonly origin: string;
  /** Refuses connections (ECONNREFUSED) and drops the open ones for so long; a later call replaces an earlier one. */
  outage(forMs: number): Promise<void>;
  close(): Promise<void>;
}

/** With a certificate and its key it speaks https. */
export async function listen(
  handler: RequestListener,
  port = 0,
  tls?: { readonly cert: string; readonly key: string },
): Promise<Listener> {
  const keeping = { keepAliveTimeout: 60_000 };
  const server = tls ? createSecureServer({ ...keeping, ...tls }, handler) : createServer(keeping, handler);
  await bind(server, port);
  const own = (server.address() as AddressInfo).port;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const rebind = () => {
    if (closed) return;
    // Another process may have taken the port for a moment; ask again until it is free.
    bind(server, own).catch(() => {
      timer = setTimeout(rebind, 50);
    });
  };
  return {
    port: own,
    origin: `${tls ? "https" : "http"}://127.0.0.1:${own}`,
    async outage(forMs) {
      clearTimeout(timer);
      await unbind(server);
      if (!closed) timer = setTimeout(rebind, forMs);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await unbind(server);
    },
  };
}

function bind(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function unbind(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
