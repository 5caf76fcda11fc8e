import { createServer, type RequestListener, type Server, STATUS_CODES } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { turnedAway } from "./foreign-requests.ts";

/** A loopback HTTP listener that can fall silent and come back on its own port. */
export interface Listener {
  readonly port: number;
  readonly origin: string;
  /** Refuses connections (ECONNREFUSED) and drops the open ones for so long; a later call replaces an earlier one. */
  outage(forMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface Listening {
  /** Default 0, a free one. */
  readonly port?: number | undefined;
  /** With a certificate and its key it speaks https. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** The body of a refusal in the form of the service that listens. */
  readonly refusal: (status: number, why: string) => Refusal;
}

export interface Refusal {
  readonly contentType: string;
  readonly body: string;
}

/** Whatever listens turns away what other sites' pages send, and what is no request: see {@link turnedAway}. */
export async function listen(handler: RequestListener, { port = 0, tls, refusal }: Listening): Promise<Listener> {
  const keeping = { keepAliveTimeout: 60_000 };
  const guarded: RequestListener = (request, response) => {
    const away = turnedAway(request, tls ? "https" : "http");
    if (!away) return handler(request, response);
    const { contentType, body } = refusal(away.status, away.why);
    request.resume();
    response.writeHead(away.status, {
      "content-type": contentType,
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
    });
    response.end(body);
  };
  const server = tls ? createSecureServer({ ...keeping, ...tls }, guarded) : createServer(keeping, guarded);
  server.on("clientError", (error: Error & { code?: string }, socket) => answerRubbish(error.code, socket, refusal));
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

const statuses: Readonly<Record<string, number | undefined>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

/** What is no HTTP, or has an address and headers of more than Node.js takes (16 KiB), is told so before it is cut off. */
function answerRubbish(code: string | undefined, socket: Duplex, refusal: Listening["refusal"]): void {
  const { _httpMessage: answer } = socket as { _httpMessage?: { headersSent: boolean } };
  if (code === "ECONNRESET" || !socket.writable || answer?.headersSent) {
    socket.destroy();
    return;
  }
  const status = statuses[code ?? ""] ?? 400;
  const { contentType, body } = refusal(status, `The request is refused: ${STATUS_CODES[status]}.`);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${contentType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
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
