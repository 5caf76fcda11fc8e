import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, afterEach, test } from "node:test";
import { inspect } from "node:util";
import { ClientSecretCredential } from "@azure/identity";
import { type KustoAdmin, kustoAdmin } from "../../../src/connectors/kusto/admin.ts";
import type { KustoOptions } from "../../../src/connectors/kusto/options.ts";
import { MillraceError } from "../../../src/errors.ts";
import { fileState, k, table } from "../../../src/index.ts";
import type { WriteSinkOptions } from "../../../src/write-sink.ts";
import { openKusto } from "../../connectors/kusto/open-kusto.ts";
import { until } from "../ask.ts";

/** Run by clients.test.ts in a process that trusts the certificate of its emulator's authority. */
export interface Secured {
  readonly cluster: string;
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly folder: string;
  /** PEM with its key, of the application `certified`. */
  readonly pem: string;
  readonly otherPem: string;
  readonly applications: Readonly<
    Record<string, { readonly appId: string; readonly appKey: string; readonly principal: string }>
  >;
  readonly managed: { readonly imds: Record<string, string>; readonly appService: Record<string, string> };
  /** A token of Kubernetes for the application `federated`, and one of the admin's for the Azure CLI. */
  readonly federatedToken: string;
  readonly bearer: string;
}

const secured = JSON.parse(process.env.SECURED!) as Secured;
const { cluster, authorityHost, tenantId, folder, applications } = secured;
const database = "demo";

/** Every error that a test has met, for the last one. */
const errors: unknown[] = [];

/** Ends every token that the authority has given out. */
const revokeTokens = () =>
  new Promise<void>((resolve) => {
    process.once("message", () => resolve());
    process.send!("revoke");
  });

const byKey = (name: string): Partial<KustoOptions> => {
  const { appId, appKey } = applications[name]!;
  return { appId, appKey, tenantId, authorityHost };
};

async function withAdmin<T>(login: Partial<KustoOptions>, use: (admin: KustoAdmin) => Promise<T>): Promise<T> {
  const admin = await kustoAdmin({ cluster, database, ...login });
  try {
    return await use(admin);
  } finally {
    admin.close();
  }
}

const asAdmin = <T>(use: (admin: KustoAdmin) => Promise<T>) => withAdmin(byKey("admin"), use);
const run = (csl: string) => asAdmin((admin) => admin.execute(csl));

/** As whom the cluster knows somebody who logs in so. */
const principalOf = (login: Partial<KustoOptions>) =>
  withAdmin(login, async (admin) => (await admin.query("print current_principal()")).rows[0]![0]);

async function failure(act: Promise<unknown>): Promise<MillraceError> {
  const error = await act.then(
    () => assert.fail("it went through"),
    (thrown) => thrown,
  );
  errors.push(error);
  assert.ok(error instanceof MillraceError, inspect(error));
  return error;
}

after(() => process.disconnect());

const ways: Record<string, () => [who: string, login: Partial<KustoOptions>]> = {
  "app id and key": () => ["admin", byKey("admin")],
  certificate: () => ["certified", { ...withoutKey("certified"), certificate: secured.pem }],
  "certificate in a file": () => {
    const path = join(folder, "app.pem");
    writeFileSync(path, secured.pem);
    return ["certified", { ...withoutKey("certified"), certificatePath: path }];
  },
  "workload identity": () => {
    const path = join(folder, "kubernetes-token");
    writeFileSync(path, secured.federatedToken);
    process.env.AZURE_FEDERATED_TOKEN_FILE = path;
    return ["federated", { ...withoutKey("federated"), workloadIdentity: true }];
  },
  "managed identity in App Service: the system's": () => {
    Object.assign(process.env, secured.managed.appService);
    return ["machine", { managedIdentityAppId: "system" }];
  },
  "managed identity of a virtual machine: a user-assigned one": () => {
    Object.assign(process.env, secured.managed.imds);
    return ["assigned", { managedIdentityAppId: applications.assigned!.appId }];
  },
  "the default chain, by its environment": () => {
    const { appId, appKey } = applications.admin!;
    Object.assign(process.env, { AZURE_CLIENT_ID: appId, AZURE_CLIENT_SECRET: appKey, AZURE_TENANT_ID: tenantId });
    return ["admin", { defaultCredential: true, authorityHost }];
  },
  "the Azure CLI": () => {
    const answer = {
      accessToken: secured.bearer,
      expires_on: Math.floor(Date.now() / 1000) + 3600,
      tokenType: "Bearer",
    };
    mkdirSync(join(folder, "bin"));
    const path = join(folder, "bin", "az");
    writeFileSync(path, `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`);
    chmodSync(path, 0o755);
    process.env.PATH = `${join(folder, "bin")}${delimiter}${process.env.PATH}`;
    return ["admin", { azureCli: true }];
  },
  "a credential of the caller's": () => ["admin", { credential: ownCredential() }],
  "a token": () => ["admin", { token: secured.bearer }],
  "a callback that gives tokens": () => {
    const credential = ownCredential();
    return [
      "admin",
      { token: async () => (await credential.getToken("https://kusto.kusto.windows.net/.default")).token },
    ];
  },
};

