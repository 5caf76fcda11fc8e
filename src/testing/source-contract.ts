import type { TestContext } from "node:test";
import { brokerRules } from "./broker-rules.ts";
import { endRules } from "./end-rules.ts";
import { groupRules } from "./group-rules.ts";
import { readingRules } from "./reading-rules.ts";
import { resumeRules } from "./resume-rules.ts";
import { type ContractOptions, declareRules, type Rule } from "./rule.ts";
import type { SourceUnderTest } from "./source-under-test.ts";

export const sourceRules: readonly Rule<SourceUnderTest>[] = [
  ...readingRules,
  ...resumeRules,
  ...endRules,
  ...brokerRules,
  ...groupRules,
];

/**
 * Declares a test of `node:test` for each rule that a source owes `run()`. Call it at the top of a test file.
 *
 * @param name shown before the tests
 * @param make called for each test, for some more than once: a source over records of its own
 * @throws MillraceError BAD_OPTION for wrong arguments
 */
export function sourceContract<R>(
  name: string,
  make: (t: TestContext) => SourceUnderTest<R> | Promise<SourceUnderTest<R>>,
  options: ContractOptions = {},
): void {
  // The rules hand each record to `keyOf` and look at none of them.
  const made = make as unknown as (t: TestContext) => SourceUnderTest | Promise<SourceUnderTest>;
  declareRules("sourceContract()", sourceRules, name, made, options);
}
