import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { type Emulator, type EmulatorSecurity, startEmulator } from "../../src/emulator/index.ts";
import { type KustoAdmin, kustoAdmin } from "../../src/kusto.ts";
import { type Authority, privateAuthority } from "../connectors/kusto/network/authority.ts";
import { type ConnectProxy, page, startConnectProxy } from "../connectors/kusto/network/connect-proxy.ts";
import {
  certificateNames,
  names,
  type RemoteCluster,
  startRemoteCluster,
} from "../connectors/kusto/network/remote-cluster.ts";
import { cli, type Outcome } from "./run-cli.ts";

// A cluster behind a proxy of a company that has an authority of its own: every request has to go through the proxy, for nobody else
// knows the hosts. The command line runs as its own process, since Node reads NODE_EXTRA_CA_CERTS when it starts.

const folder = mkdtempSync(join(tmpdir(), "millrace-network-"));
const authorization = `Basic ${Buffer.from("us@er:pa55#word").toString("base64")}`;
const closing: { close(): Promise<unknown> }[] = [];
let emulator: Emulator;
let security: EmulatorSecurity;
let admin: KustoAdmin;
let authority: Authority;
let remote: RemoteCluster;
let proxy: ConnectProxy;
let to: string[];
let env: NodeJS.ProcessEnv;

