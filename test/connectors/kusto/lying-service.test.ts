import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { inspect } from "node:util";
import { kusto } from "../../../src/connectors/kusto/index.ts";
import { MillraceError } from "../../../src/errors.ts";
import { batchOf, contextOf } from "./batch-of.ts";
import { tableOf } from "./double.ts";

// A service that names hosts and redirects as it likes, and a thief who counts what comes to him.

const never = new AbortController().signal;
const token = "the-token-of-a-principal";
let service: Server;
let thief: Server;
let stolen: string[];
let resources: [string, string][];
let metadata: Record<string, unknown> | undefined;
/** Answers a request itself. */
let take: (request: IncomingMessage, response: ServerResponse) => boolean;

const origin = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const listen = (server: Server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

before(async () => {
  service = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (take(request, response)) return;
      const answer = (status: number, body: unknown) =>
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      if (request.url === "/v1/rest/auth/metadata")
        return metadata ? answer(200, { AzureAD: metadata }) : answer(404, {});
      if (!request.url?.startsWith("/v1/rest/mgmt")) return response.writeHead(201, { etag: "0x1" }).end();
      const { csl } = JSON.parse(Buffer.concat(chunks).toString()) as { csl: string };
      const columns = [
        { Name: "a", CslType: "long" },
        { Name: "b", CslType: "string" },
      ];
      if (csl === ".get ingestion resources")
        return answer(200, tableOf(["ResourceTypeName", "StorageRoot"], resources).body);
      if (csl === ".get kusto identity token")
        return answer(200, tableOf(["AuthorizationContext"], [["identity-token"]]).body);
      return answer(
        200,
        tableOf(["TableName", "Schema"], [["T", JSON.stringify({ Name: "T", OrderedColumns: columns })]]).body,
      );
    })();
  });
  thief = createServer((request, response) => {
    stolen.push(`${request.method} ${request.url}`);
    response.writeHead(201).end();
  });
  await Promise.all([listen(service), listen(thief)]);
});
after(() => {
  for (const server of [service, thief]) {
    server.closeAllConnections();
    server.close();
  }
});
beforeEach(() => {
  stolen = [];
  metadata = undefined;
  take = () => false;
  resources = [
    ["TempStorage", `${origin(service)}/acc/temp?sig=secret`],
    ["SecuredReadyForAggregationQueue", `${origin(service)}/acc/ready?sig=secret`],
    ["FailedIngestionsQueue", `${origin(service)}/acc/failed?sig=secret`],
    ["SuccessfulIngestionsQueue", `${origin(service)}/acc/success?sig=secret`],
  ];
});

const open = (more: object = { token }) =>
  kusto({ cluster: origin(service), database: "db", ...more }).open(contextOf());

function refusedAs(code: string, message: RegExp, retryable = false) {
  return (error: unknown) => {
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.equal(error.retryable, retryable);
    assert.ok(!inspect(error, { depth: 9 }).includes(token));
    assert.ok(!inspect(error, { depth: 9 }).includes("secret"));
    return true;
  };
}

for (const name of [
  "TempStorage",
  "SecuredReadyForAggregationQueue",
  "FailedIngestionsQueue",
  "SuccessfulIngestionsQueue",
])
  test(`a foreign ${name} is refused before anything is sent`, async () => {
    const puts: string[] = [];
    take = ({ method, url = "" }) => {
      if (method !== "POST" && !url.includes("metadata")) puts.push(url);
      return false;
    };
    resources = resources.map(([type, root]) => [
      type,
      type === name ? "https://storage.evil.example/x?sig=secret" : root,
    ]);
    await assert.rejects(open(), refusedAs("UNTRUSTED_HOST", /storage\.evil\.example.*trustedHosts/));
    assert.deepEqual(puts, []);
  });

for (const [name, status, to] of [
  ["another host", 307, () => `${origin(thief)}/stolen`],
  ["its own host", 307, () => `${origin(service)}/elsewhere`],
  ["another host", 308, () => `${origin(thief)}/stolen`],
] as const)
  test(`an upload that is redirected (${status}) to ${name} goes no further`, async () => {
    const asked: string[] = [];
    take = ({ method, url = "" }, response) => {
      if (method !== "PUT") return false;
      asked.push(url);
      response.writeHead(status, { location: to() }).end();
      return true;
    };
    const session = await open();
    await assert.rejects(session.stage(batchOf("1,a\n"), never), refusedAs("UNTRUSTED_HOST", /redirect/, true));
    assert.equal(asked.length, 1);
    assert.deepEqual(stolen, []);
    await session.close();
  });

test("a message that is redirected goes no further", async () => {
  const session = await open();
  const staged = await session.stage(batchOf("1,a\n"), never);
  take = ({ method, url = "" }, response) => {
    if (method !== "POST" || !url.includes("/ready/")) return false;
    response.writeHead(307, { location: `${origin(thief)}/stolen` }).end();
    return true;
  };
  await assert.rejects(session.submit(staged, never), refusedAs("UNTRUSTED_HOST", /redirect/, true));
  assert.deepEqual(stolen, []);
  await session.close();
});

for (const status of [301, 302, 303, 307, 308])
  test(`a command that is redirected (${status}) takes no token along`, async () => {
    take = ({ url = "" }, response) => {
      if (!url.startsWith("/v1/rest/mgmt")) return false;
      response.writeHead(status, { location: `${origin(thief)}/v1/rest/mgmt` }).end();
      return true;
    };
    await assert.rejects(open(), refusedAs("UNTRUSTED_HOST", /redirect/, true));
    assert.deepEqual(stolen, []);
  });

test("a cluster that asks for a token of somebody else's resource is given none", async () => {
  const asked: unknown[] = [];
  const credential = {
    async getToken(scope: unknown) {
      asked.push(scope);
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  };
  for (const resource of [
    "https://graph.microsoft.com",
    "https://management.azure.com/",
    "https://x.kusto.windows.net@evil.example",
    "graph",
  ]) {
    metadata = {
      LoginEndpoint: "https://login.microsoftonline.com",
      LoginMfaRequired: false,
      KustoServiceResourceId: resource,
    };
    // The SDK keeps a cluster's metadata for the life of the process, by its URL.
    const { CloudSettings } = await import("azure-kusto-data");
    CloudSettings.deleteFromCache(origin(service));
    await assert.rejects(open({ credential }), refusedAs("UNTRUSTED_HOST", /resource/));
  }
  assert.deepEqual(asked, []);
});
