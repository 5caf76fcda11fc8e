import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { kusto } from "../../../src/connectors/kusto/index.ts";
import { scrubber } from "../../../src/connectors/kusto/scrub.ts";
import { contextOf } from "./batch-of.ts";

// What a server may make of a token. The writings are Node's own: Buffer, encodeURIComponent, JSON.stringify.

const inLines = (text: string, width: number, end: string) =>
  text.replace(new RegExp(`.{${width}}(?=.)`, "g"), (line) => line + end);
const unicode = (text: string) => [...text].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");

const writings: Record<string, (secret: string) => string> = {
  "as it is": (secret) => secret,
  base64: (secret) => Buffer.from(secret).toString("base64"),
  base64url: (secret) => Buffer.from(secret).toString("base64url"),
  "base64 behind one byte": (secret) => Buffer.from(`x${secret}`).toString("base64"),
  "base64 behind two bytes": (secret) => Buffer.from(`xy${secret}yx`).toString("base64"),
  "base64 of the header": (secret) => Buffer.from(`Authorization: Bearer ${secret}\r\n`).toString("base64"),
  "base64 in lines": (secret) => inLines(Buffer.from(secret).toString("base64"), 64, "\r\n"),
  "base64 in lines, in JSON": (secret) => JSON.stringify(inLines(Buffer.from(secret).toString("base64"), 20, "\n")),
  "base64 in a URL": (secret) => encodeURIComponent(Buffer.from(secret).toString("base64")),
  "base64 in XML": (secret) =>
    Buffer.from(secret).toString("base64").replaceAll("+", "&#43;").replaceAll("/", "&#x2F;").replaceAll("=", "&#61;"),
  hex: (secret) => Buffer.from(secret).toString("hex"),
  "hex in upper case": (secret) => Buffer.from(secret).toString("hex").toUpperCase(),
  percent: (secret) => encodeURIComponent(secret),
  "percent, every byte": (secret) => Buffer.from(secret).toString("hex").replace(/../g, "%$&"),
  "percent, twice": (secret) => encodeURIComponent(encodeURIComponent(secret)),
  "JSON escapes": (secret) => JSON.stringify(secret).replaceAll("/", "\\/"),
  "JSON escapes of every character": unicode,
  "JSON in JSON": (secret) => JSON.stringify(JSON.stringify({ token: secret })),
  "split over lines": (secret) => inLines(secret, 30, "\n   "),
  "the first half in base64": (secret) => {
    const base64 = Buffer.from(`Bearer ${secret}`).toString("base64");
    return base64.slice(0, base64.length / 2);
  },
};

const jwt = fc
  .tuple(fc.base64String({ minLength: 40, maxLength: 300 }), fc.base64String({ minLength: 100, maxLength: 500 }))
  .map(([a, b]) => `${Buffer.from(a).toString("base64url")}.${Buffer.from(b).toString("base64url")}`);
const key = fc.string({ unit: fc.constantFrom(..."abcdefXYZ0123456789~.-_+/="), minLength: 40, maxLength: 60 });

for (const [name, write] of Object.entries(writings))
  test(`a secret is taken out: ${name}`, () => {
    fc.assert(
      fc.property(fc.oneof(jwt, key), (secret) => {
        const scrub = scrubber();
        scrub.add(secret);
        const written = write(secret);
        const shown = scrub(`It was refused: <${written}> is not known.`);
        assert.match(shown, /^It was refused: .*is not known\.$/s);
        // At most a fragment may be left of what is cut into sextets with its neighbours.
        for (let at = 0; at + 12 <= written.length; at++) {
          const piece = written.slice(at, at + 12);
          if (write("") !== "" && write("").includes(piece)) continue;
          if (/Authorization|QXV0aG9yaXph/.test(written) && at < 40) continue;
          assert.ok(!shown.includes(piece), `${piece} of ${written} is left in ${shown}`);
        }
      }),
      { numRuns: 30 },
    );
  });

test("the lines of dashes of a certificate are no secret, what is between them is", () => {
  const body = Buffer.from("a private key, or what looks like one here, of some length".repeat(3)).toString("base64");
  const scrub = scrubber(`-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`);
  const hint = "It has no -----BEGIN PRIVATE KEY----- line.";
  assert.equal(scrub(hint), hint);
  assert.doesNotMatch(scrub(`found ${inLines(body, 64, "\\n")}`), new RegExp(body.slice(8, 24)));
});

test("many tokens later the caller's own secret is still one, and memory is bounded", () => {
  const scrub = scrubber("the-application-key-0");
  for (let i = 0; i < 1_000; i++) scrub.add(`token-number-${i}-${"x".repeat(20)}`);
  assert.equal(scrub("key the-application-key-0!"), "key <removed>!");
  assert.equal(scrub(`token-number-999-${"x".repeat(20)}`), "<removed>");
});

test("the words for a missing token stay; what follows a scheme does not", () => {
  const scrub = scrubber();
  assert.equal(scrub("The request has no bearer token."), "The request has no bearer token.");
  assert.equal(scrub("Authorization: Bearer tokenized-secret-1"), "Authorization: Bearer <removed>");
});

test("a server that echoes the token in base64 gets it into no error", async () => {
  const token = `${Buffer.from("header of a token").toString("base64url")}.${"Payload-_0123456789".repeat(20)}`;
  for (const echo of Object.values(writings)) {
    const server = createServer((request, response) => {
      if (request.url === "/v1/rest/auth/metadata") return response.writeHead(404).end("{}");
      const said = echo(String(request.headers.authorization).replace("Bearer ", ""));
      const error = {
        code: `BadRequest_${said}`,
        message: `echo ${said} end`,
        "@message": `echo ${said} end`,
        "@permanent": true,
      };
      return response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ error }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const cluster = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await assert.rejects(kusto({ cluster, database: "db", token }).open(contextOf()), (error: unknown) => {
        const shown = inspect(error, { depth: 9, showHidden: true });
        const written = echo(token);
        assert.ok(!shown.includes(written.slice(60, 90)), shown);
        return true;
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
});
