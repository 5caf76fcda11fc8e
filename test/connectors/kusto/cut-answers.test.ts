import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { memoryState } from "../../../src/checkpoint/file-state.ts";
import { type KustoAdmin, kustoAdmin } from "../../../src/connectors/kusto/admin.ts";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { MillraceError } from "../../../src/errors.ts";
import { createMergeTableCommand } from "../../../src/schema/kql.ts";
import { k, table } from "../../../src/schema/table.ts";
import type { WriteSinkOptions } from "../../../src/write-sink.ts";
import { type CuttingProxy, type Damage, type EndpointKind, type ProxiedAnswer, start } from "./cutting-proxy.ts";
import { openKusto } from "./open-kusto.ts";

let emulator: Emulator;
/** Past the proxies: what is in the tables is asked of the emulator itself. */
let direct: KustoAdmin;
let tables = 0;

before(async () => {
  emulator = await startEmulator({ databases: ["db"] });
  direct = await kustoAdmin({ cluster: emulator.url, database: "db" });
});
after(async () => {
  direct?.close();
  await emulator?.close();
});

const page = "<html><body><h1>Please log in to the network</h1></body></html>";

/** What happens to answers on bad networks. */
const damages: Readonly<Record<string, (answer: ProxiedAnswer) => Damage>> = {
  "closed before its first byte": () => ({ at: 0, by: "close" }),
  "reset before its first byte": () => ({ at: 0, by: "reset" }),
  "closed in its status line": () => ({ at: 10, by: "close" }),
  "closed in its headers": ({ headBytes }) => ({ at: headBytes - 5, by: "close" }),
  "closed behind its headers": ({ headBytes }) => ({ at: headBytes, by: "close" }),
  "closed in its body": ({ headBytes, bytes }) => ({ at: Math.max(headBytes - 1, bytes - 4), by: "close" }),
  "reset in its body": ({ headBytes, bytes }) => ({ at: Math.max(headBytes - 1, bytes - 4), by: "reset" }),
  "without the end of its chunks": ({ bytes }) => ({ at: bytes, by: "close", isChunked: true }),
  "replaced by a page of a proxy": () => ({ instead: page }),
  "replaced by the page of a gateway that failed": () => ({ instead: page, status: 502 }),
  "replaced by a page that says it was created": () => ({ instead: page, status: 201 }),
  "a redirection to a login page": () => ({ instead: page, status: 302 }),
};

/** Those of answers that have a body. */
const bodyDamages: Readonly<Record<string, (answer: ProxiedAnswer) => Damage>> = {
  "ended in the middle": ({ headBytes, bytes }) => ({ keep: Math.floor((bytes - headBytes) / 2) }),
  "without a body": () => ({ keep: 0 }),
  "JSON of another shape": () => ({ instead: '{"status":"ok"}', contentType: "application/json" }),
  "JSON that is null": () => ({ instead: "null", contentType: "application/json" }),
  "a refusal cut in the middle": () => ({
    instead: '{"error":{"code":"Bad',
    status: 400,
    contentType: "application/json",
  }),
};

async function behind<T>(
  cut: (answer: ProxiedAnswer) => number | Damage | undefined,
  act: (proxy: CuttingProxy) => Promise<T>,
  seed?: number,
): Promise<T> {
  const proxy = await start({ target: emulator.url, cut, seed });
  try {
    return await act(proxy);
  } finally {
    await proxy.close();
  }
}

for (const [what, damage] of Object.entries({ ...damages, ...bodyDamages })) {
  // A redirect is not followed, whoever sends it.
  const codes = what.startsWith("a redirection") ? ["UNTRUSTED_HOST"] : ["UNREACHABLE", "SERVICE_UNAVAILABLE"];
  test(`an answer ${what}: ${codes.join(" or ")}, and worth another attempt`, async () => {
    let isOn = false;
    await behind(
      (answer) => (isOn && answer.kind === "engine" ? damage(answer) : undefined),
      async ({ url }) => {
        const admin = await kustoAdmin({ cluster: url, database: "db" }, undefined, { retryTimeoutMs: 0 });
        await admin.execute(".show tables");
        isOn = true;
        for (const act of [() => admin.execute(".show tables"), () => admin.query("print 1")]) {
          const error = await act().then(
            () => assert.fail("it was taken for an answer"),
            (thrown) => thrown,
          );
          assert.ok(error instanceof MillraceError, String(error));
          assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
          assert.ok(error.retryable);
        }
        admin.close();
      },
    );
  });

  test(`the cluster's cloud ${what} is asked for again, and no other is taken for it`, async () => {
    let asked = 0;
    await behind(
      (answer) => (answer.kind === "metadata" && asked++ < 2 ? damage(answer) : undefined),
      async ({ url }) => {
        const admin = await kustoAdmin({ cluster: url, database: "db" }, undefined, quick);
        assert.deepEqual((await admin.query("print 1")).rows, [[1]]);
        assert.equal(asked, 3);
        admin.close();
      },
    );
  });
}

