import type { Database, StoredTable } from "../engine/entities.ts";
import { KustoError } from "../kusto-error.ts";
import { timespanOf } from "../values/text-values.ts";
import { timespanText } from "../values/ticks.ts";

/** When a batch of blobs is sealed: whichever bound is reached first. */
export interface BatchingPolicy {
  readonly timeMs: number;
  readonly items: number;
  /** Uncompressed bytes. */
  readonly rawBytes: number;
}

/** Under this name a policy is kept with its table or database. */
export const batchingPolicy = "ingestionbatching";

export const mebibyte = 1_048_576;

/** The service's own (documentation, "Ingestion batching policy": defaults and limits). */
export const defaultBatching: BatchingPolicy = { timeMs: 300_000, items: 500, rawBytes: 1024 * mebibyte };

interface Member {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  readonly read: (value: unknown) => number | undefined;
}

const members: Readonly<Record<keyof BatchingPolicy, Member>> = {
  timeMs: {
    name: "MaximumBatchingTimeSpan",
    least: 10_000,
    most: 1_800_000,
    unit: "a timespan from 00:00:10 to 00:30:00",
    read: (value) => {
      const ticks = typeof value === "string" ? timespanOf(value) : null;
      return ticks === null ? undefined : Number(ticks / 10_000n);
    },
  },
  items: {
    name: "MaximumNumberOfItems",
    least: 1,
    most: 25_000,
    unit: "a whole number from 1 to 25000",
    read: wholeNumber,
  },
  rawBytes: {
    name: "MaximumRawDataSizeMB",
    least: 100 * mebibyte,
    most: 4096 * mebibyte,
    unit: "a whole number from 100 to 4096",
    read: (value) => {
      const megabytes = wholeNumber(value);
      return megabytes === undefined ? undefined : megabytes * mebibyte;
    },
  },
};

function wholeNumber(value: unknown): number | undefined {
  return Number.isInteger(value) ? (value as number) : undefined;
}

/**
 * Reads a policy object; members that it does not have are those of `otherwise`. `null` takes the policy away.
 *
 * @throws KustoError where it is no policy, or a bound is outside of the service's limits.
 */
export function parseBatchingPolicy(text: string, otherwise = defaultBatching): BatchingPolicy | undefined {
  const given = parsed(text);
  if (given === null) return undefined;
  const lower = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
  const policy: { -readonly [name in keyof BatchingPolicy]: number } = { ...otherwise };
  for (const [key, { name, least, most, unit, read }] of Object.entries(members) as [keyof BatchingPolicy, Member][]) {
    const value = lower.get(name.toLowerCase());
    if (value === undefined || value === null) continue;
    const bound = read(value);
    if (bound === undefined || bound < least || bound > most)
      throw new KustoError(`IngestionBatching policy: ${name} must be ${unit}, not ${JSON.stringify(value)}.`);
    policy[key] = bound;
  }
  return policy;
}

function parsed(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && !Array.isArray(value)) return value;
  } catch {
    // Told below.
  }
  throw new KustoError("The IngestionBatching policy must be a JSON object or null.");
}

/** The policy as commands show it. */
export function batchingPolicyText({ timeMs, items, rawBytes }: BatchingPolicy): string {
  return JSON.stringify({
    MaximumBatchingTimeSpan: timespanText(BigInt(timeMs) * 10_000n),
    MaximumNumberOfItems: items,
    MaximumRawDataSizeMB: Math.round(rawBytes / mebibyte),
  });
}

/** The policy that holds for a table: its own, else its database's, else `otherwise`. */
export function effectiveBatching(
  database: Database | undefined,
  table: StoredTable | undefined,
  otherwise: BatchingPolicy,
): BatchingPolicy {
  const text = table?.policies.get(batchingPolicy) ?? database?.policies.get(batchingPolicy);
  return text === undefined ? otherwise : (parseBatchingPolicy(text) ?? otherwise);
}
