import type { CheckContext, CheckItem } from "../../../destination/destination.ts";
import { aborted } from "../../../errors.ts";
import { dropStaging } from "../commit/staging-table.ts";
import type { Connection } from "../connection.ts";
import { withDeadline } from "../deadline.ts";
import { patience } from "../patience.ts";
import { scrubber } from "../scrub.ts";
import { findingOf } from "./error-finding.ts";
import { notReached } from "./finding.ts";
import { kustoCheck } from "./kusto-check.ts";
import type { Seen } from "./seen.ts";
import { stepsOf } from "./steps.ts";

/** The longest time for one item; a shorter `requestTimeoutMs` holds. */
const mostItemMs = 30_000;
/** Putting away what a check has made is tried so long, also when it was aborted. */
const closingMs = 10_000;

/**
 * Looks at everything that a sink needs, from the name of the host to the policies of the table, without a record. Items that
 * the options have no use of are left out.
 *
 * @throws MillraceError ABORTED; what is wrong is told by the items.
 */
export async function* checkCluster(given: Connection, checked: CheckContext): AsyncGenerator<CheckItem> {
  const context = kustoCheck(checked, given.ingestion);
  const itemMs = Math.min(given.requestTimeoutMs, mostItemMs);
  const connection = { ...given, requestTimeoutMs: itemMs };
  const { login } = connection;
  const scrub = scrubber(
    "appKey" in login ? login.appKey : undefined,
    "certificate" in login && "certificate" in login.certificate ? login.certificate.certificate : undefined,
  );
  const patient = patience(context.retries);
  const seen: Seen = {};
  const statuses = new Map<string, CheckItem["status"]>();
  try {
    for (const { name, needs, look } of stepsOf(connection, context, seen, scrub, patient)) {
      if (context.signal.aborted) throw aborted(context.signal, `checking table ${context.table}`);
      const first = needs.find((need) => !isPassed(statuses.get(need)));
      const lookOnce = () => withDeadline(itemMs, context.signal, `Looking at ${name}`, look);
      const finding =
        first === undefined
          ? await patient
              .repeat(`check of ${name}`, context.signal, lookOnce)
              .catch((error) => findingOf(error, seen.principal, context.signal))
          : notReached(first);
      statuses.set(name, finding.status);
      yield { name, ...finding };
    }
  } finally {
    await putAway(connection, seen);
  }
}

/** A need that has no item is none. */
function isPassed(status: CheckItem["status"] | undefined): boolean {
  return status === undefined || status === "ok" || status === "warning";
}

async function putAway({ database }: Connection, { engine, management, staging }: Seen): Promise<void> {
  // The table goes by itself in a week, should this fail.
  if (engine && staging) await dropStaging(engine, database, staging, AbortSignal.timeout(closingMs)).catch(() => {});
  engine?.close();
  management?.close();
}
