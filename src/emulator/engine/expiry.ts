import { datetimeOf, timespanOf } from "../values/text-values.ts";
import { type Catalogue, dropTable, policyOf } from "./catalogue.ts";
import type { Database, Extent, StoredTable } from "./entities.ts";
import { dropExtents } from "./extents.ts";

/** Drops the extents that are older than the policy "retention" lets them be, counted from their youngest row. */
export async function dropOldExtents(catalogue: Catalogue, database: Database, table: StoredTable): Promise<void> {
  const text = policyOf(database, table, "retention");
  const { SoftDeletePeriod } = (text === undefined ? {} : JSON.parse(text)) as { SoftDeletePeriod?: string };
  const period = SoftDeletePeriod === undefined ? null : timespanOf(SoftDeletePeriod);
  if (period === null) return;
  const oldest = catalogue.clock.ticks() - period;
  const isOld = ({ maxCreatedOn }: Extent) => maxCreatedOn < oldest;
  if ([...table.extents.values()].some(isOld)) await dropExtents(catalogue, new Map([[table, isOld]]));
}

interface AutoDelete {
  readonly ExpiryDate: string;
  readonly DeleteIfNotEmpty?: boolean;
}

/** Drops a table whose policy "auto_delete" says that its day has come; with rows in it, only if the policy says so. */
export async function dropExpiredTable(catalogue: Catalogue, database: Database, table: StoredTable): Promise<void> {
  const text = table.policies.get("auto_delete");
  if (text === undefined) return;
  const { ExpiryDate, DeleteIfNotEmpty = false } = JSON.parse(text) as AutoDelete;
  const expiry = datetimeOf(ExpiryDate);
  if (expiry === null || expiry > catalogue.clock.ticks()) return;
  if (DeleteIfNotEmpty || table.extents.size === 0) await dropTable(catalogue, database, table);
}
