import { badArgument, outOfRange, type Range } from "../../arguments.ts";
import { MillraceError } from "../../errors.ts";

/**
 * How an epoch becomes visible in the target, all of it at once:
 * - `move`: staged rows are moved by the ids of their extents. Rights: Table Admin on the target, Database User.
 * - `append`: one command appends the staged rows, under a tag that it first looks for. Rights: Table Ingestor on the
 *   target, Database Viewer and Database User.
 * - `tag`: blobs go straight into the target, each under a tag that the service looks for. Rights: Table Ingestor,
 *   Database Viewer. Once as far as the service's own check goes; and an epoch's blobs appear one by one.
 */
export type CommitMode = "move" | "append" | "tag";

/** How rows come into a table: the options of {@link kusto} beside those of the connection. */
export interface KustoIngestionOptions {
  /** Ask the service to skip its own aggregation: costly for it, use for tests and trickles. Default false; true with the preset "realtime". */
  flushImmediately?: boolean;
  /** The name of an ingestion mapping that exists in the database. Default none: CSV by order, NDJSON by name. */
  ingestionMappingRef?: string;
  /** Tags put on the extents with the prefix `ingest-by:`. Default none. */
  ingestByTags?: readonly string[];
  /** Tags put on the extents as they are. Default none. */
  additionalTags?: readonly string[];
  /**
   * Every blob's extents also bear the tag `millrace-batch:<source id>`, by which the rows of one batch can be found: one tag
   * per blob, so for looking into things rather than for years. Default false. Exactly once tags its extents in any case.
   */
  tagBatches?: boolean;
  /** Wait until the service reports each batch as loaded, not only as taken. Default false. */
  pollForIngestionStatus?: boolean;
  /** The longest pause between two looks at the status, in milliseconds; the first are shorter. Default 5 000. */
  pollIntervalMs?: number;
  /** The longest wait for a batch's status, in milliseconds. Default 300 000 (the connector's five minutes). */
  pollTimeoutMs?: number;
  /** How an epoch becomes visible, with exactly once: "move" (default), "append" or "tag". See {@link CommitMode}. */
  commitMode?: CommitMode;
  /**
   * Batches of a checkpoint share a blob up to so many uncompressed bytes, where they go through staging (exactly once by "move" or
   * "append"), for each blob becomes an extent; 1: none do. A larger batch is a blob of its own. Default 134 217 728 (128 MiB: Kusto wants
   * 100 MB and more, and four blobs are read and uploaded at once).
   */
  blobBytesLimit?: number;
  /**
   * How long the service may load nothing of an epoch, in milliseconds, before what is missing is sent again. Each further attempt has
   * twice as long, up to 48 hours, and a copy that was sent before counts when it comes. Default 1 200 000.
   */
  attemptTimeoutMs?: number;
}

/** The value of every option that is left out; `flushImmediately` follows the sink's preset. */
export const ingestionDefaults = {
  flushImmediately: undefined,
  ingestionMappingRef: undefined,
  ingestByTags: [],
  additionalTags: [],
  tagBatches: false,
  pollForIngestionStatus: false,
  pollIntervalMs: 5_000,
  pollTimeoutMs: 300_000,
  commitMode: "move",
  blobBytesLimit: 128 * 1024 ** 2,
  attemptTimeoutMs: 1_200_000,
} as const satisfies Record<keyof KustoIngestionOptions, unknown>;

/** Checked, with the defaults. */
export type Ingestion = {
  readonly [N in keyof typeof ingestionDefaults]: (typeof ingestionDefaults)[N] extends undefined
    ? KustoIngestionOptions[N]
    : NonNullable<KustoIngestionOptions[N]>;
};

export const ingestionOptionNames = Object.keys(ingestionDefaults) as readonly (keyof KustoIngestionOptions)[];

/** Least and greatest. All are whole. */
const ranges = {
  pollIntervalMs: [10, 3_600_000],
  pollTimeoutMs: [10, 7 * 24 * 3_600_000],
  blobBytesLimit: [1, 1024 ** 3],
  attemptTimeoutMs: [1, 7 * 24 * 3_600_000],
} as const satisfies Partial<Record<keyof Ingestion, Range>>;

const modes: readonly CommitMode[] = ["move", "append", "tag"];

/** @throws MillraceError BAD_OPTION naming the option, its value and what it takes. */
export function ingestionOf(options: KustoIngestionOptions, what: string): Ingestion {
  const given = ingestionOptionNames.filter((name) => options[name] !== undefined);
  const chosen: Ingestion = { ...ingestionDefaults, ...Object.fromEntries(given.map((name) => [name, options[name]])) };
  const refuse = (name: keyof Ingestion, takes: string): never => {
    throw badArgument(what, name, chosen[name], takes);
  };
  const beyond = outOfRange(chosen, ranges);
  if (beyond) refuse(beyond.name, beyond.takes);
  for (const name of ["flushImmediately", "tagBatches", "pollForIngestionStatus"] as const)
    if (chosen[name] !== undefined && typeof chosen[name] !== "boolean") refuse(name, "true or false");
  for (const name of ["ingestByTags", "additionalTags"] as const)
    if (!Array.isArray(chosen[name]) || chosen[name].some((tag) => typeof tag !== "string" || tag === ""))
      refuse(name, "a list of texts that are not empty");
  const { ingestionMappingRef, commitMode, pollForIngestionStatus, pollIntervalMs, pollTimeoutMs } = chosen;
  if (ingestionMappingRef !== undefined && (typeof ingestionMappingRef !== "string" || ingestionMappingRef === ""))
    refuse("ingestionMappingRef", "the name of a mapping");
  if (!modes.includes(commitMode)) refuse("commitMode", modes.join(", "));
  if (pollForIngestionStatus && pollIntervalMs > pollTimeoutMs)
    throw new MillraceError(
      "BAD_OPTION",
      `${what}: pollIntervalMs ${pollIntervalMs} is greater than pollTimeoutMs ${pollTimeoutMs}: the status would never be looked at.`,
      { context: { option: "pollIntervalMs" } },
    );
  return chosen;
}

/** Blobs ask to be loaded at once. */
export function isFlushed({ flushImmediately }: Ingestion, preset: string | undefined): boolean {
  return flushImmediately ?? preset === "realtime";
}
