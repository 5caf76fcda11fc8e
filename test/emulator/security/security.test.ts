import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, type JsonWebKey, verify } from "node:crypto";
import { get } from "node:https";
import { after, before, test } from "node:test";
import { QueueClient } from "@azure/storage-queue";
import { type Emulator, type EmulatorSecurity, startEmulator } from "../../../src/emulator/index.ts";
import { signedToken } from "../../../src/emulator/security/jwt.ts";
import { until } from "../ask.ts";

let emulator: Emulator;
let security: EmulatorSecurity;
const tenantId = "11111111-2222-4333-8444-555555555555";
const appId = (n: number) => `aaaaaaaa-bbbb-4ccc-8ddd-00000000000${n}`;
const [admin, ingestor, nobody] = [appId(1), appId(2), appId(3)];

before(async () => {
  emulator = await startEmulator({
    security: {
      tenantId,
      applications: [{ appId: admin, clusterRole: "AllDatabasesAdmin" }, { appId: ingestor }, { appId: nobody }],
    },
  });
  security = emulator.security!;
  await asked(admin, ".create table T (a:long)");
  await asked(admin, `.add table T ingestors ('aadapp=${ingestor};${tenantId}')`);
});
after(() => emulator.close());

const post = (path: string, csl: string, authorization?: string) =>
  fetch(`${emulator.url}${path}`, {
    method: "POST",
    body: JSON.stringify({ db: "demo", csl }),
    headers: authorization === undefined ? {} : { authorization },
  });

const asWho = (id: string, csl: string) =>
  post(csl.startsWith(".") ? "/v1/rest/mgmt" : "/v1/rest/query", csl, `Bearer ${security.token(id)}`);

async function asked(id: string, csl: string): Promise<unknown[][]> {
  const response = await asWho(id, csl);
  const text = await response.text();
  assert.equal(response.status, 200, `${csl}: ${text}`);
  return (JSON.parse(text) as { Tables: { Rows: unknown[][] }[] }).Tables[0]!.Rows;
}

test("what clients ask before they log in is open, and names the authority", async () => {
  const response = await fetch(`${emulator.url}/v1/rest/auth/metadata`);
  const { AzureAD } = (await response.json()) as { AzureAD: Record<string, unknown> };
  assert.equal(AzureAD.LoginEndpoint, security.authorityHost);
  assert.equal(AzureAD.KustoServiceResourceId, "https://kusto.kusto.windows.net");
  assert.equal((await fetch(`${emulator.url}/v1/rest/ping`)).status, 200);
});

test("no token, or a bad one, is 401 with a challenge that names the authority", async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const [head, body, signature] = security.token(admin).split(".") as [string, string, string];
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  const unsigned = `${part({ alg: "none", typ: "JWT" })}.${body}`;
  const hmac = `${part({ alg: "HS256", typ: "JWT" })}.${body}`;
  const publicPem = createPublicKey({ key: (await jwks())[0]!, format: "jwk" }).export({ type: "spki", format: "pem" });
  const bad: Record<string, string | undefined> = {
    none: undefined,
    "another scheme": "Basic YTpi",
    "no token": "Bearer x",
    "signed by another": `Bearer ${signedToken(claims, privateKey, "other")}`,
    "its claims changed": `Bearer ${head}.${part({ ...claims, appid: nobody })}.${signature}`,
    "algorithm none": `Bearer ${unsigned}.`,
    "a public key as a secret": `Bearer ${hmac}.${createHmac("sha256", publicPem).update(hmac).digest("base64url")}`,
    expired: `Bearer ${security.token(admin, { lifeMs: -1_000 })}`,
    "for another service": `Bearer ${security.token(admin, { resource: "https://management.azure.com" })}`,
  };
  for (const path of ["/v1/rest/mgmt", "/v2/rest/query", "/v1/rest/ingest/demo/T?streamFormat=csv"])
    for (const [why, authorization] of Object.entries(bad)) {
      const response = await post(path, "print 1", authorization);
      assert.equal(response.status, 401, `${path} ${why}`);
      const challenge = response.headers.get("www-authenticate") ?? "";
      assert.ok(challenge.startsWith(`Bearer authorization_uri="${security.authorityHost}/${tenantId}"`), challenge);
      assert.ok(!(await response.text()).includes(signature), "the token is not repeated");
    }
});

/** The authority's keys, fetched over https with its certificate as the only root. */
async function jwks(): Promise<JsonWebKey[]> {
  const fetched = (url: string) =>
    new Promise<{ jwks_uri: string; issuer: string; keys: JsonWebKey[] }>((resolve, reject) => {
      get(url, { ca: security.certificate }, async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve(JSON.parse(text));
      }).once("error", reject);
    });
  const metadata = await fetched(`${security.authorityHost}/${tenantId}/v2.0/.well-known/openid-configuration`);
  assert.equal(metadata.issuer, `${security.authorityHost}/${tenantId}/v2.0`);
  return (await fetched(metadata.jwks_uri)).keys;
}

test("a token verifies by the published keys", async () => {
  const [head, body, signature] = security.token(admin).split(".") as [string, string, string];
  const { kid, alg } = JSON.parse(Buffer.from(head, "base64url").toString());
  assert.equal(alg, "RS256");
  const key = (await jwks()).find((each) => each.kid === kid)!;
  const isGood = verify(
    "sha256",
    Buffer.from(`${head}.${body}`),
    createPublicKey({ key, format: "jwk" }),
    Buffer.from(signature, "base64url"),
  );
  assert.ok(isGood);
});

