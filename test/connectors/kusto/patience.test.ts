import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer } from "node:net";
import { after, afterEach, before, test } from "node:test";
import { memoryState } from "../../../src/checkpoint/file-state.ts";
import type { SessionContext } from "../../../src/connectors/kusto/commit/epoch-session.ts";
import { openEpochSession } from "../../../src/connectors/kusto/commit/session.ts";
import { connectionOf } from "../../../src/connectors/kusto/options.ts";
import { isRepeatable } from "../../../src/connectors/kusto/repeatable.ts";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import type { RetryEvent } from "../../../src/events.ts";
import { checkTarget, k, MillraceError, open, table } from "../../../src/index.ts";
import { createMergeTableCommand, type KustoAdmin, kusto, kustoAdmin } from "../../../src/kusto.ts";
import type { WriteSinkOptions } from "../../../src/write-sink.ts";
import { contextOf } from "./batch-of.ts";
import { type Damage, type ProxiedAnswer, start } from "./cutting-proxy.ts";
import { openKusto } from "./open-kusto.ts";

// Every call to the service has one policy of retries: opening, the check, and commands by hand.

let emulator: Emulator;
let admin: KustoAdmin;
const target = table("Patience", { n: k.long() });
const quick = { retryBaseMs: 5, retryMaxMs: 50, retryTimeoutMs: 30_000 };
const retries: RetryEvent[] = [];
const listen = (event: unknown) => void retries.push(event as RetryEvent);

before(async () => {
  emulator = await startEmulator({ databases: ["db"] });
  admin = await kustoAdmin({ cluster: emulator.url, database: "db" });
  await admin.execute(createMergeTableCommand(target));
  subscribe("millrace:retry", listen);
});
afterEach(() => {
  emulator.faults.clear();
  retries.length = 0;
});
after(async () => {
  unsubscribe("millrace:retry", listen);
  admin?.close();
  await emulator?.close();
});

const to = () => kusto({ cluster: emulator.url, database: "db" });
const ways: Readonly<Record<string, WriteSinkOptions>> = {
  "at least once": {},
  "exactly once by move": { deliveryGuarantee: "exactly-once" },
  "exactly once by append": { deliveryGuarantee: "exactly-once", commitMode: "append" },
  "exactly once by tag": { deliveryGuarantee: "exactly-once", commitMode: "tag" },
  "at least once, checked": { check: true },
  "exactly once, checked": { deliveryGuarantee: "exactly-once", check: true },
};
const ills: Readonly<Record<string, { code: string; strike: (place: "auth" | "mgmt", requests: number) => void }>> = {
  "503": {
    code: "SERVICE_UNAVAILABLE",
    strike: (place, requests) => emulator.faults.answer(place, 503, { requests }),
  },
  "429": { code: "THROTTLED", strike: (place, requests) => emulator.faults.answer(place, 429, { requests }) },
  "a reset before the act": {
    code: "UNREACHABLE",
    strike: (place, requests) => emulator.faults.reset(place, "before", { requests }),
  },
  "a reset after it": {
    code: "UNREACHABLE",
    strike: (place, requests) => emulator.faults.reset(place, "after", { requests }),
  },
};

for (const [way, options] of Object.entries(ways))
  for (const [ill, { code, strike }] of Object.entries(ills))
    test(`open(), ${way}: ${ill} is tried again, and told`, async () => {
      strike("mgmt", 6);
      const isExact = options.deliveryGuarantee === "exactly-once";
      const all = { ...quick, ...(isExact && { state: memoryState() }), ...options };
      const sink = await openKusto(target, { cluster: emulator.url, database: "db" }, all);
      await sink.close();
      assert.ok(retries.length >= 2, `${retries.length} retries`);
      assert.deepEqual(new Set(retries.map((retry) => retry.code)), new Set([code]));
      assert.equal(sink.stats.retries, retries.filter(({ sink: id }) => id !== "").length);
      assert.ok(retries.every(({ table: name, attempt, stage }) => name === target.name && attempt >= 1 && stage));
    });

