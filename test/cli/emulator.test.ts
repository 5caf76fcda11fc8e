import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import type { LoginFiles } from "../../src/cli/secure-emulator.ts";
import { cli, lastJson, startCli } from "./run-cli.ts";

test("millrace emulator --secure: who logs in by what it says is an admin, who does not is refused", async () => {
  const emulator = startCli(["emulator", "--secure", "--json"]);
  const { url, login } = JSON.parse(await emulator.firstLine) as { url: string; login: LoginFiles };
  const key = readFileSync(login.appKeyFile, "utf8");
  const asked = ["query", "print current_principal()", "--cluster", url, "--database", "demo", "--json"];
  const flags = [
    ...["--app-id", login.appId, "--tenant", login.tenantId],
    ...["--app-key-file", login.appKeyFile, "--authority-host", login.authorityHost],
  ];
  const env = { NODE_EXTRA_CA_CERTS: login.certificateFile };
  const answered = await cli([...asked, ...flags], { env });
  assert.equal(answered.code, 0, answered.err);
  assert.match(JSON.stringify(lastJson(answered.out)), new RegExp(login.principal));
  const refused = await cli(asked, { env });
  assert.equal(refused.code, 1);
  assert.match(refused.err, /HTTP 401/);
  const untrusting = await cli([...asked, ...flags]);
  assert.equal(untrusting.code, 1, "without the certificate there is no login");
  if (process.platform !== "win32") assert.equal(statSync(login.appKeyFile).mode & 0o077, 0);

  emulator.child.kill("SIGTERM");
  const { code, out, err } = await emulator.done;
  assert.equal(code, 0, err);
  assert.equal(err, "");
  assert.ok(!`${out}${answered.out}${answered.err}${untrusting.err}`.includes(key), "the key is in its file only");
  assert.ok(!existsSync(login.appKeyFile) && !existsSync(login.certificateFile));
});
