import type { TestContext } from "node:test";
import { entryRules } from "./entry-rules.ts";
import { killRule } from "./killed-writer.ts";
import { logRules } from "./log-rules.ts";
import { type ContractOptions, declareRules, type Rule } from "./rule.ts";
import type { StateUnderTest } from "./state-under-test.ts";

export const stateRules: readonly Rule<StateUnderTest>[] = [...entryRules, ...logRules, killRule];

/**
 * Declares a test of `node:test` for each rule that a state backend owes a sink. Call it at the top of a test file.
 *
 * @param name shown before the tests
 * @param make called for each test: a backend over storage that is empty
 * @throws MillraceError BAD_OPTION for wrong arguments
 */
export function stateBackendContract(
  name: string,
  make: (t: TestContext) => StateUnderTest | Promise<StateUnderTest>,
  options: ContractOptions = {},
): void {
  declareRules("stateBackendContract()", stateRules, name, make, options);
}