for (const [ill, { code, strike }] of Object.entries(ills)) {
  test(`kustoAdmin(): ${ill} is tried again, and told`, async () => {
    strike("mgmt", 2);
    const other = await kustoAdmin({ cluster: emulator.url, database: "db" }, undefined, quick);
    assert.deepEqual(await other.columns(target.name), [{ name: "n", type: "long" }]);
    strike("mgmt", 2);
    await other.execute(createMergeTableCommand(target));
    emulator.faults.answer("query", 503, { requests: 2 });
    assert.deepEqual((await other.query("print 1")).rows, [[1]]);
    other.close();
    assert.deepEqual(
      retries.map((retry) => retry.code),
      [code, code, code, code, ...Array(2).fill("SERVICE_UNAVAILABLE")],
    );
    assert.match(retries[0]!.stage, /^command \.show table \['Patience'\] schema/);
  });

  test(`the cluster's cloud: ${ill} is tried again`, async (t) => {
    const proxy = await start({ target: emulator.url });
    t.after(() => proxy.close());
    strike("auth", 2);
    const other = await kustoAdmin({ cluster: proxy.url, database: "db" }, undefined, quick);
    assert.deepEqual((await other.query("print 1")).rows, [[1]]);
    other.close();
    assert.deepEqual(
      retries.map((retry) => retry.code),
      [code, code],
    );
  });

  test(`checkTarget(): ${ill} is tried again, and told`, async () => {
    strike("mgmt", 4);
    const report = await checkTarget({ table: target, to: to(), deliveryGuarantee: "exactly-once", ...quick });
    assert.deepEqual(
      report.items.filter(({ status }) => status === "failed"),
      [],
    );
    assert.equal(report.isReady, true);
    assert.ok(retries.length >= 4);
  });
}

test("Retry-After is waited when a sink opens", async () => {
  emulator.faults.answer("mgmt", 429, { requests: 1, retryAfterSeconds: 1 });
  await (await open({ table: target, to: to(), ...quick })).close();
  assert.ok(retries[0]!.delayMs >= 1_000, `${retries[0]!.delayMs}`);
});

test("what lasts longer than retryTimeoutMs is told with its own code", async () => {
  emulator.faults.answer("mgmt", 503, { requests: 1_000 });
  const short = { retryBaseMs: 1, retryMaxMs: 2, retryTimeoutMs: 100 };
  const isUnavailable = (error: unknown) => error instanceof MillraceError && error.code === "SERVICE_UNAVAILABLE";
  await assert.rejects(open({ table: target, to: to(), ...short }), isUnavailable);
  const other = await kustoAdmin({ cluster: emulator.url, database: "db" }, undefined, short);
  await assert.rejects(other.execute(".show tables"), isUnavailable);
  other.close();
  const report = await checkTarget({ table: target, to: to(), ...short });
  assert.deepEqual(
    report.items.filter(({ status }) => status === "failed").map(({ name, code }) => [name, code]),
    [["login", "SERVICE_UNAVAILABLE"]],
  );
});

test("a signal ends the wait for the next attempt", async () => {
  for (const act of [
    (signal: AbortSignal) =>
      open({
        table: target,
        to: to(),
        retryBaseMs: 3_600_000,
        retryMaxMs: 3_600_000,
        retryTimeoutMs: 86_400_000,
        signal,
      }),
    async (signal: AbortSignal) => {
      const slow = { retryBaseMs: 3_600_000, retryMaxMs: 3_600_000, retryTimeoutMs: 86_400_000 };
      const other = await kustoAdmin({ cluster: emulator.url, database: "db" }, undefined, slow);
      await other.execute(".show tables", signal).finally(() => other.close());
    },
  ]) {
    emulator.faults.answer("mgmt", 503, { requests: 1_000 });
    const controller = new AbortController();
    const stop = () => controller.abort(new Error("enough"));
    subscribe("millrace:retry", stop);
    await assert.rejects(act(controller.signal), { code: "ABORTED" });
    unsubscribe("millrace:retry", stop);
    emulator.faults.clear();
  }
});

test("a client that is closed makes no further attempt", async () => {
  const slow = { retryBaseMs: 3_600_000, retryMaxMs: 3_600_000, retryTimeoutMs: 86_400_000 };
  const other = await kustoAdmin({ cluster: emulator.url, database: "db" }, undefined, slow);
  emulator.faults.answer("mgmt", 503, { requests: 1_000 });
  const close = () => other.close();
  subscribe("millrace:retry", close);
  await assert.rejects(other.execute(".show tables"), { code: "ABORTED" });
  unsubscribe("millrace:retry", close);
  await assert.rejects(other.query("print 1"), { code: "ABORTED" });
});

test("an address at which nothing listens is told at once where that was asked for, and after a while else", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const nobody = { cluster: `http://127.0.0.1:${port}`, database: "db" };
  for (const [absentTimeoutMs, least] of [
    [0, 0],
    [200, 1],
  ] as const) {
    retries.length = 0;
    const other = await kustoAdmin(nobody, undefined, { retryBaseMs: 1, retryMaxMs: 5, absentTimeoutMs });
    await assert.rejects(other.query("print 1"), { code: "UNREACHABLE", message: /ECONNREFUSED/ });
    other.close();
    assert.ok(least === 0 ? retries.length === 0 : retries.length >= least, `${retries.length} retries`);
  }
});

