import assert from "node:assert/strict";
import { test } from "node:test";
import { kusto } from "../../../src/destination/kusto/index.ts";
import { connectionOf, type KustoOptions } from "../../../src/destination/kusto/options.ts";
import { assertTrusted } from "../../../src/destination/kusto/trust.ts";
import { contextOf } from "./batch-of.ts";

const cluster = "https://adx.westeurope.kusto.windows.net";
const credential = { getToken: async () => null };

test("the engine and the ingestion address follow from either", () => {
  const pair = (url: string) => {
    const { engineUrl, ingestUrl } = connectionOf({ cluster: url, database: "db", token: "secret-token" });
    return [engineUrl, ingestUrl];
  };
  const both = [cluster, "https://ingest-adx.westeurope.kusto.windows.net"];
  assert.deepEqual(pair(cluster), both);
  assert.deepEqual(pair(`${cluster}/`), both);
  assert.deepEqual(pair("HTTPS://Ingest-ADX.westeurope.kusto.windows.net"), both);
  assert.deepEqual(pair("https://trd-x.z0.kusto.fabric.microsoft.com"), [
    "https://trd-x.z0.kusto.fabric.microsoft.com",
    "https://ingest-trd-x.z0.kusto.fabric.microsoft.com",
  ]);
  assert.deepEqual(pair("http://127.0.0.1:8080"), ["http://127.0.0.1:8080", "http://127.0.0.1:8080"]);
  assert.deepEqual(pair("http://localhost:8080"), ["http://localhost:8080", "http://localhost:8080"]);
});

const refused: [string, object, string, RegExp][] = [
  ["an unknown option, with the nearest", { datbase: "x", token: "t" }, "BAD_OPTION", /datbase.*database/],
  ["no database", { database: "", token: "t" }, "BAD_OPTION", /database/],
  ["no cluster", { cluster: undefined, token: "t" }, "BAD_OPTION", /cluster/],
  ["no URL", { cluster: "adx.westeurope", token: "t" }, "BAD_OPTION", /must be a URL/],
  ["a connection string", { cluster: "Data Source=https://x;Fed=true", token: "t" }, "BAD_OPTION", /connection string/],
  ["a path", { cluster: `${cluster}/db`, token: "t" }, "BAD_OPTION", /database is an option/],
  ["a password in the URL", { cluster: "https://u:p@x.kusto.windows.net", token: "t" }, "BAD_OPTION", /host only/],
  ["IPv6, which the SDK cannot do", { cluster: "http://[::1]:8080" }, "BAD_OPTION", /127\.0\.0\.1/],
  ["plain http", { cluster: "http://adx.kusto.windows.net", token: "t" }, "UNTRUSTED_HOST", /https/],
  ["no credential", {}, "BAD_OPTION", /needs a credential.*managedIdentityAppId/],
  ["two logins", { credential, azureCli: true }, "BAD_OPTION", /azureCli and credential/],
  ["a key without an id", { appKey: "k", tenantId: "t" }, "BAD_OPTION", /appKey needs appId/],
  ["an id and key without a tenant", { appId: "a", appKey: "k" }, "BAD_OPTION", /needs tenantId/],
  ["an id alone", { appId: "a" }, "BAD_OPTION", /appId needs appKey/],
  ["a tenant alone", { tenantId: "t" }, "BAD_OPTION", /tenantId/],
  ["an id beside a token", { appId: "a", token: "t" }, "BAD_OPTION", /appId says nothing to token/],
  ["two certificates", { appId: "a", tenantId: "t", certificate: "c", certificatePath: "p" }, "BAD_OPTION", /and/],
  ["no credential object", { credential: {} }, "BAD_OPTION", /getToken/],
  ["an empty token", { token: "" }, "BAD_OPTION", /token/],
  ["a flag that is text", { azureCli: "yes" }, "BAD_OPTION", /true or false/],
  ["a plain authority", { token: "t", authorityHost: "http://login" }, "BAD_OPTION", /https/],
  ["a host with a scheme", { token: "t", trustedHosts: ["https://x.y"] }, "BAD_OPTION", /trustedHosts/],
  ["no time", { token: "t", requestTimeoutMs: 0 }, "BAD_OPTION", /requestTimeoutMs/],
];

for (const [what, options, code, message] of refused)
  test(`refused: ${what}`, () => {
    assert.throws(() => kusto({ cluster, database: "db", ...options } as KustoOptions), { code, message });
  });

test("a flag that is false is no login", () => {
  assert.equal(connectionOf({ cluster, database: "db", azureCli: false, token: "t" }).login.kind, "token");
});

test("a host that is not Kusto's is asked nothing and given nothing", async () => {
  let asked = 0;
  const spy = {
    async getToken() {
      asked++;
      return { token: "t", expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
  const hosts = [
    "evil.example",
    "kusto.windows.net.evil.example",
    "adx-kusto.windows.net",
    "notkusto.windows.net",
    "xkusto.windows.net",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
  ];
  for (const host of hosts) {
    const destination = kusto({ cluster: `https://${host}`, database: "db", credential: spy });
    await assert.rejects(destination.open(contextOf()), { code: "UNTRUSTED_HOST", message: /trustedHosts/ }, host);
  }
  assert.equal(asked, 0);
});

test("trustedHosts adds a host, or all below a domain, and no more", async () => {
  const check = (host: string, trustedHosts: string[]) =>
    assertTrusted(connectionOf({ cluster: `https://${host}`, database: "db", token: "t", trustedHosts }));
  await check("a.kusto.invalid", ["a.kusto.invalid"]);
  await check("b.below.invalid", [".below.invalid"]);
  await check("10.0.0.5", ["10.0.0.5"]);
  await assert.rejects(check("b.other.invalid", ["a.other.invalid"]), { code: "UNTRUSTED_HOST" });
  await assert.rejects(check("xother.invalid", [".other.invalid"]), { code: "UNTRUSTED_HOST" });
  await assert.rejects(check("a.kusto.invalid", []), { code: "UNTRUSTED_HOST" }, "one sink's trust is not another's");
});

test("Kusto's own clouds are trusted", async () => {
  for (const host of [
    "adx.westeurope.kusto.windows.net",
    "trd-x.z0.kusto.fabric.microsoft.com",
    "ws.kusto.azuresynapse.net",
    "x.kusto.chinacloudapi.cn",
    "x.kusto.usgovcloudapi.net",
  ])
    await assertTrusted(connectionOf({ cluster: `https://${host}`, database: "db", token: "t" }));
});
