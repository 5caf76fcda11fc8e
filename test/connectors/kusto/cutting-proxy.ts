import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import { seeded } from "../../integrity/model/service.ts";

/** Which of the service's endpoints a request went to. `identity` is any target that is not a cluster. */
export type EndpointKind = "metadata" | "engine" | "management" | "blob" | "queue" | "table" | "identity";

/** A request and the answer that the target gave to it, before the client sees any of it. */
export interface ProxiedAnswer {
  /** Counts the answers of the proxy and of the storage behind it, from 1. */
  readonly nth: number;
  readonly kind: EndpointKind;
  readonly method: string;
  /** Without the query, where a SAS lives. */
  readonly path: string;
  /** The command or query; empty at storage and at identity endpoints. */
  readonly csl: string;
  readonly status: number;
  /** Length of the status line and the headers. */
  readonly headBytes: number;
  /** Length of the whole answer as it goes over the wire. */
  readonly bytes: number;
  /** Uniform in [0, 1), drawn from the seed. */
  random(): number;
}

/** What is done to an answer. The target has acted on the request in every case. */
export type Damage =
  /** The connection ends behind so many bytes of the answer; 0: before its first one. */
  | { readonly at: number; readonly by: "close" | "reset" }
  /** The same, of an answer without a length: the chunk that ends it does not come. */
  | { readonly at: number; readonly by: "close"; readonly isChunked: true }
  /** Keeps so many bytes of the body and ends as an answer should, with the length of what is left. */
  | { readonly keep: number }
  /** Another answer. */
  | { readonly status?: number; readonly contentType?: string; readonly instead: string };

export interface CuttingOptions {
  /** `http://127.0.0.1:PORT`: a cluster, or an identity endpoint. */
  readonly target: string;
  /** Asked for each answer: behind how many of its bytes the connection is closed, or another damage; undefined: none. */
  readonly cut?: ((answer: ProxiedAnswer) => number | Damage | undefined) | undefined;
  /** How long each answer is held back. */
  readonly delayMs?: number | ((answer: ProxiedAnswer) => number) | undefined;
  /** Of `answer.random()`. Default 1. */
  readonly seed?: number | undefined;
  /** A target that is no cluster has all its answers called so. */
  readonly kind?: "identity" | undefined;
}

export interface CuttingProxy {
  /** To be used in place of the target's. */
  readonly url: string;
  /** Answers so far, damaged ones included. */
  readonly answers: number;
  /** Damaged answers so far, by endpoint. */
  readonly damaged: ReadonlyMap<EndpointKind, number>;
  close(): Promise<void>;
}

/** Far beyond any answer of a test: an answer is held whole before it is passed on. */
const mostAnswerBytes = 64 * 1024 * 1024;

interface Shared {
  readonly options: CuttingOptions;
  readonly origins: Map<string, Promise<Origin>>;
  readonly damaged: Map<EndpointKind, number>;
  readonly random: () => number;
  answers: number;
}

interface Origin {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A forwarder in front of a cluster that damages answers on their way to the client. The storage that data management
 * names is reached through it too: its addresses are replaced in the answers that name them.
 */
export async function start(options: CuttingOptions): Promise<CuttingProxy> {
  const shared: Shared = {
    options,
    origins: new Map(),
    damaged: new Map(),
    random: seeded(options.seed ?? 1),
    answers: 0,
  };
  const target = new URL(options.target).origin;
  const front = await originFor(target, () => options.kind, shared);
  return {
    url: front.url,
    get answers() {
      return shared.answers;
    },
    damaged: shared.damaged,
    async close() {
      const origins = await Promise.all(shared.origins.values());
      await Promise.all(origins.map((origin) => origin.close()));
    },
  };
}

function originFor(target: string, kindOf: () => EndpointKind | undefined, shared: Shared): Promise<Origin> {
  let origin = shared.origins.get(target);
  if (!origin) {
    origin = listen(target, kindOf, shared);
    shared.origins.set(target, origin);
  }
  return origin;
}

async function listen(target: string, kindOf: () => EndpointKind | undefined, shared: Shared): Promise<Origin> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
    outgoing.on("error", () => {});
    forward(incoming, outgoing, target, agent, kindOf, shared).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      agent.destroy();
    },
  };
}

async function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: string,
  agent: Agent,
  kindOf: () => EndpointKind | undefined,
  shared: Shared,
): Promise<void> {
  const body = await bytesOf(incoming);
  const response = await asked(target, agent, incoming, body);
  const path = (incoming.url ?? "").replace(/\?.*/s, "");
  const csl = cslIn(path, body);
  const content = await rewritten(csl, response, await bytesOf(response), shared);
  const head = headOf(response, content.length, false);
  const answer: ProxiedAnswer = {
    nth: ++shared.answers,
    kind: kindOf() ?? clusterKind(path, csl),
    method: incoming.method ?? "",
    path,
    csl,
    status: response.statusCode ?? 0,
    headBytes: head.length,
    bytes: head.length + content.length,
    random: shared.random,
  };
  const { cut, delayMs = 0 } = shared.options;
  const ms = typeof delayMs === "function" ? delayMs(answer) : delayMs;
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms).unref());
  const wanted = cut?.(answer);
  if (wanted === undefined) {
    outgoing.writeHead(answer.status, headersOf(response, content.length));
    outgoing.end(content);
    return;
  }
  shared.damaged.set(answer.kind, (shared.damaged.get(answer.kind) ?? 0) + 1);
  damage(typeof wanted === "number" ? { at: wanted, by: "close" } : wanted, response, content, outgoing);
}