before(async () => {
  const applications = [{ name: "admin", clusterRole: "AllDatabasesAdmin" as const }];
  emulator = await startEmulator({ databases: ["db"], security: { applications } });
  security = emulator.security!;
  const { appId, appKey } = security.applications[0]!;
  admin = await kustoAdmin({ cluster: emulator.url, database: "db", token: security.token(appId) });
  await admin.execute(".create table Rows (n:int)");
  authority = await privateAuthority();
  remote = await startRemoteCluster(emulator.url, security.authorityHost, await certified(certificateNames));
  proxy = await startConnectProxy({ portOf: remote.portOf, authorization });
  const login = ["--app-id", appId, "--tenant", security.tenantId, "--app-key-file", file("key", appKey!)];
  to = ["--cluster", remote.cluster, "--database", "db", ...login, "--authority-host", remote.authorityHost];
  env = { HTTPS_PROXY: proxyUrl(proxy), NODE_EXTRA_CA_CERTS: file("root.pem", authority.root) };
});
afterEach(async () => {
  proxy.behaviour = undefined;
  proxy.asked.length = 0;
  for (const each of closing.splice(0)) await each.close();
});
after(async () => {
  admin?.close();
  await proxy?.close();
  await remote?.close();
  await emulator?.close();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function certified(hosts: readonly string[], options = {}): Promise<{ cert: string; key: string }> {
  const { certificate, privateKey } = await authority.issue(hosts, options);
  return { cert: certificate, key: privateKey };
}

function proxyUrl({ port }: { port: number }, user = "us%40er:pa55%23word"): string {
  return `http://${user}@127.0.0.1:${port}`;
}

/** Another remote cluster behind another proxy, with this certificate. */
async function behind(tls: { cert: string; key: string }): Promise<{ env: NodeJS.ProcessEnv; asked: string[] }> {
  const other = await startRemoteCluster(emulator.url, security.authorityHost, tls);
  const way = await startConnectProxy({ portOf: other.portOf });
  closing.push(way, other);
  return { env: { ...env, HTTPS_PROXY: proxyUrl(way) }, asked: way.asked };
}

function silent({ out, err }: Outcome): string {
  const all = out + err;
  for (const secret of ["pa55", "us%40er", "us@er", authorization.slice(6)]) assert.ok(!all.includes(secret), all);
  return all;
}

const placesOf = (asked: readonly string[]) => new Set(asked.map((place) => place.replace(/\d*\./, ".")));

test("login, engine, data management, blobs and queues go through the proxy, by few connections", async () => {
  const lines = Array.from({ length: 4000 }, (_, n) => `{"n":${n}}\n`).join("");
  const args = ["ingest", file("rows.ndjson", lines), "--table", "Rows", "--wait", "--verbose", ...to];
  const outcome = await cli(args, { env });
  assert.equal(outcome.code, 0, silent(outcome));
  const [[rows, sum]] = (await admin.query("Rows | summarize count(), sum(n)")).rows as [[number, number]];
  assert.deepEqual([Number(rows), Number(sum)], [4000, (3999 * 4000) / 2]);
  assert.deepEqual(placesOf(proxy.asked), new Set(Object.values(names).map((name) => `${name}:443`)));
  assert.deepEqual(proxy.plain, []);
  const tunnels = proxy.asked.filter((place) => place === `${names.engine}:443`).length;
  assert.ok(tunnels < remote.requests.get(names.engine)!, `${tunnels} tunnels: each request has one of its own`);
});

test("check: all is reached through the proxy, which is named", async () => {
  const outcome = await cli(["check", "--table", "Rows", ...to], { env });
  const all = silent(outcome);
  assert.equal(outcome.code, 0, all);
  assert.match(all, /ok +dns +lab\.\S+ is resolved by the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\)\./);
  assert.match(all, /ok +connection +lab\.\S+:443 answers by TLSv1\.3 through the proxy http:/);
  assert.match(all, /ok +storage +The storage answers: labblobs/);
});

const refused: { what: string; own: () => NodeJS.ProcessEnv; said: RegExp; tunnels: number }[] = [
  {
    what: "the wrong password",
    own: () => ({ ...env, HTTPS_PROXY: proxyUrl(proxy, "us%40er:pa55word") }),
    said: /the proxy http:\S+ \(HTTPS_PROXY\) refuses the user and password in its URL \(HTTP 407\)/,
    tunnels: 1,
  },
  {
    what: "an authority that is not known",
    own: () => ({ HTTPS_PROXY: proxyUrl(proxy) }),
    said: /through the proxy http:\S+ \(HTTPS_PROXY\) .*a certificate of an authority that .*\(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)[\s\S]*NODE_EXTRA_CA_CERTS=/,
    tunnels: 1,
  },
  {
    what: "a proxy by SOCKS",
    own: () => ({ ...env, HTTPS_PROXY: "socks5://us%40er:pa55@127.0.0.1:9" }),
    said: /HTTPS_PROXY names a proxy by socks5:\/\/, which is not supported/,
    tunnels: 0,
  },
];

for (const { what, own, said, tunnels } of refused)
  test(`told at once, without a retry: ${what}`, async () => {
    for (const command of [
      ["query", "Rows"],
      ["ingest", file("one.ndjson", '{"n":1}\n'), "--table", "Rows", "--verbose"],
    ]) {
      proxy.asked.length = 0;
      const outcome = await cli([...command, ...to], { env: own() });
      assert.notEqual(outcome.code, 0);
      assert.match(silent(outcome), said);
      assert.doesNotMatch(outcome.err, /attempt \d/);
      assert.equal(proxy.asked.length, tunnels, String(proxy.asked));
    }
    const checked = await cli(["check", "--table", "Rows", ...to], { env: own() });
    assert.equal(checked.code, 1);
    assert.match(silent(checked), said);
  });

test("a certificate that has expired, or is of another host, is told as such, also where the login meets it", async () => {
  const expired = await behind(await certified(certificateNames, { isExpired: true }));
  const first = await cli(["query", "Rows", ...to], { env: expired.env });
  assert.match(
    silent(first),
    /shows a certificate that has expired \(CERT_HAS_EXPIRED\)\. Compare this machine's clock/,
  );

  const others = certificateNames.filter((name) => name !== names.authority);
  const foreign = await behind(await certified(others));
  const second = await cli(["query", "Rows", ...to], { env: foreign.env });
  assert.match(
    silent(second),
    /Logging in by --app-key-file .*shows a certificate of another host \(ERR_TLS_CERT_ALTNAME_INVALID\)/,
  );
  assert.doesNotMatch(second.err, /attempt \d/);
  assert.equal(foreign.asked.filter((place) => place.startsWith(names.authority)).length, 1, String(foreign.asked));
});

test("a proxy that lets out to the cluster alone is told where the login and where the storage meet it", async () => {
  const deny = (part: string) => {
    proxy.behaviour = (host, socket) => {
      if (!host.includes(part)) return false;
      socket.end(page(403, "", "<h1>Blocked</h1>"));
      return true;
    };
  };
  deny("login.");
  const login = await cli(["query", "Rows", ...to], { env });
  assert.match(
    silent(login),
    /Logging in by --app-key-file failed: the proxy \S+ \(HTTPS_PROXY\) refused a tunnel to login\.\S+:443 \(HTTP 403\)/,
  );
  deny(".blob.");
  const ingest = ["ingest", file("one.ndjson", '{"n":1}\n'), "--table", "Rows", "--retry-timeout-ms", "0", ...to];
  const stored = await cli(ingest, { env });
  assert.notEqual(stored.code, 0);
  assert.match(silent(stored), /refused a tunnel to labblobs\S*\.blob\.core\.windows\.net:443 \(HTTP 403\)/);
  const checked = await cli(["check", "--table", "Rows", ...to], { env });
  assert.match(silent(checked), /failed +storage .*refused a tunnel to labblobs/);
});

test("a proxy that is away is tried again, and named on each line", async () => {
  const dead = { ...env, HTTPS_PROXY: "http://us%40er:pa55@127.0.0.1:9" };
  const outcome = await cli(
    ["ingest", file("one.ndjson", '{"n":1}\n'), "--table", "Rows", "--retry-timeout-ms", "1500", ...to],
    {
      env: dead,
    },
  );
  assert.notEqual(outcome.code, 0);
  silent(outcome);
  const retries = outcome.err.split("\n").filter((line) => /attempt \d+ failed/.test(line));
  assert.ok(retries.length > 0, outcome.err);
  for (const line of retries) assert.match(line, /the proxy http:\/\/127\.0\.0\.1:9 \(HTTPS_PROXY\) cannot be reached/);
});

test("tunnels that break in the middle of answers cost a retry, and no rows", async () => {
  await admin.execute(".create table Cut (n:int)");
  // In the handshake, and in the answers behind it.
  const cuts = [1000, 2600, 3200, 4000];
  const cutAfter = (host: string) => (host === names.engine ? cuts.shift() : undefined);
  const cutter = await startConnectProxy({ portOf: remote.portOf, authorization, cutAfter });
  closing.push(cutter);
  const lines = Array.from({ length: 500 }, (_, n) => `{"n":${n}}\n`).join("");
  const outcome = await cli(["ingest", file("cut.ndjson", lines), "--table", "Cut", "--wait", ...to], {
    env: { ...env, HTTPS_PROXY: proxyUrl(cutter) },
  });
  assert.equal(outcome.code, 0, silent(outcome));
  assert.equal(Number((await admin.query("Cut | summarize dcount(n, 4)")).rows[0]![0]), 500);
  assert.deepEqual(cuts, []);
  assert.match(outcome.err, /attempt 1 failed.* through the proxy /);
});

test("this machine is reached directly, whatever the proxy", async () => {
  const login = ["--app-id", security.applications[0]!.appId, "--tenant", security.tenantId];
  const key = ["--app-key-file", file("key", security.applications[0]!.appKey!)];
  const local = ["--cluster", emulator.url, "--database", "db", "--authority-host", security.authorityHost];
  for (const HTTPS_PROXY of [proxyUrl(proxy), "socks5://127.0.0.1:9"]) {
    const own = { HTTPS_PROXY, HTTP_PROXY: HTTPS_PROXY, ALL_PROXY: HTTPS_PROXY };
    const outcome = await cli(
      ["ingest", file("one.ndjson", '{"n":1}\n'), "--table", "Rows", ...local, ...login, ...key],
      {
        env: { ...own, NODE_EXTRA_CA_CERTS: file("local.pem", security.certificate) },
      },
    );
    assert.equal(outcome.code, 0, outcome.err);
  }
  assert.deepEqual([proxy.asked, proxy.plain], [[], []]);
});

test("a host of NO_PROXY is reached directly", async () => {
  const direct = ["--cluster", "https://lab.invalid", "--trusted-host", "lab.invalid", "--database", "db"];
  const outcome = await cli(["query", "Rows", ...direct], {
    env: { ...env, no_proxy: ".INVALID", MILLRACE_TOKEN: "t0ken-of-a-test" },
  });
  assert.match(silent(outcome), /lab\.invalid/);
  assert.deepEqual(proxy.asked, []);
});

test("what is no URL of a cluster is told before a login is asked for", async () => {
  const asked = async (cluster: string) => (await cli(["query", "T", "--cluster", cluster, "--database", "db"])).err;
  assert.match(await asked("notaurl"), /cluster "notaurl" is not a URL; it looks like https:/);
  assert.match(await asked("127.0.0.1:8080"), /is it http:\/\/127\.0\.0\.1:8080\?/);
});
