import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ConnectionFlags, connectionFrom, pollingOptions } from "../../src/cli/connection.ts";
import { connectionOf, type KustoOptions } from "../../src/connectors/kusto/options.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-connection-"));
after(() => rmSync(folder, { recursive: true }));
const secretFile = join(folder, "secret");
writeFileSync(secretFile, "s3cret\n");

const at = { cluster: "https://adx.westeurope.kusto.windows.net", database: "iot" };
const loopback = { cluster: "http://127.0.0.1:8080", database: "iot" };

const cases: [flags: ConnectionFlags, env: NodeJS.ProcessEnv, expected: Partial<KustoOptions>][] = [
  [{ ...at, azureCli: true }, {}, { azureCli: true }],
  [{ ...at, azureCli: true, tenant: "t" }, { MILLRACE_APP_KEY: "x" }, { azureCli: true, tenantId: "t" }],
  [{ ...at, managedIdentity: true }, {}, { managedIdentityAppId: "system" }],
  [{ ...at, managedIdentity: "id" }, {}, { managedIdentityAppId: "id" }],
  [{ ...at, workloadIdentity: true }, {}, { workloadIdentity: true }],
  [{ ...at, appId: "a", tenant: "t" }, { MILLRACE_APP_KEY: "k" }, { appId: "a", tenantId: "t", appKey: "k" }],
  [
    { ...at, appId: "a", tenant: "t", appKeyFile: secretFile },
    { MILLRACE_APP_KEY: "k" },
    { appId: "a", tenantId: "t", appKey: "s3cret" },
  ],
  [
    { ...at, appId: "a", tenant: "t", certificate: "c.pem" },
    {},
    { appId: "a", tenantId: "t", certificatePath: "c.pem" },
  ],
  [at, { MILLRACE_TOKEN: "tok" }, { token: "tok" }],
  // MILLRACE_APP_ID and MILLRACE_TENANT come as flags; a way that has no use for them is not refused for them.
  [{ ...at, managedIdentity: true, appId: "a", tenant: "t" }, {}, { managedIdentityAppId: "system" }],
  [loopback, { MILLRACE_APP_KEY: "k" }, {}],
  [{ ...loopback, cluster: "http://[::1]:8080" }, { MILLRACE_APP_KEY: "k" }, {}],
  [{ ...loopback, cluster: "http://localhost.:8080" }, { MILLRACE_APP_KEY: "k" }, {}],
  [
    { ...at, azureCli: true, trustedHost: [".example.com"], authorityHost: "https://login.example.com" },
    {},
    { azureCli: true, trustedHosts: [".example.com"], authorityHost: "https://login.example.com" },
  ],
];

for (const [flags, env, expected] of cases)
  test(`${JSON.stringify(flags)} with ${Object.keys(env).join(", ") || "nothing"} in the environment`, () => {
    const options = connectionFrom(flags, env);
    const { cluster: _, database: __, ...rest } = options;
    assert.deepEqual(rest, expected);
    connectionOf(options); // kusto() takes it
  });

test("a token file is read again each time", async () => {
  const file = join(folder, "token");
  writeFileSync(file, "one\n");
  const { token } = connectionFrom({ ...at, tokenFile: file }, {}) as { token: () => Promise<string> };
  assert.equal(await token(), "one");
  writeFileSync(file, "two");
  assert.equal(await token(), "two");
  rmSync(file);
  await assert.rejects(token(), { code: "UNAUTHENTICATED" });
});

test("the host is judged before the login is asked for", () => {
  const meant = /^(?!.*(login|trust)).*did you mean https:\/\/adx\.westeurope\.kusto\.windows\.net\?$/;
  for (const cluster of ["https://adx.westeurope.kusto.windows.com", "https://adx.westeurope.kusto.windwos.net"])
    assert.throws(() => connectionFrom({ ...at, cluster }, {}), { code: "UNTRUSTED_HOST", message: meant }, cluster);
  const bare = { code: "BAD_OPTION", message: meant };
  assert.throws(() => connectionFrom({ ...at, cluster: "adx.westeurope.kusto.windwos.net" }, {}), bare);
  const short = { code: "UNTRUSTED_HOST", message: /^(?!.*trustedHosts).*looks like https:\/\/adx\.westeurope\.kusto/ };
  assert.throws(() => connectionFrom({ ...at, cluster: "https://adx" }, {}), short);
  const foreign = { ...at, cluster: "https://adx.example.com" };
  assert.throws(() => connectionFrom(foreign, {}), { code: "UNTRUSTED_HOST", message: /--trusted-host/ });
  assert.throws(() => connectionFrom({ ...foreign, trustedHost: [".example.com"] }, {}), {
    message: /no login for adx/,
  });
});

test("what is missing is named", () => {
  assert.throws(() => connectionFrom({ database: "d" }, {}), { code: "BAD_OPTION", message: /--cluster/ });
  assert.throws(() => connectionFrom({ cluster: at.cluster }, {}), { message: /--database/ });
  assert.throws(() => connectionFrom(at, {}), { message: /no login for .*--azure-cli/ });
  const noUrl = { code: "BAD_OPTION", message: /cluster "notaurl" is not a URL; it looks like https:/ };
  assert.throws(() => connectionFrom({ ...at, cluster: "notaurl" }, {}), noUrl, "before the login is asked for");
  const { cluster } = at;
  const named = { message: /"Other" there\?/ };
  assert.throws(() => connectionFrom({ cluster: `${cluster}/Other` }, {}), named, "before the database is asked for");
  assert.throws(() => connectionFrom({ ...at, appKeyFile: join(folder, "none") }, {}), {
    message: /cannot read .*none/,
  });
  assert.throws(() => connectionOf(connectionFrom({ ...at, azureCli: true, workloadIdentity: true }, {})), {
    message: /different ways/,
  });
});

test("rows are waited for on loopback, and asked for often there; elsewhere only with --wait", () => {
  const remote = connectionFrom({ ...at, azureCli: true }, {});
  const local = connectionFrom(loopback, {});
  assert.deepEqual(pollingOptions({}, remote), {});
  assert.deepEqual(pollingOptions({ wait: true }, remote), { pollForIngestionStatus: true });
  assert.deepEqual(pollingOptions({}, local), { pollForIngestionStatus: true, pollIntervalMs: 100 });
  const byIpv6 = connectionFrom({ ...loopback, cluster: "http://[::1]:8080" }, {});
  assert.deepEqual(pollingOptions({}, byIpv6), { pollForIngestionStatus: true, pollIntervalMs: 100 });
});