function damage(how: Damage, response: IncomingMessage, content: Buffer, outgoing: ServerResponse): void {
  if ("instead" in how) {
    outgoing.writeHead(how.status ?? 200, { "content-type": how.contentType ?? "text/html" });
    outgoing.end(how.instead);
    return;
  }
  if ("keep" in how) {
    const kept = content.subarray(0, how.keep);
    outgoing.writeHead(response.statusCode ?? 0, headersOf(response, kept.length));
    outgoing.end(kept);
    return;
  }
  const isChunked = "isChunked" in how;
  const head = headOf(response, content.length, isChunked);
  // One chunk without its end: the terminal chunk of length 0 is never sent.
  const chunk = isChunked ? Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content]) : content;
  const sent = Buffer.concat([head, chunk]).subarray(0, how.at);
  const { socket } = outgoing;
  if (!socket) return;
  const end = () => (how.by === "reset" ? socket.resetAndDestroy() : socket.destroy());
  if (sent.length === 0) end();
  else socket.write(sent, end);
}

function asked(target: string, agent: Agent, incoming: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
  const { hostname, port } = new URL(target);
  const { connection: _hop, ...headers } = incoming.headers;
  const options = { agent, hostname, port, method: incoming.method, path: incoming.url, headers };
  return new Promise((resolve, reject) => {
    const upstream = request(options, resolve);
    upstream.on("error", reject);
    upstream.end(body);
  });
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > mostAnswerBytes) throw new Error(`more than ${mostAnswerBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function cslIn(path: string, body: Buffer): string {
  if (!/^\/v[12]\/rest\/(mgmt|query)$/.test(path)) return "";
  const { csl } = JSON.parse(body.toString("utf8")) as { csl?: unknown };
  return typeof csl === "string" ? csl : "";
}

function clusterKind(path: string, csl: string): EndpointKind {
  if (path === "/v1/rest/auth/metadata") return "metadata";
  return csl.startsWith(".get ") ? "management" : "engine";
}

/** By the first letters of a resource's type in `.get ingestion resources`. */
const storageKinds: readonly (readonly [RegExp, EndpointKind])[] = [
  [/^TempStorage/, "blob"],
  [/Queue$/, "queue"],
  [/Table$/, "table"],
];

/** The answer, with every address of storage, or of the target itself, replaced by one that leads through the proxy. */
async function rewritten(csl: string, response: IncomingMessage, content: Buffer, shared: Shared): Promise<Buffer> {
  const namesTarget = shared.options.kind === "identity";
  if (!namesTarget && !/^\.(get|show) ingestion resources/.test(csl)) return content;
  const isPacked = response.headers["content-encoding"] === "gzip";
  const text = (isPacked ? gunzipSync(content) : content).toString("utf8");
  const changed = namesTarget ? await withoutTarget(text, shared) : await withoutStorage(text, shared);
  return isPacked ? gzipSync(changed) : Buffer.from(changed);
}

async function withoutTarget(text: string, shared: Shared): Promise<string> {
  const target = new URL(shared.options.target).origin;
  const own = await shared.origins.get(target);
  return own ? text.replaceAll(target, own.url) : text;
}

async function withoutStorage(text: string, shared: Shared): Promise<string> {
  const answer = JSON.parse(text) as { Tables?: { Rows: [string, string][] }[] };
  for (const { Rows } of answer.Tables ?? [])
    for (const row of Rows) {
      const kind = storageKinds.find(([type]) => type.test(row[0]))?.[1];
      if (kind === undefined || !URL.canParse(row[1])) continue;
      const { origin } = new URL(row[1]);
      row[1] = (await originFor(origin, () => kind, shared)).url + row[1].slice(origin.length);
    }
  return JSON.stringify(answer);
}

function headersOf(response: IncomingMessage, length: number): Record<string, string | string[] | undefined> {
  const { connection: _hop, "transfer-encoding": _framing, "content-length": _length, ...headers } = response.headers;
  const hasBody = response.statusCode !== 204 && response.statusCode !== 304;
  return hasBody ? { ...headers, "content-length": String(length) } : headers;
}

function headOf(response: IncomingMessage, length: number, isChunked: boolean): Buffer {
  const { "content-length": own, ...headers } = headersOf(response, length);
  const framing = isChunked ? { "transfer-encoding": "chunked" } : own === undefined ? {} : { "content-length": own };
  const lines = Object.entries({ ...headers, ...framing }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\n${lines.join("")}\r\n`);
}
