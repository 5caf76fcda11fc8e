import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { request as httpsRequest } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { after, before, test } from "node:test";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { ask, rowsOf } from "../ask.ts";
import { type Browser, findBrowser, startBrowser } from "../http/browser.ts";

// The oracle of what a browser sends is a browser: Chromium, where there is one.
const path = findBrowser();
const skip = path ? false : "no browser: install chromium, or name one by CHROME_PATH";
const size = { width: 800, height: 600 };

let emulator: Emulator;
let secured: Emulator;
let browser: Browser | undefined;
let attacker: Server;
let attackerPort: number;
/** What the attacker's page posts, by any of its ways. */
const drop = '{"db":"demo","csl":".drop table Precious"}';

before(async () => {
  attacker = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end("<!doctype html><title>elsewhere</title><body></body>");
  });
  await new Promise<void>((resolve) => attacker.listen(0, "127.0.0.1", resolve));
  attackerPort = (attacker.address() as AddressInfo).port;
  [emulator, secured, browser] = await Promise.all([
    startEmulator(),
    startEmulator({ security: {} }),
    path === undefined ? undefined : startBrowser(path, ["--host-resolver-rules=MAP evil.test 127.0.0.1"]),
  ]);
  await ask(emulator, ".create table Precious (a:string)");
  await ask(emulator, ".ingest inline into table Precious <| kept");
});
after(async () => {
  attacker.close();
  await browser?.close();
  await Promise.all([emulator?.close(), secured?.close()]);
});

const isThere = async () =>
  assert.equal(JSON.stringify(await rowsOf(emulator, "Precious")), '[["kept"]]', "the table is as it was");

interface Raw {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A request byte by byte, for `fetch` sets Host by itself. */
function raw(origin: string, lines: readonly string[], body = ""): Promise<Raw> {
  const { port, host } = new URL(origin);
  const all = lines.some((line) => /^host:/i.test(line)) ? lines : [lines[0]!, `Host: ${host}`, ...lines.slice(1)];
  const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), "127.0.0.1", () =>
      socket.write(`${[...all, ...length, "Connection: close"].join("\r\n")}\r\n\r\n${body}`),
    );
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk;
    });
    socket.on("error", reject).on("close", () => {
      const [head = "", ...rest] = text.split("\r\n\r\n");
      resolve({ status: Number(head.split(" ")[1] ?? 0), head, body: rest.join("\r\n\r\n") });
    });
  });
}

const postMgmt = (...headers: string[]) =>
  raw(emulator.url, ["POST /v1/rest/mgmt HTTP/1.1", "Content-Type: application/json", ...headers], drop);

test("a foreign Host, Origin, Sec-Fetch-Site or Referer is refused with 403 in Kusto's form, and nothing happens", async () => {
  const own = emulator.url;
  for (const header of [
    "Host: evil.test",
    `Host: evil.test:${new URL(own).port}`,
    "Host: 0.0.0.0",
    "Host: localhost.evil.test",
    "Host: 127.0.0.1.evil.test",
    "Host: 127.0.0.1@evil.test",
    "Host: 2130706433",
    "Host: [::]",
    "Host: 127.0.0.256",
    "Origin: http://evil.test",
    "Origin: null",
    "Origin: http://127.0.0.1:1",
    `Origin: ${own.replace("http:", "https:")}`,
    `Origin: ${own}.evil.test`,
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: same-site",
    "Sec-Fetch-Site: anything",
    "Referer: http://evil.test/page",
    "Referer: rubbish",
  ]) {
    const { status, body, head } = await postMgmt(header);
    assert.equal(status, 403, header);
    assert.doesNotMatch(head, /access-control/i, header);
    const { error } = JSON.parse(body) as { error: Record<string, unknown> };
    assert.equal(error.code, "Forbidden", header);
    assert.equal(error["@permanent"], true, header);
    assert.match(String(error["@message"]), /^The request (is for the host|comes from a web page) /, header);
  }
  await isThere();
});

test("from a browser a body must be JSON, also from the page itself", async () => {
  const origin = `Origin: ${emulator.url}`;
  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonx",
  ]) {
    const answer = await raw(emulator.url, ["POST /v1/rest/mgmt HTTP/1.1", `Content-Type: ${type}`, origin], drop);
    assert.equal(answer.status, 403, type);
    assert.match(answer.body, /application\/json/, type);
  }
  assert.equal((await raw(emulator.url, ["POST /v1/rest/mgmt HTTP/1.1", origin], drop)).status, 403, "none");
  await isThere();
});