function withoutKey(name: string): Partial<KustoOptions> {
  return { appId: applications[name]!.appId, tenantId, authorityHost };
}

function ownCredential(): ClientSecretCredential {
  const { appId, appKey } = applications.admin!;
  return new ClientSecretCredential(tenantId, appId, appKey, { authorityHost, disableInstanceDiscovery: true });
}

const environment = { ...process.env };
afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
});

for (const [way, login] of Object.entries(ways))
  test(`login: ${way}`, { skip: way === "the Azure CLI" && process.platform === "win32" }, async () => {
    const [who, options] = login();
    assert.equal(await principalOf(options), applications[who]!.principal);
  });

test("a wrong key, certificate or federated token logs nobody in", async () => {
  const { appKey: _key, ...noKey } = byKey("admin");
  const wrongKey = await failure(principalOf({ ...noKey, appKey: "not-the-key-of-it" }));
  assert.match(wrongKey.message, /AADSTS7000215/);
  const wrongCertificate = await failure(principalOf({ ...withoutKey("certified"), certificate: secured.otherPem }));
  assert.match(wrongCertificate.message, /AADSTS700027/);
  const path = join(folder, "kubernetes-token");
  writeFileSync(path, secured.federatedToken);
  process.env.AZURE_FEDERATED_TOKEN_FILE = path;
  const another = await failure(principalOf({ ...withoutKey("certified"), workloadIdentity: true }));
  assert.match(another.message, /AADSTS700213/);
  const stranger = await failure(principalOf({ ...byKey("admin"), appId: "99999999-9999-4999-8999-999999999999" }));
  assert.match(stranger.message, /AADSTS700016/);
  for (const error of [wrongKey, wrongCertificate, another, stranger]) assert.equal(error.code, "UNAUTHENTICATED");
});

test("no token is UNAUTHENTICATED, and so is one that does not become better by asking anew", async () => {
  for (const login of [{}, { token: `${secured.bearer}x` }])
    assert.equal((await failure(principalOf(login))).code, "UNAUTHENTICATED");
});

let tables = 0;

/** A new table, and a sink into it by the principal of this name. */
async function target() {
  const name = `T${++tables}`;
  await run(`.create table ${name} (a:long)`);
  const shape = table(name, { a: k.long() });
  const openAs = (who: string, options: WriteSinkOptions = {}) =>
    openKusto(shape, { cluster, database, ...byKey(who) }, { parallelism: 0, flushImmediately: true, ...options });
  const count = () =>
    asAdmin(async (admin) =>
      Number(
        (await admin.query(`${name} | summarize count(), dcount(a) | where count_ == dcount_a | project count_`))
          .rows[0]?.[0],
      ),
    );
  return { name, openAs, count };
}

const thousand = Array.from({ length: 1_000 }, (_, a) => ({ a }));

test("at least once: Table Ingestor suffices", async () => {
  const { name, openAs, count } = await target();
  await run(`.add table ${name} ingestors ('${applications.ingestor!.principal}')`);
  const sink = await openAs("ingestor");
  await sink.writeAll(thousand);
  await sink.close();
  assert.equal(await until(count, (rows) => rows === 1_000), 1_000);
});

