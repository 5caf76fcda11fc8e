import assert from "node:assert/strict";
import { test } from "node:test";
import { destinationContract, sourceContract, stateBackendContract } from "../../src/testing/index.ts";

const contracts = { destinationContract, sourceContract, stateBackendContract };

for (const [name, contract] of Object.entries(contracts) as [string, typeof sourceContract][])
  test(`${name}() refuses options that would check nothing`, () => {
    const make = () => assert.fail("it was called");
    for (const options of [{ trials: 0 }, { patienceMs: 0 }, { seed: -1 }, { seed: 0.5 }])
      assert.throws(() => contract("x", make, options), { code: "BAD_OPTION", message: /from [01]/ });
    const except = { "no such rule": "a typing error" };
    assert.throws(() => contract("x", make, { except }), { code: "BAD_OPTION", message: /no such rule/ });
    assert.throws(() => contract("x", make, { except: 7 as never }), { code: "BAD_OPTION", message: /except/ });
  });
