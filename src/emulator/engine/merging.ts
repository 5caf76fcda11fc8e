import { reasonOf } from "../../errors.ts";
import { timespanOf } from "../values/text-values.ts";
import { ticksPerDay, ticksPerHour } from "../values/ticks.ts";
import { type Catalogue, policyOf } from "./catalogue.ts";
import type { Database, Extent, StoredTable } from "./entities.ts";
import { dropExpiredTable, dropOldExtents } from "./expiry.ts";
import { latest, mergeExtents, retagExtents, type Succession } from "./extents.ts";

/** The merge policy, as far as it is followed here; names and defaults are the documentation's ("Merge policy"). */
interface MergePolicy {
  readonly RowCountUpperBoundForMerge: number;
  readonly OriginalSizeMBUpperBoundForMerge: number;
  readonly MaxExtentsToMerge: number;
  readonly MaxRangeInHours: number;
  readonly AllowRebuild: boolean;
  readonly AllowMerge: boolean;
  readonly Lookback: { readonly Kind: string; readonly CustomPeriod?: string | null };
}

export const defaultMergePolicy = {
  RowCountUpperBoundForMerge: 16_000_000,
  OriginalSizeMBUpperBoundForMerge: 0,
  MaxExtentsToMerge: 100,
  LoopPeriod: "01:00:00",
  MaxRangeInHours: 24,
  AllowRebuild: true,
  AllowMerge: true,
  Lookback: { Kind: "Default", CustomPeriod: null },
};

const defaultLookback = 14n * ticksPerDay;
/** Extents whose tags together are longer than this many characters do not merge. */
const longestTags = 1_000_000;

/** What may become one, of extents in the order in which they were created: the rules that no policy can lift. */
export function mergeable(extents: readonly Extent[]): Extent[][] {
  const byDropTags = new Map<string, Extent[]>();
  for (const extent of extents) {
    const key = JSON.stringify(extent.tags.filter((tag) => tag.startsWith("drop-by:")).sort());
    byDropTags.set(key, [...(byDropTags.get(key) ?? []), extent]);
  }
  return [...byDropTags.values()].flatMap((group) => withinTags(group)).filter((group) => group.length > 1);
}

function withinTags(extents: readonly Extent[]): Extent[][] {
  return runs(extents, (group, next) => {
    const tags = new Set([...group, next].flatMap((extent) => extent.tags));
    return [...tags].reduce((sum, tag) => sum + tag.length, 0) <= longestTags;
  });
}

/** Cuts a list into runs: the next one goes into the run before it while it fits. */
function runs(extents: readonly Extent[], fits: (group: readonly Extent[], next: Extent) => boolean): Extent[][] {
  const found: Extent[][] = [];
  for (const extent of extents) {
    const last = found.at(-1);
    if (last && fits(last, extent)) last.push(extent);
    else found.push([extent]);
  }
  return found;
}

/** What the policy of a table would merge now. */
function mergeableByPolicy(catalogue: Catalogue, database: Database, table: StoredTable): Extent[][] {
  const text = policyOf(database, table, "merge");
  const policy: MergePolicy = { ...defaultMergePolicy, ...(text === undefined ? {} : (JSON.parse(text) as object)) };
  if (!policy.AllowMerge && !policy.AllowRebuild) return [];
  const oldest = catalogue.clock.ticks() - lookbackOf(policy);
  const range = BigInt(Math.round(policy.MaxRangeInHours)) * ticksPerHour;
  const mostBytes = policy.OriginalSizeMBUpperBoundForMerge * 1_048_576 || Number.POSITIVE_INFINITY;
  const young = [...table.extents.values()]
    .filter(({ maxCreatedOn }) => maxCreatedOn >= oldest)
    .sort((a, b) => (a.minCreatedOn < b.minCreatedOn ? -1 : a.minCreatedOn > b.minCreatedOn ? 1 : 0));
  return mergeable(young)
    .flatMap((group) =>
      runs(group, (before, next) => {
        const all = [...before, next];
        const last = all.map(({ maxCreatedOn }) => maxCreatedOn).reduce(latest);
        return (
          all.length <= policy.MaxExtentsToMerge &&
          all.reduce((sum, { rows }) => sum + rows, 0) <= policy.RowCountUpperBoundForMerge &&
          all.reduce((sum, { originalBytes }) => sum + originalBytes, 0) <= mostBytes &&
          last - before[0]!.minCreatedOn <= range
        );
      }),
    )
    .filter((group) => group.length > 1);
}

function lookbackOf({ Lookback }: MergePolicy): bigint {
  if (Lookback.Kind === "Custom") return timespanOf(Lookback.CustomPeriod ?? "") ?? defaultLookback;
  return Lookback.Kind === "Default" ? defaultLookback : 10_000n * 365n * ticksPerDay;
}

/** Merges what a table's policy lets merge. */
export async function mergeTable(catalogue: Catalogue, database: Database, table: StoredTable): Promise<Succession[]> {
  // Asked twice, so that a table with nothing to do costs no transaction, and a queue before it costs no mistake.
  const groups = () => mergeableByPolicy(catalogue, database, table);
  return groups().length === 0 ? [] : mergeExtents(catalogue, table, groups);
}

export interface TagRetention {
  readonly TagPrefix: string;
  readonly RetentionPeriod: string;
}

/** Removes the tags whose time is over by the policy "extent_tags_retention", counted from when the extent was made. */
export async function dropOldTags(catalogue: Catalogue, database: Database, table: StoredTable): Promise<Succession[]> {
  const text = policyOf(database, table, "extent_tags_retention");
  const rules = text === undefined ? [] : (JSON.parse(text) as TagRetention[]);
  if (rules.length === 0) return [];
  const now = catalogue.clock.ticks();
  const kept = ({ tags, maxCreatedOn }: Extent) =>
    tags.filter(
      (tag) =>
        !rules.some(
          (rule) => tag.startsWith(rule.TagPrefix) && now - maxCreatedOn > (timespanOf(rule.RetentionPeriod) ?? now),
        ),
    );
  const hasOld = (extent: Extent) => kept(extent).length < extent.tags.length;
  if (![...table.extents.values()].some(hasOld)) return [];
  return retagExtents(catalogue, table, hasOld, kept);
}

/** The upkeep of all tables. */
export interface Maintenance {
  /** Looks at every table once, now. */
  run(): Promise<void>;
  close(): Promise<void>;
}

/** Drops what is over its time, merges extents and drops old tags, every so many milliseconds of the emulator's clock; 0 is never. */
export function startMaintenance(
  catalogue: Catalogue,
  everyMs: number,
  onFailure: (database: Database, reason: string) => void = () => {},
): Maintenance {
  const stop = new AbortController();
  const run = async () => {
    for (const database of catalogue.databases.values())
      for (const table of [...database.tables.values()]) {
        if (stop.signal.aborted) return;
        try {
          await dropExpiredTable(catalogue, database, table);
          if (table.dropped) continue;
          await dropOldExtents(catalogue, database, table);
          await dropOldTags(catalogue, database, table);
          await mergeTable(catalogue, database, table);
        } catch (error) {
          // The next round tries again; a table that was dropped meanwhile is no failure.
          if (!table.dropped) onFailure(database, reasonOf(error));
        }
      }
  };
  const loop = async () => {
    while (everyMs > 0 && !stop.signal.aborted) {
      await catalogue.clock.wait(everyMs, stop.signal);
      await run();
    }
  };
  const ended = loop().catch(() => {}); // only the wait throws, when it is told to stop
  return {
    run,
    async close() {
      stop.abort();
      await ended;
    },
  };
}
