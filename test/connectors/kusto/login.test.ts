import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { selfSigned } from "../../../src/emulator/security/self-signed.ts";

/**
 * @azure/identity speaks only https to an authority, and Node reads additional roots only at its start. So the tests of
 * `logins.ts` run in a child that trusts a certificate made here.
 */
const folders = mkdtempSync(join(tmpdir(), "millrace-login-"));
after(() => rmSync(folders, { recursive: true }));

async function runLogins(extra: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const { certificate, privateKey } = await selfSigned();
  const folder = mkdtempSync(join(folders, "run-"));
  const paths = { authority: join(folder, "authority.pem"), key: join(folder, "authority.key") };
  writeFileSync(paths.authority, certificate);
  writeFileSync(paths.key, privateKey);
  const { NODE_TEST_CONTEXT: _ours, NODE_OPTIONS: _options, ...env } = process.env;
  const child = spawn(process.execPath, ["--import", "tsx", fileURLToPath(new URL("./logins.ts", import.meta.url))], {
    env: {
      ...env,
      NODE_EXTRA_CA_CERTS: paths.authority,
      AUTHORITY_CERTIFICATE: paths.authority,
      AUTHORITY_KEY: paths.key,
      LOGIN_FOLDER: folder,
      ...extra,
    },
    stdio: ["ignore", "pipe", "pipe"],
    signal, // a login that hangs does not outlive its test
  });
  child.on("error", () => {});
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, said);
  assert.match(said, /# pass (1[0-9]|[2-9]\d)/, said);
}

test("every way to log in really logs in", { timeout: 60_000 }, (t) => runLogins({}, t.signal));

test("logins at this machine go by no proxy, managed identities neither", { timeout: 60_000 }, (t) => {
  const dead = "http://127.0.0.1:9";
  return runLogins({ HTTPS_PROXY: dead, https_proxy: dead, HTTP_PROXY: dead, ALL_PROXY: dead, NO_PROXY: "" }, t.signal);
});
