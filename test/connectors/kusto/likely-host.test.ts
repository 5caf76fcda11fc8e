import assert from "node:assert/strict";
import { test } from "node:test";
import { kustoTrustedEndpoints } from "azure-kusto-data";
import fc from "fast-check";
import { isKustoHost } from "../../../src/connectors/kusto/kusto-hosts.ts";
import { likelyHost } from "../../../src/connectors/kusto/likely-host.ts";

const adx = "adx.westeurope.kusto.windows.net";

const cases: [given: string, likely: string | undefined][] = [
  ["adx.westeurope.kusto.windows.com", adx],
  ["adx.westeurope.kusto.windwos.net", adx],
  ["adx.westeurope.kusto.window.net", adx],
  ["adx.westeurope.custo.windwos.net", adx],
  ["adx.westeurope.kusto.windwos.com", adx],
  ["adx.westeurope.kusto.windows.co.uk", adx],
  ["adx.westeurope.kusto.windows.cloud", adx],
  ["adx.westeurope.kustowindows.net", adx],
  ["adx.westeurope.windows.net", adx],
  ["adx.westeurope.kusto.net", adx],
  ["adx.westeurope-kusto.windows.net", adx],
  ["adx.westeurope.-kusto.windows.net", adx],
  ["adx.westeurope", adx],
  [`${adx}.evil.example`, adx],
  [new URL(`https://${adx.replace("o.w", "\u043e.w")}`).hostname, adx],
  ["x.z0.kusto.fabric.microsft.com", "x.z0.kusto.fabric.microsoft.com"],
  ["adx.kusto.chinacloudapi.com", "adx.kusto.chinacloudapi.cn"],
  ["adx.monitor.azure.co", "adx.monitor.azure.com"],
  ["adx.example.com", undefined],
  ["adx.corp", undefined],
  ["sales.northwind.example", undefined],
  ["acct.blob.core.windows.net", undefined],
  ["acct.dfs.core.windows.net", undefined],
  ["10.0.0.5", undefined],
  ["[2001:db8::1]", undefined],
  [adx, undefined],
];

for (const [given, likely] of cases)
  test(`${given}: ${likely ?? "nothing"} is meant`, () => assert.equal(likelyHost(given)?.host, likely));

test("a name that lacks the cluster or the domain is near, and no host is made up", () => {
  for (const name of ["adx", "kusto.windows.net", "kusto.windwos.net", "kusto.windows.net.evil.example"])
    assert.deepEqual(likelyHost(name), {}, name);
});

test("a suggestion is a host that the SDK trusts too, and one edit is enough to be near", () => {
  const letter = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz0123456789-.");
  const edited = fc
    .tuple(fc.nat({ max: adx.length - 8 }), fc.nat({ max: 2 }), letter)
    .map(([back, kind, by]) => {
      // Behind the cluster's name and its region.
      const place = Math.max(15, adx.length - 1 - back);
      return adx.slice(0, place) + (kind === 0 ? "" : by) + adx.slice(kind === 1 ? place : place + 1);
    })
    .filter((name) => URL.canParse(`https://${name}`) && !isKustoHost(name));
  fc.assert(
    fc.property(edited, (name) => {
      const host = likelyHost(name)?.host;
      assert.ok(host, name);
      kustoTrustedEndpoints.validateTrustedEndpoint(`https://${host}`, "https://login.microsoftonline.com");
    }),
    { numRuns: 300 },
  );
});
