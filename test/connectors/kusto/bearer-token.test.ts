import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { kustoAdmin } from "../../../src/connectors/kusto/admin.ts";
import { MillraceError } from "../../../src/errors.ts";
import { tableOf } from "./double.ts";

let server: Server;
let cluster: string;
let seen: (string | undefined)[];

before(async () => {
  server = createServer((request, response) => {
    request.resume();
    if (request.url === "/v1/rest/auth/metadata") return response.writeHead(404).end("{}");
    seen.push(request.headers.authorization);
    return response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify(tableOf(["a"], [["1"]]).body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cluster = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
});

type Callback = () => string | Promise<string>;

async function show(token: string | Callback, more: object = {}): Promise<void> {
  const admin = await kustoAdmin({ cluster, database: "db", token, ...more }, undefined, { retryTimeoutMs: 0 });
  try {
    await admin.execute(".show tables");
  } finally {
    admin.close();
  }
}

for (const given of [
  "abc.def-_~+/=",
  "Bearer abc.def-_~+/=",
  "bearer  abc.def-_~+/=",
  "BEARER\tabc.def-_~+/=",
  " abc.def-_~+/=\r\n",
])
  test(`the token ${JSON.stringify(given)} is shown as it should be, as text and by a callback`, async () => {
    await show(given);
    await show(() => given);
    await show(async () => given);
    assert.deepEqual(seen, Array(3).fill("Bearer abc.def-_~+/="));
  });

const wrong: [given: unknown, message: RegExp][] = [
  ["", /empty/],
  [" \n", /empty/],
  ["Bearer", /empty/],
  ["Bearer \n", /empty/],
  ["Basic dXNlcjpwdw==", /another scheme than Bearer/],
  ["Bearer Bearer x", /another scheme/],
  ["secret1 secret2 secret3", /white space/],
  ["secret1\r\nX-Other: 1", /white space/],
  ["secret1\u0000", /other characters/],
  ["s\u00e9cret1", /other characters/],
  [undefined, /of type undefined/],
  [null, /is null/],
  [17, /of type number/],
  [{ token: "secret1", expiresOnTimestamp: 1 }, /give its member token/],
  [{ accessToken: "secret1" }, /give its member accessToken/],
];

function isBadOption(message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code, "BAD_OPTION", error.message);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /secret1|dXNlcjpwdw/);
    return true;
  };
}

for (const [given, message] of wrong)
  test(`the token ${JSON.stringify(given)} is refused by name, and nothing is sent`, async () => {
    await assert.rejects(show((() => given) as Callback), isBadOption(message));
    await assert.rejects(show((async () => given) as Callback), isBadOption(message));
    if (typeof given === "string" && given.trim() !== "") await assert.rejects(show(given), isBadOption(message));
    assert.deepEqual(seen, []);
  });

test("a callback that fails is a failed login, with its reason", async () => {
  const fails = () => Promise.reject(new Error("the vault is closed"));
  await assert.rejects(show(fails), { code: "UNAUTHENTICATED", message: /the vault is closed/, retryable: false });
  await assert.rejects(
    show(() => {
      throw new Error("the vault is closed");
    }),
    { code: "UNAUTHENTICATED", message: /the vault is closed/ },
  );
  assert.deepEqual(seen, []);
});

test("a callback that never answers is given up after requestTimeoutMs, to be tried again", {
  timeout: 20_000,
}, async () => {
  const never = () => new Promise<string>(() => {});
  await assert.rejects(show(never, { requestTimeoutMs: 50 }), { code: "UNREACHABLE", retryable: true });
});
