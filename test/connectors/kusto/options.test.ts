import assert from "node:assert/strict";
import { test } from "node:test";
import { kusto } from "../../../src/connectors/kusto/index.ts";
import { isKnownAuthority, isKustoHost } from "../../../src/connectors/kusto/kusto-hosts.ts";
import { connectionOf, type KustoOptions } from "../../../src/connectors/kusto/options.ts";
import { assertTrusted } from "../../../src/connectors/kusto/trust.ts";
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
  assert.deepEqual(pair("http://LOCALHOST.:8080"), ["http://localhost:8080", "http://localhost:8080"]);
  assert.deepEqual(pair("http://[::1]:8080"), ["http://[::1]:8080", "http://[::1]:8080"]);
  assert.deepEqual(pair("https://10.0.0.5:8443"), ["https://10.0.0.5:8443", "https://10.0.0.5:8443"]);
  for (const same of ["", ".", ":443", "/", "/db", "/db/"]) assert.deepEqual(pair(cluster + same), both, same);
  assert.deepEqual(pair("adx.westeurope.kusto.windows.net"), both, "without https://");
  assert.deepEqual(pair("ingest-adx.westeurope.kusto.windows.net/db"), both);
  assert.deepEqual(pair("https://adx.westeurope.kusto.windows.net:8443"), [
    "https://adx.westeurope.kusto.windows.net:8443",
    "https://ingest-adx.westeurope.kusto.windows.net:8443",
  ]);
});

