import { nameOf } from "../../../deliver/held-epochs.ts";

/**
 * Extent tags of epochs: `millrace:<job>/<table>/<epoch>/<identity>/<attempt>[/<blob>]`, where `<job>` is `name.id` and `<identity>`
 * is `lineage.digest`. Epochs of states that an older version made have no identity. Plain tags, or `ingest-by:` ones.
 */
export interface EpochTag {
  readonly job: string;
  readonly epoch: number;
  /** Which opening of the state decided on the epoch: 12 hexadecimal digits. */
  readonly lineage: string | undefined;
}

/** What the tags of every job of this name begin with, whatever the id of its state. */
export function jobNamePrefix(name: string): string {
  return `millrace:${name}.`;
}

/** One epoch number of one job and table: of two epochs that claim it, at most one may be in the target. */
export function claimTag(job: string, table: string, epoch: number): string {
  return `millrace:${job}/${encodeURIComponent(table)}/${epoch}`;
}

/** The beginning of one job and table, whatever the id of the state. */
export function firstClaimTag(job: string, table: string): string {
  return `millrace:${nameOf(job)}/${encodeURIComponent(table)}/first`;
}

/** The claim that an epoch's tag belongs to. */
export function claimOf(tag: string): string {
  return tag.split("/", 3).join("/");
}

/** Reads a tag of one table; undefined where it is no epoch's, or another table's. */
export function epochTagOf(tag: string, table: string): EpochTag | undefined {
  const match =
    /^(?:ingest-by:)?millrace:([^/]*\.[0-9a-f]{12})\/([^/]*)\/(\d+)(?:\/([0-9a-f]{12})\.[0-9a-f]+)?(?:\/|$)/.exec(tag);
  if (!match || match[2] !== encodeURIComponent(table)) return undefined;
  return { job: match[1]!, epoch: Number(match[3]), lineage: match[4] };
}
