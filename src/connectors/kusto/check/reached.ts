import { sentence } from "../errors.ts";
import { type Finding, failed, ok } from "./finding.ts";
import type { Reached } from "./reach.ts";

/** What reaching for an address means for the item of that name. */
export function reached(result: Reached): Finding {
  if (result.isThere) return ok(`${result.how}.`);
  return { ...failed("UNREACHABLE", sentence(result.why), result.fix), retryable: result.retryable };
}