test("a principal with no right is refused by its name", async () => {
  const { openAs } = await target();
  const error = await failure(openAs("nobody"));
  assert.equal(error.code, "FORBIDDEN");
  assert.ok(error.message.includes(applications.nobody!.principal), error.message);
});

const needed = {
  move: (name: string) => [`.add database ['demo'] users`, `.add table ['${name}'] admins`],
  append: () => [`.add database ['demo'] users`],
  tag: () => [`.add database ['demo'] viewers`],
} as const;

for (const commitMode of ["move", "append", "tag"] as const)
  test(`exactly once by ${commitMode}: opening says which right is missing and the command that grants it, and that command helps`, async () => {
    const { name, openAs, count } = await target();
    const who = `exactly-${commitMode}`;
    await run(`.add table ${name} ingestors ('${applications[who]!.principal}')`);
    const opening = () =>
      openAs(who, {
        deliveryGuarantee: "exactly-once",
        commitMode,
        state: fileState(join(folder, `state-${commitMode}`)),
      });
    const granted: string[] = [];
    let sink: Awaited<ReturnType<typeof opening>> | undefined;
    while (!sink) {
      const opened = await opening().catch((error) => error as MillraceError);
      if (!(opened instanceof Error)) {
        sink = opened;
        break;
      }
      errors.push(opened);
      assert.equal(opened.code, "FORBIDDEN", inspect(opened));
      const [, command] = /has to run: (.*)$/.exec(opened.message) ?? [];
      assert.ok(command && granted.length < 5, opened.message);
      await run(command);
      granted.push(command);
    }
    const grantee = ` ('${applications[who]!.principal}')`;
    assert.deepEqual(
      granted.map((command) => command.replaceAll('"', "'")),
      needed[commitMode](name).map((command) => command + grantee),
    );
    await sink.writeAll(thousand);
    await sink.checkpoint();
    await sink.close();
    assert.equal(await count(), 1_000);
  });

test("tokens that are revoked in mid-life are replaced, and the sink goes on", async () => {
  const { name, openAs, count } = await target();
  await run(`.add table ${name} ingestors ('${applications.ingestor!.principal}')`);
  await withAdmin(byKey("ingestor"), async (client) => {
    assert.ok(await client.execute(".show version"));
    await revokeTokens();
    // Twenty calls that meet one refusal.
    await Promise.all(Array.from({ length: 20 }, () => client.execute(".show version")));
    await revokeTokens();
    assert.ok(await client.execute(".show version"));
  });
  await withAdmin({ credential: ownCredential() }, async (client) => {
    assert.ok(await client.execute(".show version"));
    await revokeTokens();
    assert.ok(await client.execute(".show version"), "@azure/identity's own cache is passed by");
  });
  await run(`.add database demo users ('${applications.ingestor!.principal}')`);
  await run(`.add table ${name} admins ('${applications.ingestor!.principal}')`);
  const sink = await openAs("ingestor", {
    deliveryGuarantee: "exactly-once",
    state: fileState(join(folder, "state-revoked")),
  });
  await sink.writeAll(thousand);
  await revokeTokens();
  await sink.checkpoint();
  await sink.close();
  assert.equal(await count(), 1_000);
});

test("no key and no token is in an error or in a state", () => {
  const secrets = [...Object.values(applications).map(({ appKey }) => appKey), secured.bearer, secured.federatedToken];
  const holds = (text: string) =>
    secrets.some((secret) => text.includes(secret)) || /\beyJ[\w-]{10}|PRIVATE KEY/.test(text);
  assert.ok(holds(secured.pem) && holds(secured.bearer), "the search finds what it looks for");
  assert.ok(errors.length >= 8);
  for (const error of errors) {
    const shown = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true });
    assert.ok(!holds(shown), shown);
  }
  for (const state of readdirSync(folder).filter((each) => each.startsWith("state-")))
    for (const file of readdirSync(join(folder, state), { recursive: true }) as string[]) {
      const path = join(folder, state, file);
      if (statSync(path).isFile()) assert.ok(!holds(readFileSync(path, "latin1")), path);
    }
});
