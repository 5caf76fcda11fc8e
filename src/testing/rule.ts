import { describe, type TestContext, test } from "node:test";
import { badArgument, checkObject, checkText } from "../arguments.ts";
import { MillraceError, reasonOf } from "../errors.ts";
import { refuseUnknownOptions } from "../option-names.ts";
import { seeded } from "./random.ts";

/** Options of a contract. */
export interface ContractOptions {
  /** Of the random cuts, moments and contents. The names of the tests show it. Default: drawn anew for each run. */
  seed?: number;
  /** How often a rule with random cuts is tried. Default 20. */
  trials?: number;
  /** The longest wait for something that has to end, in milliseconds. Default 10 000. */
  patienceMs?: number;
  /** Rules that are known to be broken, by their names, and why. Their tests are skipped with that reason as long as they fail. */
  except?: Readonly<Record<string, string>>;
}

/** What a rule may use beside the implementation that it checks. */
export interface RuleContext<S = unknown> {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly trials: number;
  readonly patienceMs: number;
  /** One more implementation, as new as the first: for what can be tried once. */
  another(): Promise<S>;
  /** Runs at the end of the test, however it ends; what was named last comes first. */
  after(act: () => unknown): void;
}

/** One thing that an implementation owes its callers. */
export interface Rule<S> {
  /** The rule, as a sentence: the name of its test. */
  readonly name: string;
  /** The page that has the rule. */
  readonly documented: string;
  /** Why the rule cannot be checked for this implementation; undefined: it can. */
  lacks?(subject: S): string | undefined;
  /** Throws where the rule is broken. */
  check(subject: S, context: RuleContext<S>): Promise<void>;
}

/** A rule that turns out to be impossible to check: its test is skipped, with this reason. */
export class CannotCheck extends Error {}

export const contractDefaults = { trials: 20, patienceMs: 10_000 };

/** Declares one test for each rule. Each gets an implementation of its own. */
export function declareRules<S>(
  what: string,
  rules: readonly Rule<S>[],
  name: string,
  make: (t: TestContext) => S | Promise<S>,
  options: ContractOptions,
): void {
  checkText(what, "name", name);
  if (typeof make !== "function") throw badArgument(what, "make", make, "a function that makes what is checked");
  refuseUnknownOptions(what, options, ["seed", "trials", "patienceMs", "except"]);
  const { seed = Math.floor(Math.random() * 1_000_000), trials, patienceMs } = { ...contractDefaults, ...options };
  const { except = {} } = options;
  checkObject(what, "except", except);
  for (const excepted of Object.keys(except))
    if (rules.every((rule) => rule.name !== excepted))
      throw new MillraceError("BAD_OPTION", `${what}: except names the rule "${excepted}", which it has not.`, {
        context: { option: "except" },
      });
  for (const [option, value] of Object.entries({ seed, trials, patienceMs }))
    if (!Number.isSafeInteger(value) || value < (option === "seed" ? 0 : 1))
      throw badArgument(what, option, value, `a whole number, from ${option === "seed" ? 0 : 1}`);
  describe(`${name} (seed ${seed})`, () => {
    for (const rule of rules)
      test(`${rule.name} (${rule.documented})`, async (t) => {
        const subject = await make(t);
        const lack = rule.lacks?.(subject);
        if (lack !== undefined) return t.skip(lack);
        const ends: (() => unknown)[] = [];
        const after = (act: () => unknown) => void ends.unshift(act);
        try {
          await rule.check(subject, { random: seeded(seed), trials, patienceMs, another: async () => make(t), after });
        } catch (error) {
          const known = except[rule.name];
          if (known !== undefined) t.skip(`${known} (${reasonOf(error)})`);
          else if (error instanceof CannotCheck) t.skip(error.message);
          else throw error;
        } finally {
          // Before what `make` has told the test to do at its end: it takes the storage away.
          for (const end of ends) await end();
        }
      });
  });
}