test("a packed answer that was cut, and one that is no gzip at all", async () => {
  for (const instead of [gzipSync(JSON.stringify({ Tables: [] })).subarray(0, 20), Buffer.from("no gzip")]) {
    const server = await import("node:http").then(({ createServer }) =>
      createServer((request, response) => {
        request.resume();
        if (request.url === "/v1/rest/auth/metadata") return void response.writeHead(404).end();
        response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(instead);
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const admin = await kustoAdmin({ cluster: `http://127.0.0.1:${port}`, database: "db" }, undefined, {
      retryTimeoutMs: 0,
    });
    await assert.rejects(admin.execute(".show tables"), { code: "UNREACHABLE", retryable: true });
    admin.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const quick = { retryBaseMs: 5, retryMaxMs: 50, retryTimeoutMs: 60_000 };
const rows = 1_200;

/** Writes rows in several checkpoints; returns how many arrived, and how many different ones. */
async function written(cluster: string, options: WriteSinkOptions): Promise<{ count: number; different: number }> {
  const shape = table(`Cut${++tables}`, { n: k.long(), text: k.string() });
  await direct.execute(createMergeTableCommand(shape));
  const sink = await openKusto(
    shape,
    { cluster, database: "db" },
    {
      ...quick,
      ...{ flushImmediately: true, pollIntervalMs: 20, pollTimeoutMs: 60_000, attemptTimeoutMs: 10_000 },
      batchSize: 200,
      ...options,
    },
  );
  for (let n = 0; n < rows; n++) {
    if (!sink.write({ n, text: `row ${n}` })) await sink.ready;
    if (n % 400 === 399) await sink.checkpoint();
  }
  await sink.close();
  const answer = await direct.query(`${shape.name} | summarize count(), count_distinct(n)`);
  const [count, different] = answer.rows[0]!.map(Number) as [number, number];
  return { count, different };
}

const kinds: readonly EndpointKind[] = ["metadata", "management", "engine", "blob", "queue"];
const exactlyOnce = (commitMode: "move" | "append" | "tag"): WriteSinkOptions => ({
  deliveryGuarantee: "exactly-once",
  state: memoryState(),
  commitMode,
});

/** The first two answers of a kind, and of the later ones each third. */
function eachThird(kind: EndpointKind, damage: (answer: ProxiedAnswer) => Damage) {
  let n = 0;
  return (answer: ProxiedAnswer) => {
    if (answer.kind !== kind) return undefined;
    n++;
    return n <= 2 || n % 3 === 0 ? damage(answer) : undefined;
  };
}

for (const kind of kinds)
  for (const [what, damage] of Object.entries(damages))
    test(`answers of ${kind} ${what}: exactly once loses nothing and doubles nothing`, {
      timeout: 120_000,
    }, async () => {
      await behind(eachThird(kind, damage), async (proxy) => {
        const { count, different } = await written(proxy.url, exactlyOnce("move"));
        assert.deepEqual({ count, different }, { count: rows, different: rows });
        assert.ok((proxy.damaged.get(kind) ?? 0) >= 2, "the damage was met");
      });
    });

test("a large batch that goes up in blocks is whole and once there", { timeout: 120_000 }, async () => {
  const shape = table("CutBlocks", { n: k.long(), text: k.string() });
  await direct.execute(createMergeTableCommand(shape));
  const large = 700;
  let answers = 0;
  await behind(
    // Seldom enough that an attempt of three requests can succeed: one that failed begins with its first block again.
    ({ kind, headBytes }) => (kind === "blob" && (++answers <= 3 || answers % 7 === 0) ? headBytes - 5 : undefined),
    async (proxy) => {
      const options = { ...quick, ...exactlyOnce("move"), flushImmediately: true };
      const sink = await openKusto(shape, { cluster: proxy.url, database: "db" }, options);
      // Random text of 15 kB packs to three quarters: 8 MB and more in all.
      for (let n = 0; n < large; n++)
        if (!sink.write({ n, text: randomBytes(15_000).toString("base64") })) await sink.ready;
      await sink.close();
      assert.ok(proxy.damaged.get("blob")! >= 3);
    },
  );
  const { rows: answer } = await direct.query(
    `${shape.name} | summarize count(), count_distinct(n), sum(strlen(text))`,
  );
  assert.deepEqual(answer[0]!.map(Number), [large, large, large * 20_000]);
});

/** Of the answers that are cut, behind a byte anywhere in them. */
const share = 0.3;
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const anywhere = ({ random, bytes }: ProxiedAnswer) =>
  random() < share ? Math.floor(random() * (bytes + 1)) : undefined;

for (const commitMode of ["move", "append", "tag"] as const)
  test(`answers cut anywhere, exactly once by ${commitMode}, seed ${seed}`, { timeout: 300_000 }, async () => {
    await behind(
      anywhere,
      async ({ url }) => {
        const { count, different } = await written(url, exactlyOnce(commitMode));
        assert.deepEqual({ count, different }, { count: rows, different: rows });
      },
      seed,
    );
  });

test(`answers cut anywhere, at least once with status, seed ${seed}`, { timeout: 300_000 }, async () => {
  await behind(
    anywhere,
    async ({ url }) => {
      const { count, different } = await written(url, { pollForIngestionStatus: true });
      assert.equal(different, rows);
      assert.ok(count >= rows);
    },
    seed,
  );
});
