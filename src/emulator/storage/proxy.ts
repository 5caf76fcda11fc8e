import { Agent, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Fault, FaultPlace, FaultPlan } from "../faults.ts";
import { type Listener, listen } from "../http/listener.ts";

/** What Azure Storage calls these answers (documentation, "Common REST API error codes"). */
const storageCodes: Readonly<Record<number, string | undefined>> = {
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServerBusy",
};

/**
 * A forwarder in front of one of Azurite's services. Clients are given its address, so that faults can be played
 * between them and storage; a signature does not cover the host, so a SAS is as good here as there. The emulator itself
 * speaks to Azurite directly and is never struck.
 */
export interface StorageProxy extends Listener {
  /** The same URL as Azurite knows it, if it is one of ours. */
  toAzurite(url: string): string | undefined;
}

export interface ProxyOptions {
  readonly place: Extract<FaultPlace, "blob" | "queue" | "table">;
  readonly target: string;
  readonly plan: FaultPlan;
  /** Told of every request that Azurite answered: the method, the path without its query, and the status. */
  readonly onDone?: (method: string, path: string, status: number) => void;
}

export async function startProxy({ place, target, plan, onDone }: ProxyOptions): Promise<StorageProxy> {
  const agent = new Agent({ keepAlive: true });
  const listener = await listen((incoming, outgoing) => {
    const fault = plan.next(place);
    if (fault && strike(fault, incoming, outgoing)) return;
    forward(incoming, outgoing, { agent, target, answer: fault === undefined, onDone });
  });
  return {
    ...listener,
    toAzurite: (url) =>
      url.startsWith(`${listener.origin}/`) ? target + url.slice(listener.origin.length) : undefined,
    async close() {
      await listener.close();
      agent.destroy();
    },
  };
}

function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  to: { agent: Agent; target: string; answer: boolean; onDone: ProxyOptions["onDone"] },
): void {
  const { connection: _hop, ...headers } = incoming.headers;
  const { hostname, port } = new URL(to.target);
  const upstream = request({
    agent: to.agent,
    hostname,
    port,
    method: incoming.method,
    path: incoming.url,
    headers,
  });
  upstream.on("response", (response) => {
    to.onDone?.(incoming.method ?? "", (incoming.url ?? "").replace(/\?.*/s, ""), response.statusCode ?? 0);
    if (!to.answer) {
      response.resume();
      outgoing.destroy();
      return;
    }
    const { connection: _hop, ...answerHeaders } = response.headers;
    outgoing.writeHead(response.statusCode ?? 502, answerHeaders);
    response.pipe(outgoing);
    response.on("error", () => outgoing.destroy());
  });
  upstream.on("error", () => outgoing.destroy());
  incoming.on("error", () => upstream.destroy());
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) upstream.destroy();
  });
  incoming.pipe(upstream);
}

/** Plays a fault; false means: forward it all the same, and cut the answer off. */
function strike(fault: Fault, incoming: IncomingMessage, outgoing: ServerResponse): boolean {
  if (fault.act === "reset" && fault.when === "after") return false;
  if (fault.act === "reset") {
    incoming.socket.resetAndDestroy();
    return true;
  }
  const [status, code, text] =
    fault.act === "expired"
      ? [
          403,
          "AuthenticationFailed",
          "Server failed to authenticate the request. Signature not valid in the specified time frame.",
        ]
      : [fault.status, storageCodes[fault.status] ?? "InternalError", "The request was not carried out."];
  incoming.resume();
  incoming.on("end", () => {
    outgoing.writeHead(status, {
      "content-type": "application/xml",
      "x-ms-error-code": code,
      ...(fault.act === "answer" && fault.retryAfterSeconds !== undefined
        ? { "retry-after": String(fault.retryAfterSeconds) }
        : {}),
    });
    outgoing.end(`<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${text}</Message></Error>`);
  });
  return true;
}