test("a missing right is 403 in the service's form", async () => {
  const response = await asWho(ingestor, "T | count");
  assert.equal(response.status, 403);
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  assert.deepEqual(
    [error.code, error.message, error["@type"], error["@permanent"]],
    [
      "Forbidden",
      "Caller is not authorized to perform this action",
      "Kusto.DataNode.Exceptions.UnauthorizedDatabaseAccessException",
      true,
    ],
  );
  assert.match(
    String(error["@message"]),
    new RegExp(`^Principal 'aadapp=${ingestor};${tenantId}' is not authorized to read database 'demo'`),
  );
  for (const command of [".get ingestion resources", ".get kusto identity token", ".show tables"])
    assert.equal((await asWho(nobody, command)).status, 403, command);
});

test("streaming ingestion needs an ingestor", async () => {
  const stream = (id: string) =>
    fetch(`${emulator.url}/v1/rest/ingest/demo/T?streamFormat=csv`, {
      method: "POST",
      body: "7\n",
      headers: { authorization: `Bearer ${security.token(id)}` },
    });
  assert.equal((await stream(nobody)).status, 403);
  assert.equal((await stream(ingestor)).status, 200);
  assert.deepEqual(await asked(admin, "T | where a == 7 | count"), [[1]]);
});

test("a queued message is loaded by the rights of the principal whose identity token it bears", async () => {
  await asked(admin, ".create table Closed (a:long)");
  const resources = await asked(ingestor, ".get ingestion resources");
  const root = (type: string) => String(resources.find(([name]) => name === type)![1]);
  const [[token]] = (await asked(ingestor, ".get kusto identity token")) as [[string]];
  const [[adminToken]] = (await asked(admin, ".get kusto identity token")) as [[string]];
  const blob = root("TempStorage").replace("?", "/b.csv?");
  const put = await fetch(blob, { method: "PUT", body: "11\n", headers: { "x-ms-blob-type": "BlockBlob" } });
  assert.equal(put.status, 201);
  const queue = new QueueClient(root("SecuredReadyForAggregationQueue"));
  const send = (table: string, authorizationContext: string | undefined) =>
    queue.sendMessage(
      Buffer.from(
        JSON.stringify({
          Id: crypto.randomUUID(),
          BlobPath: blob,
          DatabaseName: "demo",
          TableName: table,
          FlushImmediately: true,
          AdditionalProperties: { format: "csv", authorizationContext },
        }),
      ).toString("base64"),
    );
  await send("T", undefined);
  await send("T", `${token}x`.replace(/^./, "A"));
  await send("Closed", token);
  await send("T", token);
  await send("Closed", adminToken);
  const failures = await until(
    () =>
      asked(admin, ".show ingestion failures | project Table, ErrorCode, Details | order by Table asc, ErrorCode asc"),
    (rows) => rows.length === 3,
  );
  assert.deepEqual(
    failures.map((row) => row.slice(0, 2)),
    [
      ["Closed", "BadRequest_TableAccessDenied"],
      ["T", "BadRequest_InvalidKustoIdentityToken"],
      ["T", "BadRequest_InvalidKustoIdentityToken"],
    ],
  );
  assert.match(String(failures[0]![2]), new RegExp(`aadapp=${ingestor}.*Table Ingestor`));
  await until(
    () => asked(admin, "union T, Closed | where a == 11 | count"),
    (rows) => rows[0]?.[0] === 2,
  );
});

test("revoked tokens are refused, new ones are not", async () => {
  const before = security.token(admin);
  security.revokeTokens();
  const response = await post("/v1/rest/mgmt", ".show version", `Bearer ${before}`);
  assert.equal(response.status, 401);
  assert.match(response.headers.get("www-authenticate")!, /error="invalid_token".*revoked/);
  assert.equal((await asWho(admin, ".show version")).status, 200);
});

test("managed identity endpoints refuse who does not ask properly, and know no identity that was not given", async () => {
  const { imds, appService } = security.managedIdentity;
  const resource = "resource=https%3A%2F%2Fkusto.kusto.windows.net";
  const at = (url: string, headers: Record<string, string>) => fetch(url, { headers }).then(({ status }) => status);
  const imdsUrl = `${imds.AZURE_POD_IDENTITY_AUTHORITY_HOST}/metadata/identity/oauth2/token?${resource}`;
  assert.equal(await at(imdsUrl, {}), 400);
  assert.equal(await at(imdsUrl, { metadata: "true" }), 400);
  const appUrl = `${appService.IDENTITY_ENDPOINT}?${resource}`;
  assert.equal(await at(appUrl, { "x-identity-header": "guessed" }), 401);
});

test("options that cannot be are refused by name", async () => {
  const refused = (security: object, option: RegExp) =>
    assert.rejects(startEmulator({ security: security as never }), { code: "BAD_OPTION", message: option });
  await refused({ tenant: "x" }, /security\.tenant'/);
  await refused({ tenantId: "x" }, /security\.tenantId/);
  await refused({ applications: [{ appId: admin }, { appId: admin }] }, /twice/);
  await refused({ applications: [{ certificate: "x" }] }, /certificate/);
  await refused({ applications: [{ clusterRole: "Admin" }] }, /AllDatabasesAdmin/);
});
