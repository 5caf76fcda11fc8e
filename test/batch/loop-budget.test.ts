import assert from "node:assert/strict";
import { test } from "node:test";
import { type LoopBudget, loopBudget, loopTurns } from "../../src/batch/loop-budget.ts";

/** A loop that turns when it is told to, by a clock that goes when it is told to. */
function handMade() {
  const asked: (() => void)[] = [];
  const loop = {
    time: 1_000,
    now: () => loop.time,
    nextTurn: (turned: () => void) => void asked.push(turned),
    turn() {
      for (const turned of asked.splice(0)) turned();
    },
    get asked() {
      return asked.length;
    },
  };
  return loop;
}

function spend(loop: ReturnType<typeof handMade>, budget: LoopBudget): number {
  let looks = 0;
  while (!budget.isSpent) {
    loop.time += 0.25;
    budget.look();
    if (++looks > 100) assert.fail("never spent");
  }
  return looks;
}

test("the budget is spent when the loop has been held for some milliseconds, and there again when it has turned", () => {
  const loop = handMade();
  let turned = 0;
  const budget = loopBudget(loopTurns(loop), () => turned++);
  const held = spend(loop, budget) * 0.25;
  assert.ok(held >= 2 && held <= 5, `${held} ms`);
  assert.equal(turned, 0);
  loop.turn();
  assert.equal(budget.isSpent, false);
  assert.equal(turned, 1);
  loop.time += 1_000; // between two turns the caller was away
  budget.look();
  assert.equal(budget.isSpent, false, "what others do with the loop is not the sink's");
});

test("a loop that turns by itself never spends it, and is asked once a turn", () => {
  const loop = handMade();
  const budget = loopBudget(loopTurns(loop), () => assert.fail("nothing to resume"));
  for (let turn = 0; turn < 100; turn++) {
    for (let look = 0; look < 5; look++) {
      loop.time += 0.25;
      budget.look();
      assert.equal(budget.isSpent, false);
    }
    assert.equal(loop.asked, 1);
    loop.turn();
  }
});

test("the clock is looked at more often where records take longer", () => {
  const loop = handMade();
  const costsOf = (ms: number) => {
    const budget = loopBudget(loopTurns(loop), () => {});
    let records = 1;
    for (let i = 0; i < 50; i++) {
      if (budget.isSpent) loop.turn();
      loop.time += records * ms;
      records = budget.look();
    }
    loop.turn();
    return records;
  };
  const [cheap, dear, dearest] = [costsOf(0.0001), costsOf(0.03), costsOf(40)];
  assert.ok(cheap >= 32, `${cheap} records`);
  assert.ok(dear < cheap && dear * 0.03 <= 1, `${dear} records`);
  assert.equal(dearest, 1);
});

test("sinks that share a loop get its turns one after the other", () => {
  const loop = handMade();
  const turns = loopTurns(loop);
  const order: string[] = [];
  const budgets = ["a", "b", "c"].map((name) => loopBudget(turns, () => order.push(name)));
  spend(loop, budgets[0]!);
  for (const budget of budgets) budget.look();
  assert.deepEqual(
    budgets.map((budget) => budget.isSpent),
    [true, true, true],
  );
  for (let turn = 0; turn < 7; turn++) {
    loop.turn();
    assert.equal(order.length, turn + 1, "one a turn");
    // It alone goes on, and holds the loop until it must wait again.
    spend(loop, budgets["abc".indexOf(order.at(-1)!)]!);
  }
  assert.equal(order.join(""), "abcabca");
});