test("programs and the page itself are answered", async () => {
  const { port } = new URL(emulator.url);
  const count = '{"db":"demo","csl":"Precious | count"}';
  const post = (...headers: string[]) => raw(emulator.url, ["POST /v1/rest/query HTTP/1.1", ...headers], count);
  for (const headers of [
    ["Content-Type: application/json; charset=utf-8"],
    // What fetch of Node, Deno and Bun says of a text, and curl -d of anything.
    ["Content-Type: text/plain;charset=UTF-8"],
    ["Content-Type: application/x-www-form-urlencoded"],
    [],
    [`Host: localhost:${port}`],
    ["Host: LOCALHOST"],
    ["Host: 127.8.9.10:99"],
    [`Host: [::1]:${port}`],
    [`Host: localhost:${port}`, `Origin: http://localhost:${port}`, "Content-Type: application/json"],
    [`Origin: ${emulator.url}`, "Sec-Fetch-Site: same-origin", "Content-Type: application/json"],
    ["Sec-Fetch-Site: none", "Content-Type: application/json"],
    [`Referer: ${emulator.url}/`],
  ])
    assert.equal((await post(...headers)).status, 200, headers.join("; "));
});

test("every listener and every endpoint judges alike", async () => {
  const { blob, queue, table } = emulator.storage;
  const targets: [string, string][] = [
    ...["/", "/page/main.js", "/v1/rest/auth/metadata", "/v1/rest/ping", "/nothing"].map(
      (address): [string, string] => [emulator.url, `GET ${address}`],
    ),
    ...["/v1/rest/mgmt", "/v1/rest/query", "/v2/rest/query", "/page/kql", "/v1/rest/ingest/demo/Precious"].map(
      (address): [string, string] => [emulator.url, `POST ${address}`],
    ),
    [emulator.url, "OPTIONS /v1/rest/mgmt"],
    ...[blob, queue, table].flatMap((origin): [string, string][] => [
      [origin, "GET /x"],
      [origin, "PUT /x/y"],
      [origin, "OPTIONS /x"],
    ]),
    [secured.security!.managedIdentity.appService.IDENTITY_ENDPOINT, "GET /msi/token?resource=x"],
  ];
  for (const [origin, line] of targets)
    for (const header of ["Host: evil.test", "Origin: http://evil.test", "Sec-Fetch-Site: cross-site"]) {
      const { status, body } = await raw(origin, [`${line} HTTP/1.1`, header]);
      assert.equal(status, 403, `${origin} ${line} ${header}`);
      assert.match(body, /The request (is for the host|comes from a web page)/, `${origin} ${line} ${header}`);
    }
  const authority = new URL(secured.security!.authorityHost);
  const login = await new Promise<number>((resolve, reject) => {
    const path = `/${secured.security!.tenantId}/v2.0/.well-known/openid-configuration`;
    httpsRequest(authority, { path, rejectUnauthorized: false, headers: { origin: "https://evil.test" } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    })
      .on("error", reject)
      .end();
  });
  assert.equal(login, 403);
});

test("malformed addresses and requests are answered with 400, in the form of their service", async () => {
  const { blob } = emulator.storage;
  for (const [origin, line] of [
    [emulator.url, "GET /% HTTP/1.1"],
    [emulator.url, "POST /v1/rest/ingest/%zz/T HTTP/1.1"],
    [emulator.url, "POST /v1/rest/ingest/%ff/T HTTP/1.1"],
    [emulator.url, "POST /v1/rest/ingest/demo/T?streamFormat=%zz HTTP/1.1"],
    [emulator.url, `GET ${emulator.url}/v1/rest/ping HTTP/1.1`],
    [emulator.url, "GET http://[ HTTP/1.1"],
    [emulator.url, "OPTIONS * HTTP/1.1"],
    [blob, "GET /% HTTP/1.1"],
    [blob, "GET http://evil.test/x HTTP/1.1"],
  ] as const) {
    const { status, body } = await raw(origin, [line]);
    assert.equal(status, 400, line);
    if (origin === blob) assert.match(body, /<Code>InvalidUri<\/Code>/, line);
    else assert.equal((JSON.parse(body) as { error: { code: string } }).error.code, "General_BadRequest", line);
  }
  assert.equal((await raw(emulator.url, ["GET //v1/rest/ping HTTP/1.1"])).status, 404, "the address names no host");
  const rubbish = await raw(emulator.url, ["rubbish"]);
  assert.equal(rubbish.status, 400);
  assert.equal((JSON.parse(rubbish.body) as { error: { code: string } }).error.code, "General_BadRequest");
  const long = await raw(emulator.url, [`GET /${"x".repeat(20_000)} HTTP/1.1`]);
  assert.equal(long.status, 431);
});

