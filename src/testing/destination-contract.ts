import type { TestContext } from "node:test";
import type { DestinationUnderTest } from "./destination-under-test.ts";
import { epochRules } from "./epoch-rules.ts";
import { holderRules } from "./holder-rules.ts";
import { type ContractOptions, declareRules, type Rule } from "./rule.ts";
import { sessionRules } from "./session-rules.ts";

export const destinationRules: readonly Rule<DestinationUnderTest>[] = [...sessionRules, ...epochRules, ...holderRules];

/**
 * Declares a test of `node:test` for each rule that a destination owes a sink. One without `openEpochs()` is tried with those of delivery at
 * least once. Call it at the top of a test file.
 *
 * @param name shown before the tests
 * @param make called for each test: a destination whose target has the table, with no rows
 * @throws MillraceError BAD_OPTION for wrong arguments
 */
export function destinationContract(
  name: string,
  make: (t: TestContext) => DestinationUnderTest | Promise<DestinationUnderTest>,
  options: ContractOptions = {},
): void {
  declareRules("destinationContract()", destinationRules, name, make, options);
}
