import assert from "node:assert/strict";
import { test } from "node:test";
import { storageRoot } from "../../../src/connectors/kusto/resources.ts";
import type { StorageService } from "../../../src/connectors/kusto/storage-hosts.ts";

// The suffixes are those of Azure's documentation ("Storage account overview", "Azure Government", "Azure China") and of the
// CloudConstants of azure-functions-host.

const remote = { isLoopback: false, trustedHosts: [] as string[] };
const local = { isLoopback: true, trustedHosts: [] as string[] };
const trusting = { isLoopback: false, trustedHosts: ["storage.example", ".below.example", "127.0.0.1"] };

const suffixes = [
  "core.windows.net",
  "core.chinacloudapi.cn",
  "core.usgovcloudapi.net",
  "core.cloudapi.de",
  "core.eaglex.ic.gov",
  "core.microsoft.scloud",
];

const good: [url: string, service: StorageService, trust: typeof remote][] = [
  ...suffixes.flatMap((suffix) =>
    (["blob", "queue", "table"] as const).map((service): [string, StorageService, typeof remote] => [
      `https://acc123.${service}.${suffix}/x`,
      service,
      remote,
    ]),
  ),
  ["https://acc.z12.blob.storage.azure.net/x", "blob", remote],
  ["https://acc.z3.queue.storage.azure.net/x", "queue", remote],
  ["https://acc-secondary.queue.core.windows.net/x", "queue", remote],
  ["https://onelake.dfs.fabric.microsoft.com/ws/x", "blob", remote],
  ["https://westus2-onelake.blob.fabric.microsoft.com/ws/x", "blob", remote],
  ["https://usgov-onelake.blob.fabric.microsoft.us/ws/x", "blob", remote],
  ["https://onelake.dfs.fabric.sovcloud-api.fr/ws/x", "blob", remote],
  ["https://ACC.Blob.Core.Windows.Net:443/x", "blob", remote],
  ["http://127.0.0.1:10000/acc/x", "blob", local],
  ["http://localhost:10001/acc/x", "queue", local],
  ["https://[::1]:10002/acc/x", "table", local],
  ["https://acc.blob.core.windows.net/x", "blob", local],
  ["https://storage.example/x", "blob", trusting],
  ["https://storage.example:8443/x", "queue", trusting],
  ["https://a.below.example/x", "blob", trusting],
  ["http://127.0.0.1:10000/acc/x", "blob", trusting],
];

const bad: [url: string, service: StorageService, trust: typeof remote][] = [
  ["https://evil.example/x", "blob", remote],
  ["https://evil.example/x", "blob", local],
  ["https://blob.core.windows.net.evil.example/x", "blob", remote],
  ["https://acc.blob.core.windows.net.evil.example/x", "blob", remote],
  ["https://evilblob.core.windows.net/x", "blob", remote],
  ["https://blob.core.windows.net/x", "blob", remote],
  ["https://a.b.blob.core.windows.net/x", "blob", remote],
  ["https://evil-acc.blob.core.windows.net/x", "blob", remote],
  ["https://acc.queue.core.windows.net/x", "blob", remote],
  ["https://acc.blob.core.windows.net/x", "queue", remote],
  ["https://acc.web.core.windows.net/x", "blob", remote],
  ["https://acc.z123.blob.storage.azure.net/x", "blob", remote],
  ["https://acc.blob.storage.azure.net/x", "blob", remote],
  ["https://onelake.dfs.fabric.microsoft.com/ws/x", "queue", remote],
  ["https://onelake.dfs.fabric.microsoft.de/ws/x", "blob", remote],
  ["https://evil.onelake.dfs.fabric.microsoft.com.example/x", "blob", remote],
  ["https://acc.blob.core.windows.net./x", "blob", remote],
  ["https://acc.blob.core.windows.net:8443/x", "blob", remote],
  ["https://user@acc.blob.core.windows.net/x", "blob", remote],
  ["https://acc.blob.core.windows.net:pw@evil.example/x", "blob", remote],
  ["https://acc.blob.core.windows.net%40evil.example/x", "blob", remote],
  ["https:\\\\evil.example\\.blob.core.windows.net/x", "blob", remote],
  ["https://evil.example#.blob.core.windows.net/x", "blob", remote],
  ["http://acc.blob.core.windows.net/x", "blob", remote],
  ["http://acc.blob.core.windows.net/x", "blob", local],
  ["ftp://127.0.0.1/x", "blob", local],
  // Cyrillic letters for o and e, and a full-width one.
  ["https://acc.blob.c\u043ere.windows.net/x", "blob", remote],
  ["https://acc.blob.cor\u0435.windows.net/x", "blob", remote],
  ["https://\u0430cc.blob.core.windows.net/x", "blob", remote],
  ["https://20.60.1.2/x", "blob", remote],
  ["https://0x7f.1/x", "blob", remote],
  ["https://2130706433/x", "blob", remote],
  ["https://[fe80::1]/x", "blob", local],
  ["https://169.254.169.254/x", "blob", local],
  ["http://127.0.0.1:10000/acc/x", "blob", remote],
  ["https://localhost/acc/x", "blob", remote],
  ["https://127.0.0.1.evil.example/x", "blob", local],
  ["https://xstorage.example/x", "blob", trusting],
  ["https://xbelow.example/x", "blob", trusting],
  ["https://storage.example./x", "blob", trusting],
  ["http://storage.example/x", "blob", trusting],
  ["https://me@storage.example/x", "blob", trusting],
];

for (const [url, service, trust] of good)
  test(`${service} storage at ${url} is taken${trust === trusting ? ", being listed" : ""}`, () => {
    assert.equal(storageRoot(`${url}?sig=s%2Fecret`, service, trust).url, new URL(`${url}?sig=s%2Fecret`).href);
  });

for (const [url, service, trust] of bad)
  test(`${service} storage at ${url} is refused${trust === local ? " by a loopback cluster" : ""}`, () => {
    const named = url.includes("#") ? url.replace("#", "?sig=secret#") : `${url}?sig=secret`;
    assert.throws(
      () => storageRoot(named, service, trust),
      (error: { code: string; message: string; context: Record<string, unknown> }) => {
        // What is no URL at all is refused as such.
        if (!URL.canParse(named)) return error.code === "BAD_REQUEST" && !error.message.includes("secret");
        assert.equal(error.code, "UNTRUSTED_HOST");
        // Advice is given where it helps: once the host is trusted, the address is taken.
        const { hostname } = new URL(named);
        const isTaken = () =>
          storageRoot(named, service, { ...trust, trustedHosts: [...trust.trustedHosts, hostname] });
        if (error.message.includes("trustedHosts")) assert.doesNotThrow(isTaken);
        else assert.throws(isTaken);
        assert.ok(error.message.includes(new URL(named).host));
        assert.equal(error.context.host, new URL(named).hostname);
        assert.doesNotMatch(JSON.stringify([error, error.message]), /secret|:pw|user@|me@/);
        return true;
      },
    );
  });
