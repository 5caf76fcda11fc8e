import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type MessageFault,
  type MessageFaultPlan,
  type MessageMatch,
  messageFaultPlan,
} from "../../../src/emulator/faults/message-faults.ts";
import { trigger } from "../../../src/emulator/faults/trigger.ts";
import { IngestionFailure } from "../../../src/emulator/ingestion-failure.ts";

const never = new AbortController().signal;
const message = { database: "demo", table: "T", blob: "http://x/account/container/name.csv" };
const nothing = () => {
  throw new Error("nobody asked for a text");
};
const forever = () => new Promise<void>(() => {});

function add(plan: MessageFaultPlan, fault: MessageFault, match: MessageMatch = {}, times = 100, seed = 1) {
  const own = trigger({ times }, { seed, now: () => 0 });
  return { forget: plan.add({ fault, match, trigger: own, seed }), trigger: own };
}

test("property: held messages all go on, never in the order in which they came, and the same way for a seed", async () => {
  const orderOf = async (size: number, seed: number) => {
    const plan = messageFaultPlan(forever);
    add(plan, { act: "deliver-out-of-order", messages: size, withinMs: 1 }, {}, size, seed);
    const order: number[] = [];
    const passed = [];
    for (let n = 0; n < size; n++) {
      const { held } = await plan.fateOf(message, nothing);
      passed.push(held!(never).then(() => order.push(n)));
    }
    await Promise.all(passed);
    return order;
  };
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 12 }), fc.integer(), async (size, seed) => {
      const order = await orderOf(size, seed);
      const came = Array.from({ length: size }, (_, n) => n);
      assert.notDeepEqual(order, came);
      assert.deepEqual(
        order.toSorted((a, b) => a - b),
        came,
      );
      assert.deepEqual(await orderOf(size, seed), order);
    }),
  );
});

test("a held message is given up when the reader stops", async () => {
  const plan = messageFaultPlan((_, signal) => new Promise((_go, fail) => signal?.addEventListener("abort", fail)));
  add(plan, { act: "deliver-out-of-order", messages: 9, withinMs: 1 });
  const off = new AbortController();
  const held = (await plan.fateOf(message, nothing)).held!(off.signal);
  off.abort();
  await assert.rejects(held);
});

test("different faults meet in one message; of two of a kind, the first, and the other does not count it", async () => {
  const plan = messageFaultPlan(forever);
  const failure = (code: string) => new IngestionFailure(code, "");
  add(plan, { act: "load-twice" });
  add(plan, { act: "deliver-twice", delayMs: 7 });
  add(plan, { act: "fail", failure: failure("First"), attempts: 2 }, {}, 1);
  const second = add(plan, { act: "fail", failure: failure("Second"), attempts: 1 });
  const fate = await plan.fateOf(message, nothing);
  assert.deepEqual(
    [fate.isLost, fate.isReportLost, fate.isLoadedTwice, fate.againAfterMs, fate.held],
    [false, false, true, 7, undefined],
  );
  assert.deepEqual(
    [1, 2, 3].map((attempt) => fate.failureOf(attempt)?.code),
    ["First", "First", undefined],
  );
  assert.equal(second.trigger.struck, 0);
  assert.equal((await plan.fateOf(message, nothing)).failureOf(1)?.code, "Second");
});

test("a fault is for its messages; what is forgotten befalls nobody", async () => {
  const plan = messageFaultPlan(forever);
  const isLost = async (about: object = {}) => (await plan.fateOf({ ...message, ...about }, nothing)).isLost;
  const { forget } = add(plan, { act: "lose" }, { database: "DEMO", table: "T", blob: "name" });
  assert.deepEqual(
    [await isLost(), await isLost({ database: "other" }), await isLost({ table: "t" }), await isLost({ blob: "x" })],
    [true, false, false, false],
  );
  forget();
  assert.equal(await isLost(), false);
  add(plan, { act: "lose" });
  assert.equal(await isLost(), true);
  plan.clear();
  assert.equal(await isLost(), false);
});

test("property: a text is found wherever the blob's bytes are cut, and no other is", async () => {
  const pieces = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "é"), maxLength: 5 }), { maxLength: 12 });
  const wanted = fc.string({ unit: fc.constantFrom("a", "b", "é"), minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(pieces, wanted, fc.nat(9), async (texts, containing, cut) => {
      const bytes = Buffer.from(texts.join(""));
      const blob = async function* () {
        for (let at = 0; at < bytes.length; at += cut + 1) yield bytes.subarray(at, at + cut + 1);
      };
      const plan = messageFaultPlan(forever);
      add(plan, { act: "lose" }, { containing });
      const { isLost } = await plan.fateOf(message, blob);
      assert.equal(isLost, texts.join("").includes(containing));
    }),
  );
});

test("a blob that cannot be read holds no text", async () => {
  const plan = messageFaultPlan(forever);
  add(plan, { act: "lose" }, { containing: "x" });
  const broken = async function* () {
    yield Buffer.from("y");
    throw new Error("gone");
  };
  assert.equal((await plan.fateOf(message, broken)).isLost, false);
});
