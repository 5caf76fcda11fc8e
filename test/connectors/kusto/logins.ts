import assert from "node:assert/strict";
import { createPublicKey, randomUUID, verify } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { delimiter, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { inspect } from "node:util";
import { kustoAdmin } from "../../../src/connectors/kusto/admin.ts";
import type { KustoOptions } from "../../../src/connectors/kusto/options.ts";
import { selfSigned } from "../../../src/emulator/security/self-signed.ts";
import { MillraceError } from "../../../src/errors.ts";

/** Run by login.test.ts in a process that trusts the authority's certificate. */
const folder = process.env.LOGIN_FOLDER!;
const tenantId = "11111111-2222-4333-8444-555555555555";
const appId = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const appKey = "the-app-key-0123456789";

/** What the authority was asked: the form fields of each token request. */
const logins: Record<string, string>[] = [];
const identityCalls: { query: Record<string, string>; header: string | undefined }[] = [];
let answerStatus = 200;
/** Damages the next answers of the authority and of the identity endpoint, each once. */
const damages: ((response: ServerResponse, whole: string) => void)[] = [];

/** Answers, unless there is a damage to be done. */
function sent(response: ServerResponse, status: number, body: object): void {
  const whole = JSON.stringify(body);
  const damage = damages.shift();
  if (!damage) return void response.writeHead(status, { "content-type": "application/json" }).end(whole);
  damage(response, whole);
}
let authorityHost = "";
let cluster = "";
const servers: Server[] = [];

const tokenAnswer = () => ({ token_type: "Bearer", expires_in: 3600, access_token: `token-${logins.length}` });

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

before(async () => {
  const authority = createServer(
    { cert: readFileSync(process.env.AUTHORITY_CERTIFICATE!), key: readFileSync(process.env.AUTHORITY_KEY!) },
    async (request, response) => {
      const json = (status: number, body: object) => sent(response, status, body);
      const text = await bodyOf(request);
      if (request.url?.includes(".well-known/openid-configuration"))
        return json(200, {
          token_endpoint: `${authorityHost}/${tenantId}/oauth2/v2.0/token`,
          authorization_endpoint: `${authorityHost}/${tenantId}/oauth2/v2.0/authorize`,
          end_session_endpoint: `${authorityHost}/${tenantId}/oauth2/v2.0/logout`,
          issuer: `${authorityHost}/${tenantId}/v2.0`,
          jwks_uri: `${authorityHost}/${tenantId}/keys`,
        });
      logins.push(Object.fromEntries(new URLSearchParams(text)));
      if (answerStatus === 200) return json(200, tokenAnswer());
      json(answerStatus, {
        error: "invalid_client",
        error_description: `AADSTS7000215: Invalid client secret provided: ${appKey}`,
        error_codes: [7000215],
        correlation_id: "c",
        trace_id: "t",
        timestamp: "now",
      });
    },
  );
  authorityHost = `https://localhost:${await listening(authority)}`;

  const identity = createHttpServer((request, response) => {
    const url = new URL(request.url!, "http://x");
    identityCalls.push({
      query: Object.fromEntries(url.searchParams),
      header: request.headers["x-identity-header"] as string | undefined,
    });
    const expires_on = Math.floor(Date.now() / 1000) + 3600;
    sent(response, 200, { access_token: `identity-${identityCalls.length}`, expires_on, token_type: "Bearer" });
  });
  process.env.IDENTITY_ENDPOINT = `http://127.0.0.1:${await listening(identity)}/msi/token`;
  process.env.IDENTITY_HEADER = "identity-header";

  // Answers each command with the Authorization header that came with it.
  const engine = createHttpServer(async (request, response) => {
    if (request.url === "/v1/rest/auth/metadata") return response.writeHead(404).end();
    await bodyOf(request);
    const Columns = [{ ColumnName: "Authorization", ColumnType: "string" }];
    const Rows = [[request.headers.authorization ?? null]];
    response.writeHead(200).end(JSON.stringify({ Tables: [{ TableName: "t", Columns, Rows }] }));
  });
  cluster = `http://127.0.0.1:${await listening(engine)}`;
});

beforeEach(() => {
  logins.length = 0;
  identityCalls.length = 0;
  answerStatus = 200;
  damages.length = 0;
});

after(() => {
  for (const server of servers) {
    (server as ReturnType<typeof createHttpServer>).closeAllConnections();
    server.close();
  }
});

/** The Authorization header with which a command arrives at the cluster. */
async function headerOf(login: Partial<KustoOptions>, calls = 1): Promise<unknown> {
  const admin = await kustoAdmin({ cluster, database: "db", ...login });
  try {
    const answers = await Promise.all(Array.from({ length: calls }, () => admin.execute(".show tables")));
    return answers[0]!.rows[0]![0];
  } finally {
    admin.close();
  }
}

const kustoScope = "https://kusto.kusto.windows.net/.default";

test("none sends no header", async () => {
  assert.equal(await headerOf({}), null);
});

test("app id and key", async () => {
  assert.equal(await headerOf({ appId, appKey, tenantId, authorityHost }), "Bearer token-1");
  assert.equal(logins.length, 1);
  const [{ client_id, client_secret, grant_type, scope }] = logins as [Record<string, string>];
  assert.deepEqual(
    { client_id, client_secret, grant_type },
    { client_id: appId, client_secret: appKey, grant_type: "client_credentials" },
  );
  assert.ok(scope!.split(" ").includes(kustoScope), scope);
});

test("twenty calls that come together log in once", async () => {
  assert.equal(await headerOf({ appId, appKey, tenantId, authorityHost }, 20), "Bearer token-1");
  assert.equal(logins.length, 1);
});

test("a refused login is UNAUTHENTICATED and keeps the key to itself", async () => {
  answerStatus = 401;
  const error = await headerOf({ appId, appKey, tenantId, authorityHost }).catch((e) => e);
  assert.ok(error instanceof MillraceError);
  assert.equal(error.code, "UNAUTHENTICATED");
  assert.equal(error.retryable, false);
  assert.match(error.message, /AADSTS7000215/);
  const shown = inspect(error, { depth: Infinity, showHidden: true, getters: true });
  assert.ok(!shown.includes(appKey), shown);
});

for (const where of ["certificate", "certificatePath"] as const)
  test(`app id and ${where}`, async () => {
    const own = await selfSigned();
    const pem = own.certificate + own.privateKey;
    const path = join(folder, "app.pem");
    writeFileSync(path, pem);
    const login = where === "certificate" ? { certificate: pem } : { certificatePath: path };
    assert.equal(await headerOf({ appId, tenantId, authorityHost, ...login }), "Bearer token-1");
    const assertion = logins[0]!.client_assertion!;
    const [header, payload, signature] = assertion.split(".") as [string, string, string];
    const { alg } = JSON.parse(Buffer.from(header, "base64url").toString());
    const key = createPublicKey(own.certificate);
    const padding = alg === "PS256" ? { key, padding: 6, saltLength: 32 } : { key };
    assert.ok(verify("sha256", Buffer.from(`${header}.${payload}`), padding, Buffer.from(signature, "base64url")));
    assert.equal(JSON.parse(Buffer.from(payload, "base64url").toString()).iss, appId);
  });

test("a certificate file that does not exist is told by its path", async () => {
  const path = join(folder, "missing.pem");
  const error = await headerOf({ appId, tenantId, authorityHost, certificatePath: path }).catch((e) => e);
  assert.ok(error instanceof MillraceError);
  assert.equal(error.code, "UNAUTHENTICATED");
  assert.match(error.message, /missing\.pem/);
});

test("managed identity: the system's", async () => {
  assert.equal(await headerOf({ managedIdentityAppId: "system" }), "Bearer identity-1");
  assert.equal(identityCalls[0]!.header, "identity-header");
  assert.equal(identityCalls[0]!.query.resource, "https://kusto.kusto.windows.net");
  assert.equal(identityCalls[0]!.query.client_id, undefined);
});

test("managed identity: a user-assigned one", async () => {
  assert.equal(await headerOf({ managedIdentityAppId: appId }), "Bearer identity-1");
  assert.equal(identityCalls[0]!.query.client_id, appId);
});

test("workload identity", async () => {
  const path = join(folder, "federated-token");
  writeFileSync(path, "federated-token-of-kubernetes");
  process.env.AZURE_FEDERATED_TOKEN_FILE = path;
  assert.equal(await headerOf({ workloadIdentity: true, appId, tenantId, authorityHost }), "Bearer token-1");
  assert.equal(logins[0]!.client_assertion, "federated-token-of-kubernetes");
  delete process.env.AZURE_FEDERATED_TOKEN_FILE;
});

test("the Azure CLI", { skip: process.platform === "win32" }, async () => {
  const path = join(folder, "az");
  const answer = { accessToken: "cli-token", expires_on: Math.floor(Date.now() / 1000) + 3600, tokenType: "Bearer" };
  writeFileSync(path, `#!/bin/sh\necho "$@" >> ${join(folder, "az.log")}\necho '${JSON.stringify(answer)}'\n`);
  chmodSync(path, 0o755);
  const before = process.env.PATH;
  process.env.PATH = `${folder}${delimiter}${before}`;
  assert.equal(await headerOf({ azureCli: true }, 5), "Bearer cli-token");
  process.env.PATH = before;
  const calls = readFileSync(join(folder, "az.log"), "utf8").trim().split("\n");
  assert.equal(calls.length, 1, "one process for five commands");
  assert.match(calls[0]!, /get-access-token.*kusto\.kusto\.windows\.net/);
});

test("the default chain takes the environment", async () => {
  Object.assign(process.env, { AZURE_CLIENT_ID: appId, AZURE_CLIENT_SECRET: appKey, AZURE_TENANT_ID: tenantId });
  assert.equal(await headerOf({ defaultCredential: true, authorityHost }), "Bearer token-1");
  assert.equal(logins[0]!.client_secret, appKey);
  for (const name of ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"]) delete process.env[name];
});

test("the caller's credential, asked once, with Kusto's scope", async () => {
  const scopes: unknown[] = [];
  const credential = {
    async getToken(scope: string | string[]) {
      scopes.push(scope);
      return { token: "own-token", expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
  assert.equal(await headerOf({ credential }, 5), "Bearer own-token");
  assert.deepEqual(scopes, [kustoScope]);
});

test("a token that is about to end is asked for again", async () => {
  let asked = 0;
  const credential = {
    getToken: async () => ({ token: `short-${++asked}`, expiresOnTimestamp: Date.now() + 60_000 }),
  };
  const admin = await kustoAdmin({ cluster, database: "db", credential });
  assert.equal((await admin.execute(".show tables")).rows[0]![0], "Bearer short-1");
  assert.equal((await admin.execute(".show tables")).rows[0]![0], "Bearer short-2");
  admin.close();
});

test("a token as text, and as a callback at each request", async () => {
  assert.equal(await headerOf({ token: "fixed-token" }), "Bearer fixed-token");
  let asked = 0;
  const admin = await kustoAdmin({ cluster, database: "db", token: async () => `called-${++asked}` });
  assert.equal((await admin.execute(".show tables")).rows[0]![0], "Bearer called-1");
  assert.equal((await admin.execute(".show tables")).rows[0]![0], "Bearer called-2");
  admin.close();
});

test("an authority that the cluster names but nobody knows gets no key", async () => {
  const metadata = createHttpServer((_, response) => {
    const AzureAD = {
      LoginEndpoint: authorityHost,
      LoginMfaRequired: false,
      KustoServiceResourceId: "https://kusto.kusto.windows.net",
    };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ AzureAD }));
  });
  const port = await listening(metadata);
  const login = { cluster: `http://127.0.0.1:${port}`, database: "db", appId, appKey, tenantId };
  await assert.rejects(kustoAdmin(login), { code: "UNTRUSTED_HOST", message: /authorityHost/ });
  assert.equal(logins.length, 0);
});

const json = { "content-type": "application/json" };
const page = "<html><body>Please log in to the network</body></html>";
/** What happens to an answer on a bad network. */
const ways: Readonly<Record<string, (response: ServerResponse, whole: string) => void>> = {
  "reset before it": (response) => response.destroy(),
  "cut in its body": (response, whole) => {
    response.writeHead(200, { ...json, "content-length": whole.length });
    response.write(whole.slice(0, 20), () => response.destroy());
  },
  "cut in its chunks": (response, whole) => {
    response.writeHead(200, json);
    response.write(whole.slice(0, 20), () => response.destroy());
  },
  "ended in the middle": (response, whole) => response.writeHead(200, json).end(whole.slice(0, 20)),
  "without a body": (response) => response.writeHead(200, json).end(),
  "replaced by a page of a proxy": (response) => response.writeHead(200, { "content-type": "text/html" }).end(page),
  "replaced by the page of a gateway": (response) => response.writeHead(502, { "content-type": "text/html" }).end(page),
  "JSON of another shape": (response) => response.writeHead(200, json).end('{"status":"ok"}'),
  "a refusal cut in the middle": (response) => response.writeHead(400, json).end('{"error":"inval'),
};

for (const [what, way] of Object.entries(ways))
  for (const [who, login] of Object.entries({
    "the authority": () => ({ appId, appKey, tenantId, authorityHost }),
    "the identity endpoint": () => ({ managedIdentityAppId: randomUUID() }),
  }))
    test(`an answer of ${who} ${what} is asked for again`, async () => {
      // The first answers of the authority are metadata, the later ones tokens.
      for (let answer = 0; answer < 2; answer++) {
        const whole = (response: ServerResponse, text: string) => void response.writeHead(200, json).end(text);
        damages.push(...Array.from({ length: who === "the authority" ? answer : 0 }, () => whole), way);
        const admin = await kustoAdmin({ cluster, database: "db", ...login() }, undefined, {
          retryBaseMs: 5,
          retryMaxMs: 50,
        });
        const { rows } = await admin.execute(".show tables");
        assert.match(String(rows[0]![0]), /^Bearer (token|identity)-\d+$/);
        admin.close();
        assert.equal(damages.length, 0);
      }
    });