test("a cluster that turns the first call away is not one that is absent", async () => {
  emulator.faults.answer("mgmt", 503, { requests: 2 });
  const other = await kustoAdmin({ cluster: emulator.url, database: "db" }, undefined, {
    ...quick,
    absentTimeoutMs: 0,
  });
  await other.execute(".show tables");
  other.close();
  assert.equal(retries.length, 2);
});

test("a cluster that has answered may be away for a while", async () => {
  const other = await kustoAdmin({ cluster: emulator.url, database: "db" }, undefined, {
    ...quick,
    absentTimeoutMs: 0,
  });
  assert.deepEqual((await other.query("print 1")).rows, [[1]]);
  await emulator.faults.refuse("kusto", 500);
  assert.deepEqual((await other.query("print 2")).rows, [[2]]);
  other.close();
  assert.ok(retries.length > 0 && retries.every(({ code }) => code === "UNREACHABLE"));
});

/** Damages the first answer that a command gets. */
function once(pattern: RegExp, damage: (answer: ProxiedAnswer) => Damage) {
  let isDone = false;
  return (answer: ProxiedAnswer) => {
    if (isDone || !pattern.test(answer.csl)) return undefined;
    isDone = true;
    return damage(answer);
  };
}

test("a command that appends is not run again when its answer was lost, and is when it was turned away", async (t) => {
  const made = table("Appended", { n: k.long() });
  await admin.execute(createMergeTableCommand(made));
  const append = ".append Appended <| print n = 1";
  const proxy = await start({
    target: emulator.url,
    cut: once(/^\.append/, ({ bytes }) => ({ at: bytes - 4, by: "close" })),
  });
  t.after(() => proxy.close());
  const other = await kustoAdmin({ cluster: proxy.url, database: "db" }, undefined, quick);
  await assert.rejects(other.execute(append), {
    code: "UNREACHABLE",
    retryable: true,
    message: /may have taken effect/,
  });
  assert.deepEqual((await other.query("Appended | count")).rows, [[1]]);
  assert.equal(retries.length, 0);
  emulator.faults.answer("mgmt", 429, { requests: 2 });
  await other.execute(append);
  assert.deepEqual((await other.query("Appended | count")).rows, [[2]]);
  assert.equal(retries.length, 2);
  other.close();
});

test("commands that may be run twice", () => {
  const twice = [
    ".show tables",
    " .create-merge table T (a:int)",
    ".alter table T policy merge 'x'",
    ".drop table T ifexists",
  ];
  const onceOnly = [".drop table T", ".append T <| print 1", ".set T <| print 1", ".set-or-append T <| print 1"];
  const others = [
    ".ingest inline into table T <| 1",
    ".move extents all from table A to table B",
    ".rename table A to B",
  ];
  assert.deepEqual(
    twice.filter((csl) => !isRepeatable(csl)),
    [],
  );
  assert.deepEqual(
    [...onceOnly, ...others, ".drop extents (1) from ['ifexists'] | x", ".purge table T"].filter(isRepeatable),
    [],
  );
});

const notFound = {
  status: 400,
  contentType: "application/json",
  instead: JSON.stringify({
    error: {
      code: "BadRequest_EntityNotFound",
      message: "Request is invalid and cannot be executed.",
      "@type": "Kusto.Data.Exceptions.EntityNotFoundException",
      "@message": "Extent was not found.",
      "@permanent": true,
    },
  }),
};

test("extents that an earlier command has dropped already are dropped", async (t) => {
  const job = "drops.0123456789ab";
  const proxy = await start({ target: emulator.url, cut: once(/^\.drop extents/, () => notFound) });
  t.after(() => proxy.close());
  const signal = new AbortController().signal;
  const context: SessionContext = {
    ...contextOf(signal),
    table: target,
    commitMode: "move",
    job,
    generation: 1,
    lineage: "ba9876543210",
  };
  const session = await openEpochSession(connectionOf({ cluster: proxy.url, database: "db" }), context);
  const staging = (await session.makeStaging(signal))!.name;
  await admin.execute(`.append ['${staging}'] with (tags='["a/1"]') <| print n = 1`);
  // The command has taken effect, and the client is told that there is nothing to be dropped.
  await session.discard("a/1", signal);
  assert.deepEqual((await admin.query(`['${staging}'] | count`)).rows, [[0]]);
  assert.equal(proxy.damaged.get("engine"), 1);
  await session.close(true);
});