const refused: [string, object, string, RegExp][] = [
  ["an unknown option, with the nearest", { datbase: "x", token: "t" }, "BAD_OPTION", /datbase.*database/],
  ["no database", { database: "", token: "t" }, "BAD_OPTION", /database/],
  ["no cluster", { cluster: undefined, token: "t" }, "BAD_OPTION", /cluster/],
  ["text", { cluster: "not a url", token: "t" }, "BAD_OPTION", /not a URL; it looks like https:/],
  ["a word", { cluster: "notaurl", token: "t" }, "BAD_OPTION", /"notaurl" is not a URL; it looks like https:/],
  [
    "a short name",
    { cluster: "adx.westeurope" },
    "BAD_OPTION",
    /did you mean https:\/\/adx\.westeurope\.kusto\.windows\.net\?/,
  ],
  ["loopback without http", { cluster: "127.0.0.1:8080" }, "BAD_OPTION", /is it http:\/\/127\.0\.0\.1:8080\?/],
  ["localhost without http", { cluster: "localhost:8080" }, "BAD_OPTION", /is it http:\/\/localhost:8080\?/],
  ["::1 without http", { cluster: "[::1]:8080" }, "BAD_OPTION", /is it http:\/\/\[::1\]:8080\?/],
  [
    "a trusted host without https",
    { cluster: "adx.example.com", trustedHosts: ["adx.example.com"] },
    "BAD_OPTION",
    /is it https:\/\/adx\.example\.com\?/,
  ],
  [
    "a foreign host without https",
    { cluster: "adx.example.com" },
    "BAD_OPTION",
    /^(?!.*https:\/\/adx\.example).*needs https:\/\/ before it, and trustedHosts/,
  ],
  [
    "a misspelt host in the clear",
    { cluster: "http://adx.westeurope.kusto.windwos.net" },
    "UNTRUSTED_HOST",
    /did you mean https:\/\/adx\.westeurope\.kusto\.windows\.net\?$/,
  ],
  [
    "a misspelt host with a path behind",
    { cluster: "https://adx.westeurope.kusto.windwos.net/a/b", token: "t" },
    "UNTRUSTED_HOST",
    /did you mean https:\/\/adx\.westeurope\.kusto\.windows\.net\?$/,
  ],
  [
    "a misspelt host in an address of the web interface",
    { cluster: "https://dataexplorer.azure.com/clusters/adx.westeurope.kusto.windwos.net", token: "t" },
    "BAD_OPTION",
    /such as https:\/\/adx\.westeurope\.kusto\.windows\.net\.$/,
  ],
  ["an unknown host without a login", { cluster: "https://adx.example.com" }, "UNTRUSTED_HOST", /trustedHosts/],
  ["another scheme", { cluster: "ftp://x.kusto.windows.net" }, "BAD_OPTION", /by https, such as .*not by ftp/],
  ["a scheme alone", { cluster: "https://" }, "BAD_OPTION", /not a URL/],
  ["a password without a scheme", { cluster: "me:secret@adx.example.com" }, "BAD_OPTION", /^(?!.*secret).*not a URL/],
  [
    "the web interface",
    { cluster: "https://dataexplorer.azure.com/clusters/adx.westeurope/databases/My%20Db?x=1" },
    "BAD_OPTION",
    /give the cluster's own, such as https:\/\/adx\.westeurope\.kusto\.windows\.net and the database "My Db"/,
  ],
  ["another database", { cluster: `${cluster}/Other` }, "BAD_OPTION", /option of its own: "Other" there, or "db"\?/],
  [
    "a deeper path",
    { cluster: `${cluster}/v1/rest/mgmt` },
    "BAD_OPTION",
    /as https:\/\/adx\S+; there is a path behind/,
  ],
  ["a query", { cluster: `${cluster}/?sig=secret` }, "BAD_OPTION", /^(?!.*secret).*there is a query behind/],
  ["a connection string", { cluster: "Data Source=https://x;Fed=true", token: "t" }, "BAD_OPTION", /connection string/],
  ["a path", { cluster: `${cluster}/DB`, token: "t" }, "BAD_OPTION", /database is an option/],
  ["a password in the URL", { cluster: "https://u:p@x.kusto.windows.net", token: "t" }, "BAD_OPTION", /host only/],
  [
    "IPv6 beyond this machine, in the clear",
    { cluster: "http://[2001:db8::1]:8080", token: "t" },
    "UNTRUSTED_HOST",
    /https/,
  ],
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
  const foreign = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[2001:db8::1]"];
  // A host that takes after one of Kusto is not offered for trust.
  const alike = [
    "kusto.windows.net.evil.example",
    "adx-kusto.windows.net",
    "notkusto.windows.net",
    "xkusto.windows.net",
    "kusto.fabric.microsoft.us.evil.example",
    "xkusto.fabric.microsoft.us",
    "kusto.windows.net",
    // Cyrillic letters for o, and a full stop of Chinese, which counts as a dot.
    "adx.kust\u043e.windows.net",
    "adx.kusto.wind\u043ews.net",
    "adx.kusto.windows.net\u3002evil.example",
  ];
  for (const [hosts, message] of [
    [foreign, /trustedHosts/],
    [alike, /^(?!.*trust).*(did you mean https:|looks like https:)/],
  ] as const)
    for (const host of hosts) {
      const destination = kusto({ cluster: `https://${host}`, database: "db", credential: spy });
      await assert.rejects(destination.open(contextOf()), { code: "UNTRUSTED_HOST", message }, host);
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

test("what is trusted here the SDK's own check lets pass, whichever cloud the cluster says it is in", async () => {
  const { kustoTrustedEndpoints } = await import("azure-kusto-data");
  const host = "trd-y.z0.kusto.fabric.microsoft.us";
  const isRefused = () =>
    kustoTrustedEndpoints.validateTrustedEndpoint(`https://${host}`, "https://login.microsoftonline.com");
  assert.throws(isRefused, "the SDK's list has it now");
  await assertTrusted(connectionOf({ cluster: `https://${host}`, database: "db", token: "t" }));
  isRefused();
});

test("the SDK's list has no host that ours lacks", async () => {
  const { kustoTrustedEndpoints } = await import("azure-kusto-data");
  let seen = 0;
  for (const [authority, { rules }] of Object.entries(kustoTrustedEndpoints.matchers)) {
    assert.ok(isKnownAuthority(authority), authority);
    for (const { suffix, exact } of Object.values(rules).flat()) {
      seen++;
      assert.ok(isKustoHost(exact ? suffix : `x${suffix}`), suffix);
      assert.ok(!isKustoHost(exact ? `x${suffix}` : `x${suffix.slice(1)}`), suffix);
    }
  }
  assert.ok(seen > 50, `${seen} hosts`);
});

test("Kusto's own clouds are trusted", async () => {
  for (const host of [
    "adx.westeurope.kusto.windows.net",
    "trd-x.z0.kusto.fabric.microsoft.com",
    "ws.kusto.azuresynapse.net",
    "x.kusto.chinacloudapi.cn",
    "x.kusto.usgovcloudapi.net",
    "X.Z0.Kusto.Fabric.Microsoft.US",
    "adx.westeurope.kusto.windows.net.",
    "adx.westeurope.kusto.windows.net:443",
  ])
    await assertTrusted(connectionOf({ cluster: `https://${host}`, database: "db", token: "t" }));
});
