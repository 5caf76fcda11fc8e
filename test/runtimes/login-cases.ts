import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { k, MillraceError, open, table } from "millrace";
import { type KustoOptions, kusto, kustoAdmin } from "millrace/kusto";
import type { Case, World } from "./world.ts";

type Login = Partial<KustoOptions>;

/** As whom the cluster knows somebody who logs in so. */
async function principalOf({ secured: { cluster } }: World, login: Login): Promise<unknown> {
  const admin = await kustoAdmin({ cluster, database: "demo", ...login });
  try {
    return (await admin.query("print current_principal()")).rows[0]![0];
  } finally {
    admin.close();
  }
}

const byKey = ({ secured: { admin, tenantId, authorityHost } }: World): Login => ({
  appId: admin.appId,
  appKey: admin.appKey,
  tenantId,
  authorityHost,
});

/** The environment with more in it, for as long as the act takes. */
async function withEnvironment<T>(more: Readonly<Record<string, string>>, act: () => Promise<T>): Promise<T> {
  const before = Object.fromEntries(Object.keys(more).map((name) => [name, process.env[name]]));
  Object.assign(process.env, more);
  try {
    return await act();
  } finally {
    for (const [name, value] of Object.entries(before))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
}

const ways: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  "an app's key": (world) => principalOf(world, byKey(world)),
  "an app's certificate": (world) => {
    const { admin, tenantId, authorityHost, pem } = world.secured;
    return principalOf(world, { appId: admin.appId, tenantId, authorityHost, certificate: pem });
  },
  "workload identity": (world) => {
    const { admin, tenantId, authorityHost, federatedToken } = world.secured;
    const path = join(world.folder, "federated-token");
    writeFileSync(path, federatedToken);
    return withEnvironment({ AZURE_FEDERATED_TOKEN_FILE: path }, () =>
      principalOf(world, { appId: admin.appId, tenantId, authorityHost, workloadIdentity: true }),
    );
  },
  "a managed identity": (world) =>
    withEnvironment(world.secured.appService, () => principalOf(world, { managedIdentityAppId: "system" })),
  "a token": (world) => principalOf(world, { token: world.secured.bearer }),
};

export const loginCases: readonly Case[] = [
  ...Object.entries(ways).map(([way, login]) => ({
    name: `auth: ${way} logs in at a loopback authority`,
    async run(world: World) {
      assert.equal(await login(world), world.secured.admin.principal);
    },
  })),
  {
    name: "auth: a wrong key is UNAUTHENTICATED, and does not show",
    async run(world) {
      await assert.rejects(principalOf(world, { ...byKey(world), appKey: "not-the-key-of-it" }), (error) => {
        assert.ok(error instanceof MillraceError, String(error));
        assert.equal(error.code, "UNAUTHENTICATED", error.message);
        assert.match(error.message, /AADSTS7000215/);
        assert.ok(!inspect(error, { depth: 20, showHidden: true }).includes("not-the-key-of-it"));
        return true;
      });
      await assert.rejects(principalOf(world, {}), { code: "UNAUTHENTICATED" });
    },
  },
  {
    name: "auth: a sink with an app's key lands records",
    async run(world) {
      const name = `Secured_${world.runtime.replaceAll("-", "_")}`;
      const connection = { cluster: world.secured.cluster, database: "demo", ...byKey(world) };
      const admin = await kustoAdmin(connection);
      await admin.execute(`.create table ${name} (n:int)`);
      const sink = await open({
        table: table(name, { n: k.int() }),
        to: kusto({ ...connection, flushImmediately: true, pollForIngestionStatus: true, pollIntervalMs: 100 }),
      });
      await sink.writeAll([{ n: 1 }, { n: 2 }, { n: 3 }]);
      await sink.close();
      assert.equal(Number((await admin.query(`${name} | summarize sum(n)`)).rows[0]![0]), 6);
      admin.close();
    },
  },
];
