import assert from "node:assert/strict";
import { test } from "node:test";
import { destinationRules } from "../../src/testing/destination-contract.ts";
import { brokenRules } from "./broken-rules.ts";
import { type LedgerFaults, ledger } from "./ledger.ts";

// Destinations that break one rule each, and the rule that finds it.

const mutants: Readonly<Record<keyof LedgerFaults, RegExp>> = {
  nameIsDrawn: /name and identity/,
  identityIsDrawn: /name and identity/,
  losesLastRow: /rows arrive as they were written/,
  stagesOnce: /stage\(\) and submit\(\) can be repeated/,
  stagesInMemory: /what stage\(\) gives is plain JSON/,
  waitsWhenAborted: /calls whose signal has fired/,
  closesOnce: /a session closes twice/,
  comparesEpochsAsText: /each row of each epoch/,
  trustsDoubt: /killed at any call of the epoch's handle/,
  marksApart: /killed before or behind any request/,
  checksApart: /arrives when the next one is done/,
  tellsDoubtLate: /PREPARED means/,
  hangsWhenAborted: /an abort in the midst/,
  hidesRefusedRows: /rows that the target refuses/,
  committerClosesOnce: /a committer closes twice/,
  isNotFenced: /STATE_FENCED/,
  acceptsOutdated: /STATE_OUTDATED/,
  acceptsLost: /STATE_LOST/,
  forgetsAcceptance: /acceptDuplicates goes on/,
  oneHolderPerTable: /two jobs/,
};

/** Faults that other rules find, too. */
const coarse: readonly (keyof LedgerFaults)[] = ["identityIsDrawn", "losesLastRow", "trustsDoubt"];

async function broken(faults: LedgerFaults): Promise<{ names: string[]; why: string }> {
  const why: string[] = [];
  const make = () => ledger(faults);
  const names = await brokenRules(destinationRules, make, (name, error) => why.push(`${name}: ${error}`));
  return { names, why: why.join("\n") };
}

test("a sound destination breaks no rule", async () => {
  assert.equal((await broken({})).why, "");
});

for (const [fault, rule] of Object.entries(mutants) as [keyof LedgerFaults, RegExp][]) {
  const isCoarse = coarse.includes(fault);
  test(`${fault}: that rule finds it${isCoarse ? "" : ", and no other"}`, async () => {
    const { names, why } = await broken({ [fault]: true });
    assert.ok(names.some((name) => rule.test(name)) && (isCoarse || names.length === 1), why || "no rule finds it");
  });
}

test("each rule of a destination has a mutant", () => {
  const without = destinationRules.filter(({ name }) => !Object.values(mutants).some((rule) => rule.test(name)));
  assert.deepEqual(without, []);
});
