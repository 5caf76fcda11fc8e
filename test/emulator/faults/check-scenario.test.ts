import assert from "node:assert/strict";
import { test } from "node:test";
import { checkScenario } from "../../../src/emulator/faults/check-scenario.ts";

const wrong: [scenario: unknown, message: RegExp][] = [
  [undefined, /the scenario must be an object, not undefined/],
  [[], /the scenario must be an object, not \[\]/],
  [{}, /the scenario\.faults is missing; it must be a list of faults/],
  [{ faults: {} }, /the scenario\.faults must be a list of faults; it is \{\}/],
  [{ faults: [], sed: 1 }, /the scenario\.sed is not known; there are: seed, clock, faults/],
  [{ faults: [], seed: 1.5 }, /the scenario\.seed must be a whole number/],
  [{ faults: [], clock: { speed: 0 } }, /clock\.speed must be a number from 0\.001 to 1000000; it is 0/],
  [{ faults: [null] }, /faults\[0\]\.do must be answer, reset,.* fail; it is nothing/],
  [{ faults: [{ do: "toString" }] }, /faults\[0\]\.do must be answer,.*; it is "toString"/],
  [
    { faults: [{ do: "lose" }, { do: "answer", at: "mgmt" }] },
    /faults\[1\]\.status is missing in 'answer'; it must be/,
  ],
  [{ faults: [{ do: "answer", at: "mgmt", status: 200 }] }, /status must be a whole number from 400 to 599; it is 200/],
  [{ faults: [{ do: "answer", at: "moon", status: 500 }] }, /faults\[0\]\.at must be "auth" or .*; it is "moon"/],
  [
    { faults: [{ do: "reset", at: "mgmt", delayMs: 1 }] },
    /faults\[0\]\.delayMs is not known in 'reset'; there are: do, when/,
  ],
  [{ faults: [{ do: "reset", at: "mgmt", when: "during" }] }, /when must be "before" or "after" or "midway"; it is/],
  [{ faults: [{ do: "slow", at: "blob" }] }, /faults\[0\]\.ms is missing in 'slow'/],
  [
    { faults: [{ do: "hang", at: "blob", command: ".move" }] },
    /command belongs to mgmt and query, and 'blob' is neither/,
  ],
  [{ faults: [{ do: "hang", at: "query", account: 0 }] }, /account belongs to storage, and 'query' is not/],
  [{ faults: [{ do: "hang", at: "blob", account: 2 }] }, /account must be less than 2.*; it is 2/],
  [{ faults: [{ do: "refuse", at: "storage" }] }, /faults\[0\]\.forMs is missing in 'refuse'/],
  [{ faults: [{ do: "refuse", at: "storage", forMs: 1, times: 2 }] }, /times is not known in 'refuse'/],
  [{ faults: [{ do: "expire-sas", at: "mgmt" }] }, /at must be "blob" or "queue" or "table" or "storage"/],
  [{ faults: [{ do: "expire-sas", command: "x" }] }, /command is not known in 'expire-sas'/],
  [{ faults: [{ do: "lose", chance: 2 }] }, /chance must be a number from 0 to 1; it is 2/],
  [{ faults: [{ do: "lose", every: 0 }] }, /every must be a whole number from 1/],
  [{ faults: [{ do: "lose", table: "" }] }, /table must be a text, not empty; it is ""/],
  [{ faults: [{ do: "deliver-late" }] }, /faults\[0\]\.delayMs is missing in 'deliver-late'/],
  [
    { faults: [{ do: "deliver-out-of-order", messages: 1 }] },
    /messages must be a whole number from 2 to 1000; it is 1/,
  ],
  [{ faults: [{ do: "fail", attempts: 2 }] }, /attempts belongs to a transient failure: say permanent: false/],
  [{ faults: [{ do: "fail", code: "x".repeat(70), table: 7 }] }, /table must be a text, not empty; it is 7/],
];

for (const [scenario, message] of wrong)
  test(`refused: ${JSON.stringify(scenario)?.slice(0, 80)}`, () => {
    assert.throws(() => checkScenario(scenario, 2), { code: "BAD_OPTION", message });
  });

test("a scenario with every fault and every member is taken", () => {
  const timing = { after: 1, every: 2, chance: 0.5, times: 3, fromMs: 4, forMs: 5 };
  const request = { path: "a", method: "PUT", ...timing };
  const message = { database: "d", table: "t", blob: "b", containing: "c", ...timing };
  const scenario = {
    seed: -1,
    clock: { speed: 0.5, advanceMs: 1 },
    faults: [
      { do: "answer", at: "mgmt", status: 429, retryAfterSeconds: 0, command: ".show", ...request },
      { do: "reset", at: "all", when: "midway", account: 1, ...request },
      { do: "hang", at: "storage", when: "after", account: 0, ...request },
      { do: "slow", at: "query", ms: 1, when: "before", ...request },
      { do: "expire-sas", at: "storage", account: 1, ...request },
      { do: "expire-sas" },
      { do: "refuse", at: "blob", account: 1, forMs: 1, fromMs: 1 },
      ...["lose", "load-twice", "lose-report", "deliver-twice", "fail"].map((each) => ({ do: each, ...message })),
      { do: "deliver-late", delayMs: 1, ...message },
      { do: "deliver-out-of-order", messages: 2, withinMs: 0, ...message },
      { do: "fail", permanent: false, attempts: 2, code: "c", message: "m" },
    ],
  };
  assert.equal(checkScenario(scenario, 2), scenario);
});
