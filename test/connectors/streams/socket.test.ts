import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createServer as createTlsServer, Server as TlsServer } from "node:tls";
import { parse } from "csv-parse/sync";
import { socket } from "../../../src/connectors/streams/socket.ts";
import { selfSigned } from "../../../src/emulator/security/self-signed.ts";
import { MillraceError } from "../../../src/errors.ts";
import type { RetryEvent } from "../../../src/events.ts";
import { k, open, type SinkOptions, table } from "../../../src/index.ts";
import { until } from "../../gated.ts";
import { ended, idsIn, startWriter } from "./child.ts";

const numbers = table("Numbers", { id: k.int(), text: k.string().optional() });
const upTo = (count: number) => Array.from({ length: count }, (_, id) => id);
const host = "127.0.0.1";

interface Peer {
  readonly port: number;
  /** What each connection has brought. */
  readonly texts: string[];
  readonly sockets: Socket[];
}

/** A server that reads all it is sent, but for what `onConnection` does with a connection. */
async function listen(
  t: TestContext,
  server: Server,
  onConnection: (socket: Socket, number: number) => void = () => {},
) {
  const peer = { texts: [] as string[], sockets: [] as Socket[] };
  server.on(server instanceof TlsServer ? "secureConnection" : "connection", (from: Socket) => {
    const number = peer.sockets.push(from) - 1;
    peer.texts[number] = "";
    from.on("error", () => {});
    from.on("data", (data) => {
      peer.texts[number] = peer.texts[number]! + data;
    });
    onConnection(from, number);
  });
  server.listen(0, host);
  await once(server, "listening");
  t.after(() => {
    for (const each of peer.sockets) each.destroy();
    server.close();
  });
  return { ...peer, port: (server.address() as AddressInfo).port } satisfies Peer;
}

function openTo(port: number, more: SinkOptions & { readonly into?: Partial<Parameters<typeof socket>[0]> } = {}) {
  const { into, ...options } = more;
  return open({
    table: numbers,
    to: socket({ host, port, ...into }),
    ...{ parallelism: 0, retryBaseMs: 1, retryMaxMs: 5, retryTimeoutMs: 5_000 },
    ...options,
  });
}

/** The retries that are told meanwhile. */
function retriesOf(t: TestContext): RetryEvent[] {
  const told: RetryEvent[] = [];
  const listener = (event: unknown) => told.push(event as RetryEvent);
  subscribe("millrace:retry", listener);
  t.after(() => unsubscribe("millrace:retry", listener));
  return told;
}

test("rows arrive as lines, the last one too when close() has resolved", async (t) => {
  const peer = await listen(t, createServer());
  const child = startWriter(String(peer.port), "ndjson", 5_000);
  assert.deepEqual(await ended(child), { how: 0, said: "" });
  assert.deepEqual(peer.texts.map(idsIn), [upTo(5_000)]);
});

test("killed in the midst and started again with its state, it sends every row at least once", async (t) => {
  const peer = await listen(t, createServer());
  const state = mkdtempSync(join(tmpdir(), "millrace-socket-"));
  t.after(() => rmSync(state, { recursive: true, force: true }));
  for (const killBehind of [2, 4, Number.POSITIVE_INFINITY]) {
    const child = startWriter(String(peer.port), "ndjson", 6_000, join(state, "state"));
    const { how } = await ended(child, killBehind);
    assert.equal(how, killBehind === Number.POSITIVE_INFINITY ? 0 : "SIGKILL");
  }
  await until(() => peer.sockets.every(({ closed }) => closed), "the ends of the connections");
  const ids = peer.texts.flatMap((text) => idsIn(text.slice(0, text.lastIndexOf("\n") + 1)));
  assert.deepEqual(
    [...new Set(ids)].sort((a, b) => a - b),
    upTo(6_000),
  );
});

test("a batch whose connection breaks is sent again from its start, with the header, over a new one", async (t) => {
  const told = retriesOf(t);
  // More than the buffers of both systems hold, so the first connection cannot have taken it.
  const peer = await listen(t, createServer({ pauseOnConnect: true }), (from, number) => {
    if (number > 0) from.resume();
    else setImmediate(() => from.resetAndDestroy());
  });
  const sink = await openTo(peer.port, { batchSize: 1_000_000, into: { format: "csv", header: true } });
  const text = "line\n".repeat(2_000);
  for (const id of upTo(3_000)) if (!sink.write({ id, text })) await sink.ready;
  await sink.close();
  const [header, ...rows] = parse(peer.texts.at(-1)!) as string[][];
  assert.deepEqual(header, ["id", "text"]);
  assert.deepEqual(
    rows.map(([id]) => Number(id)),
    upTo(3_000),
  );
  assert.ok(rows.every(([, each]) => each === text));
  assert.ok(told.length > 0 && told.every(({ code }) => code === "UNREACHABLE"));
});

test("a connection that is lost between two batches is told, and the next batch goes over a new one", async (t) => {
  const told = retriesOf(t);
  const peer = await listen(t, createServer());
  const sink = await openTo(peer.port);
  sink.write({ id: 0 });
  await sink.flush();
  peer.sockets[0]!.end();
  await once(peer.sockets[0]!, "close");
  sink.write({ id: 1 });
  await sink.close();
  assert.deepEqual(peer.texts, ['{"id":0}\n', '{"id":1}\n']);
  assert.equal(told.length, 1);
  assert.match(told[0]!.message, /socket 127\.0\.0\.1:\d+: .*rows written before may not have arrived/);
});

