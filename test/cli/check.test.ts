import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { itemText, lookOf } from "../../src/cli/check.ts";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { selfSigned } from "../../src/emulator/security/self-signed.ts";
import type { CheckItem } from "../../src/index.ts";
import { type KustoAdmin, kustoAdmin } from "../../src/kusto.ts";
import { cli, lastJson, startCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-check-"));
let emulator: Emulator;
let admin: KustoAdmin;
let to: string[];
/** A proxy of this machine's would make a host that does not answer a warning. */
const env = { HTTPS_PROXY: "", https_proxy: "", ALL_PROXY: "", all_proxy: "" };

before(async () => {
  emulator = await startEmulator({ databases: ["demo"] });
  admin = await kustoAdmin({ cluster: emulator.url, database: "demo" });
  await admin.execute(".create table Readings (ts:datetime, device:string)");
  to = ["--cluster", emulator.url, "--database", "demo"];
});
after(async () => {
  admin?.close();
  await emulator?.close();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const itemsOf = (out: string) => lastJson(out).items as CheckItem[];

test("ready: a line per item, plain where nobody looks, exit code 0", async () => {
  const { code, out, err } = await cli(["check", "--table", "Readings", ...to]);
  assert.equal(code, 0, out + err);
  assert.match(out, /^ok +trust +127\.0\.0\.1 needs no token\.\n/);
  assert.match(out, /\nok +table +Table Readings exists, with 2 columns\.\n/);
  assert.match(out, /\n\nready\n$/);
  assert.ok(!out.includes("\u001b"), "no colour");
  assert.equal(err, "");
});

test("not ready: exit code 1, and the fix works as it is printed", async () => {
  const schema = file("new.json", '{"table":"New","columns":{"n":"long"}}');
  const args = ["check", "--table", "New", "--schema", schema, ...to];
  const { code, out } = await cli(args);
  assert.equal(code, 1);
  assert.match(out, /\nfailed +table +Table New does not exist in database demo\.\n/);
  assert.match(out, /\nnot reached {2}schema +table comes first\.\n/);
  assert.match(out, /\n\nnot ready: 1 failed, 4 not reached\n$/);
  const [, command] = /fix: .*: (\.create-merge .*)\n/.exec(out)!;
  await admin.execute(command!);
  assert.equal((await cli(args)).code, 0);
});

test("--json: one object, with warnings and with failures", async () => {
  const warned = await cli(["check", "--table", "Readings", "--preset", "none", "--json", ...to]);
  assert.equal(warned.code, 0);
  assert.equal(warned.out.split("\n").length, 2);
  assert.equal(lastJson(warned.out).ok, true);
  assert.equal(itemsOf(warned.out).find(({ name }) => name === "batching")!.status, "warning");

  const schema = file("other.kql", "device:string, ts:datetime");
  const failed = await cli(["check", "--table", "Readings", "--schema", schema, "--json", ...to]);
  assert.equal(failed.code, 1);
  assert.equal(lastJson(failed.out).ok, false);
  const found = itemsOf(failed.out).find(({ name }) => name === "schema")!;
  assert.deepEqual([found.status, found.code], ["failed", "BAD_SCHEMA"]);
  assert.equal((await cli(["check", "--table", "Readings", "--schema", schema, "--format", "ndjson", ...to])).code, 0);
});

test("mapping, guarantee and commit mode are looked at as they are given", async () => {
  const missing = await cli(["check", "--table", "Readings", "--mapping", "m", "--json", ...to]);
  assert.deepEqual([missing.code, itemsOf(missing.out).find(({ name }) => name === "mapping")!.status], [1, "failed"]);
  const exactly = ["--guarantee", "exactly-once", "--json", ...to];
  const moved = await cli(["check", "--table", "Readings", ...exactly]);
  assert.equal(moved.code, 0, moved.err);
  assert.equal(itemsOf(moved.out).find(({ name }) => name === "commit")!.status, "ok");
  const tagged = await cli(["check", "--table", "Readings", "--commit-mode", "tag", ...exactly]);
  assert.ok(!itemsOf(tagged.out).some(({ name }) => name === "staging"));
});

test("what makes no sense is exit code 2", async () => {
  for (const [args, says] of [
    [["check", ...to], /required option '--table/],
    [["check", "--table", "T"], /no cluster/],
    [["check", "--table", "T", "--commit-mode", "tag", ...to], /belongs to --guarantee exactly-once/],
    [["check", "--table", "T", "--guarantee", "twice", ...to], /Allowed choices/],
  ] as const) {
    const { code, err } = await cli(args);
    assert.equal(code, 2);
    assert.match(err, says);
  }
});

test("a host that does not resolve: told by items, not by a stack", async () => {
  const token = file("token", "not-a-real-token");
  const args = ["--cluster", "https://nowhere.invalid", "--database", "d", "--token-file", token];
  const { code, out, err } = await cli(["check", "--table", "T", ...args, "--trusted-host", "nowhere.invalid"], {
    env,
  });
  assert.equal(code, 1);
  assert.match(out, /\nfailed +dns +nowhere\.invalid is not resolved/);
  assert.match(out, /\nfailed +ingest-dns +ingest-nowhere\.invalid is not resolved/);
  assert.ok(!(out + err).includes("not-a-real-token"));
});

// Only Linux has all of 127.0.0.0/8 as its loopback.
test("a certificate that is trusted, of another host, by name", { skip: process.platform !== "linux" }, async () => {
  const { certificate, privateKey } = await selfSigned();
  const server = createTlsServer({ cert: certificate, key: privateKey }).listen(0, "127.0.0.2");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const at = ["--cluster", `https://127.0.0.2:${port}`, "--database", "d", "--json"];
    const trusting = { ...env, NODE_EXTRA_CA_CERTS: file("ca.pem", certificate) };
    const { code, out } = await cli(["check", "--table", "T", ...at], { env: trusting });
    assert.equal(code, 1);
    const found = itemsOf(out).find(({ name }) => name === "connection")!;
    assert.match(found.message, /shows a certificate of another host \(ERR_TLS_CERT_ALTNAME_INVALID\)/);
    assert.match(found.fix!, /by the name that its certificate bears/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("Ctrl-C ends it at once, with 130", { skip: process.platform === "win32" }, async () => {
  const sockets: Socket[] = [];
  const mute = createTcpServer((socket) => sockets.push(socket.on("error", () => {}).resume())).listen(0, "127.0.0.1");
  await once(mute, "listening");
  try {
    const { port } = mute.address() as AddressInfo;
    const { child, done } = startCli([
      "check",
      "--table",
      "T",
      "--cluster",
      `http://127.0.0.1:${port}`,
      "--database",
      "d",
    ]);
    // The look at the port, and then the first request, which nobody answers.
    await once(mute, "connection");
    await once(mute, "connection");
    child.kill("SIGINT");
    const { code, out, err } = await done;
    assert.equal(code, 130);
    assert.match(out, /^ok .*trust/);
    assert.equal(err, "millrace: interrupted.\n");
  } finally {
    for (const socket of sockets) socket.destroy();
    mute.close();
  }
});

test("on a terminal there are marks, and colours unless NO_COLOR says otherwise", () => {
  const tty = { isTTY: true };
  assert.deepEqual(lookOf(tty, {}), { hasMarks: true, hasColor: true });
  assert.deepEqual(lookOf(tty, { NO_COLOR: "1" }), { hasMarks: true, hasColor: false });
  assert.deepEqual(lookOf(tty, { TERM: "dumb" }), { hasMarks: false, hasColor: false });
  assert.deepEqual(lookOf({}, {}), { hasMarks: false, hasColor: false });
  assert.deepEqual(lookOf({}, { FORCE_COLOR: "1" }), { hasMarks: false, hasColor: true });
  const item: CheckItem = { name: "table", status: "failed", message: "gone\u001b[2J", fix: "make it" };
  const plain = itemText(item, { hasMarks: true, hasColor: false });
  assert.equal(plain, `✗  table              gone\\u001b[2J\n${" ".repeat(22)}fix: make it\n`);
  const coloured = itemText(item, { hasMarks: true, hasColor: true });
  assert.equal(coloured.replace("\u001b[31m", "").replace("\u001b[39m", ""), plain);
  assert.ok(coloured.startsWith("\u001b[31m✗\u001b[39m"));
});
