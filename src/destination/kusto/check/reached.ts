import { sentence } from "../errors.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";
import { proxyVariable, type Reached } from "./reach.ts";

/** Behind a proxy the SDKs need not get through themselves. */
export function reached(url: URL, result: Reached): Finding {
  if (result.isThere) return ok(`${result.how}.`);
  const proxy = proxyVariable(url);
  if (proxy !== undefined)
    return warning(
      `${sentence(result.why)} Requests may go through the proxy in ${proxy}; the login tells.`,
      result.fix,
    );
  return { ...failed("UNREACHABLE", sentence(result.why), result.fix), retryable: result.retryable };
}
