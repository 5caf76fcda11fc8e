import { quoteName, quoteString } from "../../../schema/kql.ts";
import { type Finding, ok, warning } from "./finding.ts";
import type { KustoCheck } from "./kusto-check.ts";
import { type Policy, timespanMs } from "./policy.ts";

const weekMs = 7 * 24 * 3_600_000;
const week = "7.00:00:00";

interface TagRule {
  readonly TagPrefix?: string;
  readonly RetentionPeriod?: string;
}

/** Whether an epoch is committed is asked of the tags, so they must outlive an outage. */
export function tagRetentionFit({ table, commitMode }: KustoCheck, set: Policy): Finding {
  const prefixes =
    commitMode === "move" ? ["millrace:"] : commitMode === "append" ? ["millrace:", "ingest-by:"] : ["ingest-by:"];
  const rules = Array.isArray(set) ? (set as readonly TagRule[]) : [];
  const isOurs = ({ TagPrefix }: TagRule) =>
    prefixes.some((prefix) => prefix.toLowerCase() === TagPrefix?.toLowerCase());
  const short = rules.find((rule) => isOurs(rule) && (timespanMs(rule.RetentionPeriod) ?? 0) < weekMs);
  if (!short) return ok(`Tags ${prefixes.join(" and ")}... stay for 7 days or more.`);
  const wanted = rules.map((rule) =>
    isOurs(rule) && (timespanMs(rule.RetentionPeriod) ?? 0) < weekMs ? { ...rule, RetentionPeriod: week } : rule,
  );
  return warning(
    `Tags ${short.TagPrefix}... are taken away after ${short.RetentionPeriod}; after a longer outage rows would arrive twice, for the tags say what is committed.`,
    `A Table Admin keeps them for 7 days: .alter table ${quoteName(table)} policy extent_tags_retention ${quoteString(JSON.stringify(wanted))}`,
  );
}

/** The extents that bear the tags go with their retention. */
export function retentionFit({ table }: KustoCheck, set: Policy): Finding {
  const period = (set as { SoftDeletePeriod?: unknown } | null)?.SoftDeletePeriod;
  const ms = timespanMs(period);
  if (ms === undefined || ms >= weekMs)
    return ok(`Rows stay for ${ms === undefined ? "as long as by default" : String(period)}.`);
  const wanted = { ...set, SoftDeletePeriod: week };
  return warning(
    `Rows are taken away after ${String(period)}, and with them the tags that say what is committed; after a longer outage rows would arrive twice.`,
    `If outages may last so long, a Table Admin keeps rows for 7 days: .alter table ${quoteName(table)} policy retention ${quoteString(JSON.stringify(wanted))}`,
  );
}
