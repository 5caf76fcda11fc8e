import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { proxyFor, throughProxy } from "../../../src/connectors/kusto/proxy.ts";

const engine = new URL("https://adx.westeurope.kusto.windows.net");
const nameOf = (env: NodeJS.ProcessEnv, url = engine) => proxyFor(url, env)?.name;
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

const used: [env: NodeJS.ProcessEnv, name: string | undefined][] = [
  [{}, undefined],
  [{ HTTPS_PROXY: "" }, undefined],
  [{ HTTPS_PROXY: "http://p.example:3128" }, "the proxy http://p.example:3128 (HTTPS_PROXY)"],
  [{ https_proxy: "http://p.example:3128" }, "the proxy http://p.example:3128 (https_proxy)"],
  [{ ALL_PROXY: "http://p.example:3128" }, "the proxy http://p.example:3128 (ALL_PROXY)"],
  [{ all_proxy: "http://p.example:3128" }, "the proxy http://p.example:3128 (all_proxy)"],
  [{ ALL_PROXY: "http://a.example", HTTPS_PROXY: "http://b.example" }, "the proxy http://b.example:80 (HTTPS_PROXY)"],
  [{ https_proxy: "http://a.example", HTTPS_PROXY: "http://b.example" }, "the proxy http://b.example:80 (HTTPS_PROXY)"],
  [{ HTTP_PROXY: "http://p.example", http_proxy: "http://p.example" }, undefined],
  [{ HTTPS_PROXY: "p.example:3128" }, "the proxy http://p.example:3128 (HTTPS_PROXY)"],
  [{ HTTPS_PROXY: "p.example" }, "the proxy http://p.example:80 (HTTPS_PROXY)"],
  [{ HTTPS_PROXY: "me:pw@p.example:3128" }, "the proxy http://p.example:3128 (HTTPS_PROXY)"],
  [{ HTTPS_PROXY: "https://p.example" }, "the proxy https://p.example:443 (HTTPS_PROXY)"],
  [{ HTTPS_PROXY: "HTTP://P.example:3128/" }, "the proxy http://p.example:3128 (HTTPS_PROXY)"],
  [{ HTTPS_PROXY: "http://[::1]:3128" }, "the proxy http://[::1]:3128 (HTTPS_PROXY)"],
  [{ HTTPS_PROXY: "[::1]:3128" }, "the proxy http://[::1]:3128 (HTTPS_PROXY)"],
  [{ HTTPS_PROXY: "http://p.example", NO_PROXY: "windows.net" }, undefined],
  [{ HTTPS_PROXY: "http://p.example", no_proxy: ".Kusto.Windows.NET" }, undefined],
  [{ HTTPS_PROXY: "http://p.example", NO_PROXY: "*" }, undefined],
  [{ HTTPS_PROXY: "http://p.example", NO_PROXY: "windows.net:8443" }, "the proxy http://p.example:80 (HTTPS_PROXY)"],
];

for (const [env, name] of used)
  test(`${JSON.stringify(env)}: ${name ?? "no proxy"}`, () => {
    assert.equal(nameOf(env), name);
  });

test("what is local, and what is spoken without TLS, goes by no proxy, not even one that cannot be used", () => {
  for (const HTTPS_PROXY of ["http://p.example", "socks5://p.example"])
    for (const url of [
      "https://localhost:1",
      "https://127.0.0.1",
      "https://[::1]",
      "https://localhost.",
      "http://a.example",
    ])
      assert.equal(nameOf({ HTTPS_PROXY, HTTP_PROXY: HTTPS_PROXY }, new URL(url)), undefined, url);
});

test("user and password are decoded, and shown by nothing that prints the proxy", () => {
  const cases: [string, string | undefined][] = [
    ["http://us%40er:p%23w%3A%2F@p.example", basic("us@er:p#w:/")],
    ["http://us@er:pa55word@p.example", basic("us@er:pa55word")],
    ["http://me:100%@p.example", basic("me:100%")],
    ["http://me@p.example", basic("me:")],
    ["http://m%C3%A9:pa%C3%9F@p.example", basic("mé:paß")],
    ["http://p.example", undefined],
  ];
  for (const [HTTPS_PROXY, authorization] of cases) {
    const proxy = proxyFor(engine, { HTTPS_PROXY })!;
    assert.equal(proxy.authorization(), authorization, HTTPS_PROXY);
    const printed = `${inspect(proxy, { depth: 9, showHidden: true })}${JSON.stringify(proxy)}`;
    if (authorization) assert.ok(!printed.includes(authorization.slice(6)) && !/pa55word|us@er/.test(printed), printed);
  }
});

const refused: [proxy: string, message: RegExp][] = [
  ["socks://me:pa55word@p.example:1080", /HTTPS_PROXY names a proxy by socks:\/\/, which is not supported/],
  ["socks5h://p.example", /by socks5h:\/\//],
  ["ftp://p.example", /by ftp:\/\//],
  ["http://me:pa55#word@p.example:3128", /is no URL of a proxy.*# as %23/],
  ["http://me:pa55/word@p.example:3128", /is no URL of a proxy.*\/ as %2F/],
  ["http://p.example:port", /is no URL of a proxy/],
  ["http://", /is no URL of a proxy/],
];

for (const [HTTPS_PROXY, message] of refused)
  test(`refused by name, without the password: ${HTTPS_PROXY}`, () => {
    assert.throws(
      () => proxyFor(engine, { HTTPS_PROXY }),
      (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }).split("\n    at ", 1)[0]!, /pa55/);
        return true;
      },
    );
  });

test("a message about the way never fails", () => {
  assert.equal(throughProxy(undefined), "");
  assert.equal(throughProxy("no url"), "");
});
