import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { after, afterEach, test } from "node:test";
import { inspect } from "node:util";
import { kustoAdmin } from "../../../src/connectors/kusto/admin.ts";
import { toMillraceError } from "../../../src/connectors/kusto/errors.ts";
import { proxyFor } from "../../../src/connectors/kusto/proxy.ts";
import { isProxyFault } from "../../../src/connectors/kusto/proxy-fault.ts";
import { isTurnedAway } from "../../../src/connectors/kusto/repeatable.ts";
import { scrubber } from "../../../src/connectors/kusto/scrub.ts";
import { openTunnel } from "../../../src/connectors/kusto/tunnel.ts";
import { privateAuthority } from "./network/authority.ts";
import {
  type Behaviour,
  type ConnectProxy,
  type ConnectProxyOptions,
  page,
  startConnectProxy,
} from "./network/connect-proxy.ts";

const host = "adx.westeurope.kusto.windows.net";
const password = "pa55word";
const started: ConnectProxy[] = [];
const sockets = new Set<Socket>();
/** Says hello to whoever speaks first, as a server of TLS does. */
const greeter = await listening((socket) => socket.once("data", () => socket.write("hello")));

after(() => greeter.server.close());
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const proxy of started.splice(0)) await proxy.close();
});

function listening(onConnection: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve({ server, port: (server.address() as { port: number }).port }));
  });
}

async function proxied(options: Partial<ConnectProxyOptions> = {}, behaviour?: Behaviour): Promise<ConnectProxy> {
  const proxy = await startConnectProxy({ portOf: (name) => (name === host ? greeter.port : undefined), ...options });
  proxy.behaviour = behaviour;
  started.push(proxy);
  return proxy;
}

function open(HTTPS_PROXY: string, to = host, timeoutMs?: number): Promise<Socket> {
  return openTunnel(proxyFor(new URL(`https://${to}`), { HTTPS_PROXY })!, to, 443, timeoutMs);
}

const at = ({ port }: { port: number }, user = "") => `http://${user}127.0.0.1:${port}`;
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

test("a tunnel leads to the host, with the decoded credentials and by its name", async () => {
  const proxy = await proxied({ authorization: basic("us@er:p#w") });
  const socket = await open(at(proxy, "us%40er:p%23w@"));
  socket.write("hi");
  const [bytes] = await once(socket, "data");
  assert.equal(String(bytes), "hello");
  assert.deepEqual([proxy.asked, proxy.plain], [[`${host}:443`], []]);
  socket.destroy();
});

test("a proxy at an IPv6 address", async (t) => {
  const proxy = await proxied({ listenAt: "::1" }).catch((error) => t.skip(String(error)));
  if (!proxy) return;
  (await open(`http://[::1]:${proxy.port}`)).destroy();
  assert.deepEqual(proxy.asked, [`${host}:443`]);
});

interface Fault {
  readonly what: string;
  readonly url: () => Promise<string>;
  readonly code: string;
  readonly retryable: boolean;
  readonly message: RegExp;
  readonly fix: RegExp;
  readonly timeoutMs?: number;
}

const answering =
  (text: string, end = true): Behaviour =>
  (_, socket) => {
    if (end) socket.end(text);
    else socket.write(text);
    return true;
  };
const user = `me:${password}@`;

