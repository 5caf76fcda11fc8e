import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startEmulator } from "../../../src/emulator/index.ts";
import { selfSigned } from "../../../src/emulator/security/self-signed.ts";
import type { Secured } from "./clients.ts";

/**
 * Node reads additional roots at its start only, and @azure/identity speaks nothing but https to an authority. So the
 * tests of `clients.ts` run in a child that trusts the certificate of this process's emulator.
 */
const folder = mkdtempSync(join(tmpdir(), "millrace-secured-"));
after(() => rmSync(folder, { recursive: true }));

test("clients log in for real, and do what their roles allow", { timeout: 120_000 }, async () => {
  const [own, other] = [await selfSigned(), await selfSigned()];
  const emulator = await startEmulator({
    security: {
      applications: [
        { name: "admin", clusterRole: "AllDatabasesAdmin" },
        { name: "certified", certificate: own.certificate, clusterRole: "AllDatabasesViewer" },
        { name: "federated", clusterRole: "AllDatabasesViewer" },
        { name: "machine", managedIdentity: "system", clusterRole: "AllDatabasesViewer" },
        { name: "assigned", managedIdentity: "user", clusterRole: "AllDatabasesViewer" },
        ...["ingestor", "nobody", "exactly-move", "exactly-append", "exactly-tag"].map((name) => ({ name })),
      ],
    },
  });
  try {
    const { authorityHost, tenantId, applications, managedIdentity, certificate, ...security } = emulator.security!;
    const byName = Object.fromEntries(applications.map((each) => [each.name, each]));
    const authority = join(folder, "authority.pem");
    writeFileSync(authority, certificate);
    const secured: Secured = {
      cluster: emulator.url,
      authorityHost,
      tenantId,
      folder,
      pem: own.certificate + own.privateKey,
      otherPem: other.certificate + other.privateKey,
      applications: byName,
      managed: managedIdentity as unknown as Secured["managed"],
      federatedToken: security.federatedToken(byName.federated!.appId),
      bearer: security.token(byName.admin!.appId),
    };
    const { NODE_TEST_CONTEXT: _ours, NODE_OPTIONS: _options, ...env } = process.env;
    const child = fork(fileURLToPath(new URL("./clients.ts", import.meta.url)), {
      execArgv: ["--import", "tsx"],
      env: { ...env, NODE_EXTRA_CA_CERTS: authority, SECURED: JSON.stringify(secured) },
      silent: true,
    });
    child.on("message", () => {
      security.revokeTokens();
      child.send("revoked");
    });
    let said = "";
    for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (chunk) => (said += chunk));
    const code = await new Promise((resolve) => child.once("close", resolve));
    assert.equal(code, 0, said);
    assert.match(said, /# pass (1[5-9]|[2-9]\d)/, said);
  } finally {
    await emulator.close();
  }
});
