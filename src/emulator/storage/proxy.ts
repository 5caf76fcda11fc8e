import { Agent, type IncomingMessage, type RequestListener, request, type ServerResponse } from "node:http";
import type { Fault, FaultPlace, FaultPlan } from "../faults/request-faults.ts";
import { type Listener, listen, type Refusal } from "../listener/listener.ts";

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
  /** The number of the account whose address this is. */
  readonly account: number;
  readonly plan: FaultPlan;
  /** The port to take if it is free. */
  readonly port?: number | undefined;
  /** Told of every request that Azurite answered: the method, the path without its query, and the status. */
  readonly onDone?: (method: string, path: string, status: number) => void;
}

export async function startProxy({ place, target, account, plan, port, onDone }: ProxyOptions): Promise<StorageProxy> {
  const agent = new Agent({ keepAlive: true });
  const handler: RequestListener = (incoming, outgoing) => {
    const path = (incoming.url ?? "").replace(/\?.*/s, "");
    const fault = plan.next(place, { method: incoming.method ?? "", path, account });
    if (fault && isBefore(fault)) return strike(fault, incoming, outgoing);
    const go = () => forward(incoming, outgoing, { agent, target, path, fault, onDone });
    if (fault?.act === "slow" && fault.when === "before") later(outgoing, fault.ms, go);
    else go();
  };
  // Clients of an earlier run may still have its address; where somebody else has taken it, they ask for the new one.
  const listener = await listen(handler, { port, refusal: storageRefusal }).catch(() =>
    listen(handler, { refusal: storageRefusal }),
  );
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

/** Azurite never hears of the request. */
const isBefore = (fault: Fault) =>
  fault.act === "answer" || fault.act === "expire-sas" || (fault.act !== "slow" && fault.when === "before");

/** Goes on after so long, unless the client has left meanwhile. */
function later(outgoing: ServerResponse, ms: number, act: () => void): void {
  const timer = setTimeout(act, ms);
  outgoing.on("close", () => clearTimeout(timer));
}

interface Forwarding {
  readonly agent: Agent;
  readonly target: string;
  readonly path: string;
  readonly fault: Fault | undefined;
  readonly onDone: ProxyOptions["onDone"];
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, to: Forwarding): void {
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
    to.onDone?.(incoming.method ?? "", to.path, response.statusCode ?? 0);
    if (to.fault?.act === "hang" || (to.fault?.act === "reset" && to.fault.when === "after")) {
      response.resume();
      if (to.fault.act === "reset") outgoing.destroy();
      return;
    }
    const { connection: _hop, ...answerHeaders } = response.headers;
    const answer = () => {
      outgoing.writeHead(response.statusCode ?? 502, answerHeaders);
      if (to.fault?.act === "reset") breakOff(response, outgoing);
      else response.pipe(outgoing);
    };
    response.on("error", () => outgoing.destroy());
    if (to.fault?.act === "slow" && to.fault.when === "after") later(outgoing, to.fault.ms, answer);
    else answer();
  });
  upstream.on("error", () => outgoing.destroy());
  incoming.on("error", () => upstream.destroy());
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) upstream.destroy();
  });
  incoming.pipe(upstream);
}

/** Half of what comes first, and no more. */
function breakOff(response: IncomingMessage, outgoing: ServerResponse): void {
  response.once("end", () => outgoing.destroy());
  response.once("data", (chunk: Buffer) => {
    response.pause();
    outgoing.write(chunk.subarray(0, chunk.length / 2), () => outgoing.destroy());
  });
}

/** Plays a fault that keeps the request from storage. */
function strike(fault: Fault, incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (fault.act === "reset") {
    incoming.socket.resetAndDestroy();
    return;
  }
  incoming.resume();
  if (fault.act === "hang") return;
  const [status, code, text] =
    fault.act === "answer"
      ? [fault.status, storageCodes[fault.status] ?? "InternalError", "The request was not carried out."]
      : [
          403,
          "AuthenticationFailed",
          "Server failed to authenticate the request. Signature not valid in the specified time frame.",
        ];
  incoming.on("end", () => {
    outgoing.writeHead(status, {
      "content-type": "application/xml",
      "x-ms-error-code": code,
      ...(fault.act === "answer" && fault.retryAfterSeconds !== undefined
        ? { "retry-after": String(fault.retryAfterSeconds) }
        : {}),
    });
    outgoing.end(errorXml(code, text));
  });
}

/** An error in the form of Azure Storage. */
const errorXml = (code: string, text: string) =>
  `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${text.replaceAll(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`)}</Message></Error>`;

function storageRefusal(status: number, why: string): Refusal {
  const code = status === 403 ? "AuthorizationFailure" : "InvalidUri";
  return { contentType: "application/xml", body: errorXml(code, why) };
}