const faults: Fault[] = [
  {
    what: "407 without credentials",
    url: async () => at(await proxied({ authorization: basic("x:y") })),
    code: "ERR_PROXY_LOGIN",
    retryable: false,
    message: /the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\) wants a user and password \(HTTP 407\)/,
    fix: /USER:PASSWORD@.*percent-encoded.*NO_PROXY/,
  },
  {
    what: "407 with credentials",
    url: async () => at(await proxied({ authorization: basic("x:y") }), user),
    code: "ERR_PROXY_LOGIN",
    retryable: false,
    message: /refuses the user and password in its URL \(HTTP 407\)/,
    fix: /NO_PROXY/,
  },
  {
    what: "a host that is not let out to",
    url: async () => at(await proxied({ portOf: () => undefined }), user),
    code: "ERR_PROXY_DENIED",
    retryable: false,
    message: /refused a tunnel to adx\.westeurope\.kusto\.windows\.net:443 \(HTTP 403\)/,
    fix: /Ask the keeper of the proxy to let this machine out/,
  },
  {
    what: "a proxy that does not reach the host",
    url: async () => at(await proxied({}, answering(page(503, "", "<p>down</p>"))), user),
    code: "ERR_PROXY_FAILED",
    retryable: true,
    message: /refused a tunnel .*\(HTTP 503\)/,
    fix: /whether it reaches that host/,
  },
  {
    what: "a page in place of a tunnel",
    url: async () => at(await proxied({}, answering(page(200, "", "<p>Log in to our WiFi</p>"))), user),
    code: "ERR_PROXY_ANSWER",
    retryable: true,
    message: /answered the request for a tunnel to \S+ with a page \(HTTP 200\)/,
    fix: /address, port and scheme/,
  },
  {
    what: "a login page elsewhere",
    url: async () => at(await proxied({}, answering(page(302, "Location: http://login.example/\r\n", ""))), user),
    code: "ERR_PROXY_FAILED",
    retryable: true,
    message: /\(HTTP 302\)/,
    fix: /NO_PROXY/,
  },
  {
    what: "an answer that is not HTTP's",
    url: async () => at(await proxied({}, answering("SSH-2.0-OpenSSH_9\r\n", false)), user),
    code: "ERR_PROXY_ANSWER",
    retryable: true,
    message: /gave an answer that is not HTTP's/,
    fix: /address, port and scheme/,
  },
  {
    what: "a connection that ends",
    url: async () => at(await proxied({}, answering("")), user),
    code: "ERR_PROXY_UNREACHABLE",
    retryable: true,
    message: /cannot be reached: socket hang up/,
    fix: /that it runs/,
  },
  {
    what: "an answer that ends early",
    url: async () => at(await proxied({}, answering("HTTP/1.1 200 Conn")), user),
    code: "ERR_PROXY_UNREACHABLE",
    retryable: true,
    message: /\(HTTPS_PROXY\)/,
    fix: /that it runs/,
  },
  {
    what: "nothing that listens",
    url: async () => {
      const { server, port } = await listening(() => {});
      await new Promise((resolve) => server.close(resolve));
      return `http://${user}127.0.0.1:${port}`;
    },
    code: "ERR_PROXY_UNREACHABLE",
    retryable: true,
    message: /the proxy \S+ \(HTTPS_PROXY\) cannot be reached: connect ECONNREFUSED 127\.0\.0\.1/,
    fix: /that it runs/,
  },
  {
    what: "an unknown host",
    url: async () => `http://${user}proxy.invalid:3128`,
    code: "ERR_PROXY_UNREACHABLE",
    retryable: true,
    message:
      /the proxy http:\/\/proxy\.invalid:3128 \(HTTPS_PROXY\) cannot be reached: getaddrinfo E\w+ proxy\.invalid/,
    fix: /that it runs/,
  },
  {
    what: "a proxy that hangs",
    url: async () => at(await proxied({}, () => true), user),
    code: "ERR_PROXY_UNREACHABLE",
    retryable: true,
    message: /did not answer within 50 ms/,
    fix: /that it runs/,
    timeoutMs: 50,
  },
  {
    what: "https:// to a proxy that does not speak TLS",
    url: async () => `https://${user}127.0.0.1:${(await proxied()).port}`,
    code: "ERR_PROXY_TLS",
    retryable: false,
    message: /does not speak TLS as its address says/,
    fix: /address, port and scheme/,
  },
  {
    what: "a proxy with a certificate of an unknown authority",
    url: async () => {
      const { certificate, privateKey } = await (await privateAuthority()).issue([], { addresses: ["127.0.0.1"] });
      return `https://${user}127.0.0.1:${(await proxied({ tls: { cert: certificate, key: privateKey } })).port}`;
    },
    code: "ERR_PROXY_TLS",
    retryable: false,
    message: /the proxy https:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\) shows a certificate of an authority/,
    fix: /NODE_EXTRA_CA_CERTS=.*keeper of the proxy/,
  },
];

for (const { what, url, code, retryable, message, fix, timeoutMs } of faults)
  test(`told by name, without its password: ${what}`, async () => {
    const thrown = await open(await url(), host, timeoutMs).then(
      () => assert.fail("a tunnel was made"),
      (error: Error & { code: string }) => error,
    );
    assert.equal(thrown.code, code, thrown.message);
    assert.ok(isProxyFault(thrown.code));
    assert.match(thrown.message, message);

    // As @azure's clients pass it on: a new error with its message and code.
    for (const passed of [thrown, Object.assign(new Error(thrown.message), { name: "RestError", code })]) {
      const error = toMillraceError(passed, { doing: "Uploading", to: "storage", scrub: scrubber() });
      assert.deepEqual([error.code, error.retryable, error.context.proxyFault], ["UNREACHABLE", retryable, code]);
      assert.match(error.message, message);
      assert.match(error.message, fix);
      const printed = inspect(error, { depth: 9, showHidden: true });
      for (const secret of [password, Buffer.from(`me:${password}`).toString("base64"), "Proxy-Authorization"])
        assert.ok(!printed.includes(secret), printed);
    }
  });

test("a request whose time is up names the proxy, and a command that never left may be made again", async (t) => {
  const kept = { ...process.env };
  t.after(() => {
    delete process.env.HTTPS_PROXY;
    Object.assign(process.env, kept);
  });
  process.env.HTTPS_PROXY = at(await proxied({}, () => true), user);
  // The login that is a callback asks the cluster for nothing, so the command is the first call.
  const login = { cluster: `https://${host}`, database: "db", token: () => "t0ken-of-a-test" };
  const asked = async (csl: string, requestTimeoutMs: number) => {
    const admin = await kustoAdmin({ ...login, requestTimeoutMs }, undefined, { retryTimeoutMs: 0 });
    t.after(() => admin.close());
    return admin.execute(csl);
  };
  const message = /no answer within 200 ms through the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\)\.$/;
  await assert.rejects(asked(".show tables", 200), { code: "UNREACHABLE", message });

  process.env.HTTPS_PROXY = at(await proxied({}, answering(page(503, "", ""))), user);
  await assert.rejects(asked(".drop table T", 20_000), (error) => {
    assert.ok(isTurnedAway(error), String(error));
    return true;
  });
});
