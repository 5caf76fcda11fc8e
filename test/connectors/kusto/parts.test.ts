import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { type Resources, resourceKeeper, storageRoot } from "../../../src/connectors/kusto/resources.ts";
import { rotation } from "../../../src/connectors/kusto/rotation.ts";
import { blobName, blocksOf } from "../../../src/connectors/kusto/upload.ts";
import { MillraceError } from "../../../src/errors.ts";

test("blocks are the parts, cut anew: same bytes, all of one size but the last", () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 });
  fc.assert(
    fc.property(parts, fc.integer({ min: 1, max: 60 }), (given, size) => {
      const blocks = [...blocksOf(given, size)];
      assert.deepEqual(Buffer.concat(blocks), Buffer.concat(given));
      assert.ok(blocks.slice(0, -1).every((block) => block.byteLength === size));
      assert.ok(blocks.every((block) => block.byteLength > 0 && block.byteLength <= size));
    }),
  );
});

test("a block inside one part is a view of it, not a copy", () => {
  const part = new Uint8Array(100);
  const [first] = [...blocksOf([part], 40)];
  assert.equal(first!.buffer, part.buffer);
});

test("a blob's name is safe in a URL and in a path, and ends in what it holds", () => {
  const name = blobName("my db/é", { id: "id", table: "T?sig=#%..\\", format: "csv" });
  assert.match(name, /^[A-Za-z0-9_.-]+$/);
  assert.ok(name.endsWith("__id.csv.gz"));
  assert.ok(blobName("d", { id: "id", table: "t".repeat(1024), format: "ndjson" }).endsWith("__id.multijson.gz"));
  assert.ok(blobName("d".repeat(1024), { id: "id", table: "t".repeat(1024), format: "ndjson" }).length < 1024);
});

const remote = { isLoopback: false, trustedHosts: [] };

test("accounts and names are found in both forms of a storage URL", () => {
  const named = storageRoot("https://acc.blob.core.windows.net/2026-temp?sig=s", "blob", remote);
  assert.deepEqual([named.account, named.name], ["acc", "2026-temp"]);
  const numbered = storageRoot("http://127.0.0.1:10000/devacc/queue?sig=s", "queue", { ...remote, isLoopback: true });
  assert.deepEqual([numbered.account, numbered.name], ["devacc", "queue"]);
  assert.throws(() => storageRoot("nonsense?sig=s", "blob", remote), { code: "BAD_REQUEST", message: /^[^?]*$/ });
});

const root = (account: string) => ({ account, name: "c", url: "" });

test("the rotation goes round, leaves a failing account alone, and comes back to it", () => {
  let now = 0;
  const accounts = rotation(() => now);
  const roots = ["a", "b", "c"].map(root);
  accounts.next("queue", roots);
  const next = (times: number) =>
    Array.from({ length: times }, () => accounts.next("container", roots).account)
      .sort()
      .join("");
  assert.equal(next(6), "aabbcc");
  accounts.failed("b");
  assert.equal(next(4), "aacc");
  now += 2_000;
  assert.equal(next(3), "abc");
  accounts.failed("b");
  now += 2_000;
  assert.equal(next(4), "aacc", "a second failure in a row rests longer");
  accounts.succeeded("b");
  assert.equal(next(3), "abc");
  for (const account of ["a", "b", "c"]) {
    accounts.failed(account);
    now++;
  }
  assert.equal(accounts.next("container", roots).account, "a", "all fail: the one that has rested longest");
});

function keeperOf(fetch: (generation: number) => Promise<Resources>) {
  let now = 0;
  return { keeper: resourceKeeper(fetch, () => now), pass: (ms: number) => (now += ms) };
}

const resources = (generation: number) => ({ generation }) as Resources;

test("fifty cold calls fetch once; after an hour once more", async () => {
  let fetches = 0;
  const { keeper, pass } = keeperOf(async (generation) => {
    fetches++;
    await new Promise((resolve) => setTimeout(resolve, 5));
    return resources(generation);
  });
  const fifty = () => Promise.all(Array.from({ length: 50 }, () => keeper.current()));
  assert.ok((await fifty()).every(({ generation }) => generation === 1));
  await fifty();
  assert.equal(fetches, 1);
  pass(3_600_000);
  assert.ok((await fifty()).every(({ generation }) => generation === 2));
  assert.equal(fetches, 2);
});

test("those who were refused with the same resources fetch once, and latecomers get what is there", async () => {
  let fetches = 0;
  const { keeper } = keeperOf(async (generation) => {
    fetches++;
    return resources(generation);
  });
  const first = await keeper.current();
  const renewed = await Promise.all(Array.from({ length: 20 }, () => keeper.refused(first)));
  assert.ok(renewed.every(({ generation }) => generation === 2));
  assert.equal((await keeper.refused(first)).generation, 2);
  assert.equal(fetches, 2);
});

test("old resources serve on while new ones cannot be had", async () => {
  let isDown = false;
  const { keeper, pass } = keeperOf(async (generation) => {
    if (isDown) throw new Error("down");
    return resources(generation);
  });
  await keeper.current();
  isDown = true;
  pass(3_600_000);
  assert.equal((await keeper.current()).generation, 1);
  isDown = false;
  assert.equal((await keeper.current()).generation, 1, "not asked again at once");
  pass(60_000);
  assert.equal((await keeper.current()).generation, 2);
});

test("a first fetch that fails is told, and tried again at the next call", async () => {
  let fetches = 0;
  const { keeper } = keeperOf(async (generation) => {
    if (++fetches === 1) throw new Error("down");
    return resources(generation);
  });
  await assert.rejects(keeper.current(), /down/);
  assert.equal((await keeper.current()).generation, 1);
});

test("resources that are refused time and again end as FORBIDDEN, unless one worked between", async () => {
  const { keeper } = keeperOf(async (generation) => resources(generation));
  let held = await keeper.current();
  for (let i = 0; i < 6; i++) held = await keeper.refused(held);
  keeper.worked();
  for (let i = 0; i < 6; i++) held = await keeper.refused(held);
  await assert.rejects(keeper.refused(held), { code: "FORBIDDEN", message: /clock/ });
});

test("the vendor's packages, which take half a second to load, are loaded only when they are needed", () => {
  const folder = new URL("../../../src/connectors/kusto/", import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  assert.ok(files.some((name) => name.includes("check")) && files.length > 20, `${files.length} files found`);
  for (const name of files) {
    const eager = /^import (?!type\b)[^;]*? from "(@azure\/|azure-kusto)[^"]*"/m.exec(
      readFileSync(new URL(name, folder), "utf8"),
    );
    assert.equal(eager, null, name);
  }
});

test("resources that have grown old are used on when new ones cannot be had, but not when the service names foreign storage", async () => {
  let failure: MillraceError | undefined;
  const { keeper, pass } = keeperOf(async (generation) => {
    if (failure) throw failure;
    return resources(generation);
  });
  await keeper.current();
  pass(3_600_001);
  failure = new MillraceError("UNREACHABLE", "no answer", { retryable: true });
  assert.equal((await keeper.current()).generation, 1);
  pass(3_600_001);
  failure = new MillraceError("UNTRUSTED_HOST", "storage.evil.example");
  await assert.rejects(keeper.current(), { code: "UNTRUSTED_HOST" });
});
