import { seeded } from "../../src/testing/random.ts";
import { CannotCheck, type Rule } from "../../src/testing/rule.ts";

/** The names of the rules that an implementation breaks. One that cannot be checked counts as kept. */
export async function brokenRules<S>(
  rules: readonly Rule<S>[],
  make: () => S | Promise<S>,
  onBroken: (rule: string, error: unknown) => void = () => {},
): Promise<string[]> {
  const broken: string[] = [];
  for (const rule of rules) {
    const subject = await make();
    if (rule.lacks?.(subject) !== undefined) continue;
    const ends: (() => unknown)[] = [];
    const after = (act: () => unknown) => void ends.unshift(act);
    try {
      await rule.check(subject, {
        ...{ random: seeded(1), trials: 12, patienceMs: 2_000 },
        after,
        another: async () => make(),
      });
    } catch (error) {
      if (error instanceof CannotCheck) continue;
      broken.push(rule.name);
      onBroken(rule.name, error);
    } finally {
      for (const end of ends) await end();
    }
  }
  return broken;
}
