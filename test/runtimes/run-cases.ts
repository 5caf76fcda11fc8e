import { cases } from "./cases.ts";
import { type Case, type CaseResult, type World, worldVariable } from "./world.ts";

// Runs the list in the runtime that this is, and prints a line of JSON for each case.

/** Not a measure of speed: a case that takes longer hangs. */
const caseTimeoutMs = 120_000;

const world = JSON.parse(process.env[worldVariable]!) as World;

async function outcomeOf({ run }: Case): Promise<Pick<CaseResult, "outcome" | "why">> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hangs = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it hangs, after ${caseTimeoutMs / 1000} s`)), caseTimeoutMs);
  });
  try {
    await Promise.race([run(world), hangs]);
    return { outcome: "passed" };
  } catch (error) {
    return { outcome: "failed", why: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Deno and Bun name a version of Node beside their own. */
const { deno, bun, node } = process.versions as Record<string, string | undefined>;
process.stdout.write(`${JSON.stringify({ version: deno ?? bun ?? node })}\n`);

const only = process.env.MILLRACE_RUNTIME_CASES;
for (const one of cases) {
  if (only && !one.name.includes(only)) continue;
  const began = performance.now();
  const reason = one.skip?.(world);
  const found = reason === undefined ? await outcomeOf(one) : { outcome: "skipped" as const, why: reason };
  const result: CaseResult = { case: one.name, ms: Math.round(performance.now() - began), ...found };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
// What a case that failed has left behind must not keep the process.
process.exit();