test("a page on another port of this machine changes nothing and reads nothing", { skip }, async () => {
  const page = await browser!.open(`http://127.0.0.1:${attackerPort}/`, size);
  const url = emulator.url;
  // Each by its own way around the rule of the same origin; a request that needs no preflight is sent.
  await page.value(
    `fetch("${url}/v1/rest/mgmt", { method: "POST", mode: "no-cors", headers: { "content-type": "text/plain" }, body: ${JSON.stringify(drop)} }).catch(() => {})`,
  );
  await page.value(`navigator.sendBeacon("${url}/v1/rest/mgmt", ${JSON.stringify(drop)})`);
  assert.equal(
    await page.value(
      `fetch("${url}/v1/rest/mgmt", { method: "POST", headers: { "content-type": "application/json" }, body: ${JSON.stringify(drop)} }).then(() => "read", () => "refused")`,
    ),
    "refused",
  );
  assert.equal(
    await page.value(`fetch("${url}/v1/rest/auth/metadata").then(() => "read", () => "refused")`),
    "refused",
  );
  const load = (tag: string, address: string) =>
    page.value(`new Promise((resolve) => {
      const element = document.createElement("${tag}");
      element.onload = () => resolve("loaded");
      element.onerror = () => resolve("refused");
      element.src = "${address}";
      document.body.append(element);
    })`);
  assert.equal(await load("img", `${url}/page/icon.svg`), "refused");
  assert.equal(await load("script", `${url}/page/scales.js`), "refused");
  const status = await page.value(`(async () => {
    const frame = document.createElement("iframe");
    frame.name = "sink";
    document.body.append(frame);
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: "${url}/v1/rest/mgmt", enctype: "text/plain", target: "sink" });
    const field = document.createElement("input");
    // The equals sign between name and value falls into a text that nobody reads.
    field.name = '{"db":"demo","csl":".drop table Precious","x":"';
    field.value = '"}';
    form.append(field);
    document.body.append(form);
    const done = new Promise((resolve) => { frame.onload = () => resolve("answered"); });
    form.submit();
    return done;
  })()`);
  assert.equal(status, "answered");
  await isThere();
  // The attacks would have worked on a server that does not look: the browser does send them.
  assert.ok(page.requested.filter((each) => each === `${url}/v1/rest/mgmt`).length >= 3, page.requested.join("\n"));
});

test("a page whose name resolves to this machine reads nothing", { skip }, async () => {
  const { port } = new URL(emulator.url);
  // As after a rebinding: the page is at the emulator's own port, under the attacker's name, so its requests are of the same origin.
  const page = await browser!.open(`http://evil.test:${port}/`, size);
  assert.match(await page.value<string>("document.body.innerText"), /The request is for the host/);
  const asked = (csl: string, address: string) =>
    page.value<string>(
      `fetch("${address}", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ db: "demo", csl: ${JSON.stringify(csl)} }) }).then(async (answer) => answer.status + " " + (await answer.text()))`,
    );
  for (const [csl, address] of [
    ["Precious", "/v2/rest/query"],
    [".drop table Precious", "/v1/rest/mgmt"],
  ] as const) {
    const answer = await asked(csl, address);
    assert.match(answer, /^403 .*The request is for the host/s);
    assert.doesNotMatch(answer, /kept/);
  }
  await isThere();
});

test("a link from another site leads to the page, and the page works", { skip }, async () => {
  const page = await browser!.open(`http://127.0.0.1:${attackerPort}/`, size);
  await page.value(`location.href = "${emulator.url}/"; undefined`);
  await page.until(`location.origin === "${emulator.url}" && document.body?.innerText.includes("Precious")`);
  assert.deepEqual(page.complaints, []);
});
