import assert from "node:assert/strict";
import type { ErrorCode } from "../errors.ts";

/** Fails unless the act is refused with this code. */
export async function refusedWith(code: ErrorCode, act: Promise<unknown>, what: string): Promise<void> {
  const thrown = await act.then(
    () => assert.fail(`${what} was not refused; ${code} was expected.`),
    (error: unknown) => error,
  );
  const found = (thrown as { code?: unknown } | null)?.code;
  if (found === code) return;
  assert.fail(
    `${what} was to be refused with ${code}, and failed with ${String(found ?? "no code")}: ${String(thrown)}`,
  );
}

/** Fails unless the act is refused, with whatever error. */
export async function refused(act: Promise<unknown>, what: string): Promise<void> {
  const isRefused = await act.then(
    () => false,
    () => true,
  );
  assert.ok(isRefused, `${what} was not refused.`);
}