test("close() rejects where the connection was lost behind the last batch, or breaks at its end", async (t) => {
  const peer = await listen(t, createServer({ allowHalfOpen: true }), (from) => {
    from.on("end", () => from.resetAndDestroy());
  });
  const atEnd = await openTo(peer.port);
  atEnd.write({ id: 0 });
  await assert.rejects(atEnd.close(), (error: MillraceError) => {
    assert.equal(error.code, "UNREACHABLE");
    assert.match(error.message, /rows may not have arrived/);
    return true;
  });
  const before = await openTo(peer.port);
  before.write({ id: 1 });
  await before.flush();
  peer.sockets[1]!.resetAndDestroy();
  await until(() => peer.sockets[1]!.closed, "the reset");
  await assert.rejects(before.close(), { code: "UNREACHABLE" });
});

for (const how of ["destroy", "end"] as const)
  test(`a peer that goes at its first bytes (${how}) is told: close() resolves only when it has all rows`, async (t) => {
    for (let round = 0; round < 8; round++) {
      const peer = await listen(t, createServer({ allowHalfOpen: true }), (from, number) => {
        if (number > 0) return from.on("end", () => from.end());
        return from.once("data", () => from[how]());
      });
      const retries = retriesOf(t);
      const sink = await openTo(peer.port, { batchSize: 500 });
      let failure: unknown;
      try {
        for (const id of upTo(1_000)) if (!sink.write({ id, text: "z".repeat(2_000) })) await sink.ready;
        await sink.close();
      } catch (error) {
        failure = error;
        await sink.abort();
      }
      const rows = peer.texts.join("").split("\n").length - 1;
      assert.ok(failure || retries.length > 0 || rows === 1_000, `${rows} rows, and nobody was told`);
    }
  });

test("a peer that does not close its side is an error behind closeTimeoutMs, and none with 0", async (t) => {
  const peer = await listen(t, createServer({ allowHalfOpen: true }));
  const waiting = await openTo(peer.port, { into: { closeTimeoutMs: 30 } });
  waiting.write({ id: 0 });
  await assert.rejects(waiting.close(), /did not close its side within 30 ms/);
  const hasty = await openTo(peer.port, { into: { closeTimeoutMs: 0 } });
  hasty.write({ id: 1 });
  await hasty.close();
  await until(() => peer.texts[1] === '{"id":1}\n', "the row");
});

test("a peer that reads nothing slows the writer down, and abort() ends at once", async (t) => {
  const peer = await listen(t, createServer({ pauseOnConnect: true }));
  const sink = await openTo(peer.port, { batchSize: 100 });
  const text = "x".repeat(100_000);
  let isPressed = false;
  for (let id = 0; id < 2_000 && !isPressed; id++) {
    if (sink.write({ id, text })) continue;
    isPressed =
      (await Promise.race([sink.ready.then(() => true), new Promise((resolve) => setTimeout(resolve, 300))])) !== true;
  }
  assert.ok(isPressed);
  const waiting = assert.rejects(sink.ready, { code: "ABORTED" });
  await sink.abort();
  await waiting;
});

test("nobody who listens is UNREACHABLE by name, after tries; a signal ends them", async (t) => {
  const peer = await listen(t, createServer());
  const { port } = peer;
  const closed = createServer().listen(0, host);
  await once(closed, "listening");
  const free = (closed.address() as AddressInfo).port;
  closed.close();
  const told = retriesOf(t);
  await assert.rejects(openTo(free, { retryTimeoutMs: 30 }), (error: MillraceError) => {
    assert.equal(error.code, "UNREACHABLE");
    assert.match(error.message, new RegExp(`socket 127\\.0\\.0\\.1:${free}: .*ECONNREFUSED`));
    return true;
  });
  assert.ok(told.length > 0);
  await assert.rejects(openTo(free, { signal: AbortSignal.timeout(20), retryTimeoutMs: 60_000 }), { code: "ABORTED" });
  assert.ok(port > 0);
});

test("TLS: a certificate of an authority that is given is accepted, and another is refused without a retry", async (t) => {
  const { certificate: cert, privateKey: key } = await selfSigned();
  const peer = await listen(t, createTlsServer({ key, cert }));
  const sink = await openTo(peer.port, { into: { tls: { ca: cert } } });
  sink.write({ id: 7 });
  await sink.close();
  assert.deepEqual(peer.texts, ['{"id":7}\n']);
  const told = retriesOf(t);
  await assert.rejects(openTo(peer.port, { into: { tls: true } }), (error: MillraceError) => {
    assert.equal(error.code, "UNREACHABLE");
    assert.equal(error.retryable, false);
    return true;
  });
  assert.deepEqual(told, []);
});

test("options are checked by name", () => {
  for (const [given, option] of [
    [{ host: "a b", port: 1 }, "host"],
    [{ host: "http://a", port: 1 }, "host"],
    [{ host: "", port: 1 }, "host"],
    [{ host: "a\n", port: 1 }, "host"],
    [{ host, port: 0 }, "port"],
    [{ host, port: "9000" }, "port"],
    [{ host, port: 1, tls: 1 }, "tls"],
    [{ host, port: 1, tls: { ca: 5 } }, "tls.ca"],
    [{ host, port: 1, tls: { rejectUnauthorized: false } }, "tls"],
    [{ host, port: 1, connectTimeoutMs: 0 }, "connectTimeoutMs"],
    [{ host, port: 1, closeTimeoutMs: -1 }, "closeTimeoutMs"],
    [{ host, port: 1, format: "xml" }, "format"],
    [{ host, port: 1, hots: "a" }, "hots"],
  ] as const)
    assert.throws(
      () => socket(given as never),
      (error) => error instanceof MillraceError && error.code === "BAD_OPTION" && error.context.option === option,
      JSON.stringify(given),
    );
});
