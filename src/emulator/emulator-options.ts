import { badArgument, checkObject, checkOptionalSignal, checkPath, sortOf } from "../arguments.ts";
import { MillraceError } from "../errors.ts";
import { type CheckedSecurity, checkSecurity, type SecurityOptions } from "./security/security-options.ts";

/** Options of {@link startEmulator}. */
export interface EmulatorOptions {
  /** A directory for all that it holds, which survives a restart and a kill; default none: all is in memory. */
  readonly data?: string;
  /** TCP port of the Kusto endpoint on 127.0.0.1; default 0, a free one. */
  readonly port?: number;
  /** The databases to serve. Default `["NetDefaultDB", "demo"]`; NetDefaultDB is always there, for clients ask for it. */
  readonly databases?: readonly string[];
  /** Closes the emulator, also while it starts. */
  readonly signal?: AbortSignal;
  /**
   * How long blobs are batched before they are ingested, in milliseconds, where neither the table nor its database has an
   * ingestion batching policy; default 0, every blob by itself and at once. The service's default is 300 000.
   */
  readonly batchingTimeMs?: number;
  /** Storage accounts, each with its container and its ingestion queue; default 2, so that clients have a choice. */
  readonly storageAccounts?: number;
  /** Life of the SAS that clients are given, in milliseconds; default 24 hours. */
  readonly sasLifeMs?: number;
  /** How long a message of the ingestion queue is kept from a second reading, in milliseconds; default 600 000. */
  readonly visibilityTimeoutMs?: number;
  /** How long an ingested blob is kept, in milliseconds; default 60 000. */
  readonly blobRetentionMs?: number;
  /**
   * How often extents are merged and old tags removed, in milliseconds of the emulator's clock; default 60 000, and 0 is
   * never.
   */
  readonly maintenanceIntervalMs?: number;
  /** The Node.js executable that runs Azurite; default the running one, or `node` where that is another runtime. */
  readonly node?: string;
  /** Makes every request log in at an authority that the emulator starts too; default: everybody may do everything. */
  readonly security?: SecurityOptions;
}

export interface CheckedOptions {
  readonly data: string | undefined;
  readonly port: number;
  readonly databases: readonly string[];
  readonly signal: AbortSignal | undefined;
  readonly batchingTimeMs: number;
  readonly visibilityTimeoutMs: number;
  readonly storageAccounts: number;
  readonly sasLifeMs: number;
  readonly blobRetentionMs: number;
  readonly maintenanceIntervalMs: number;
  readonly node: string | undefined;
  readonly security: CheckedSecurity | undefined;
}

const alwaysThere = "NetDefaultDB";

const known = [
  "data",
  "port",
  "databases",
  "signal",
  "batchingTimeMs",
  "visibilityTimeoutMs",
  "storageAccounts",
  "sasLifeMs",
  "blobRetentionMs",
  "maintenanceIntervalMs",
  "node",
  "security",
];

/** Checks the options once. @throws MillraceError BAD_OPTION, naming the option. */
export function checkOptions(options: EmulatorOptions): CheckedOptions {
  checkObject("startEmulator()", "options", options);
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new MillraceError("BAD_OPTION", `Emulator option '${name}' is not known; there are: ${known.join(", ")}.`, {
        context: { option: name },
      });
  const databases = withDefault(options.databases, ["demo"]);
  if (!Array.isArray(databases)) throw badArgument("startEmulator()", "databases", databases, "a list of names");
  checkOptionalSignal("startEmulator()", "signal", options.signal);
  for (const name of databases)
    if (typeof name !== "string" || !/^[^\u0000-\u001f/\\]{1,260}$/.test(name) || name.trim() !== name)
      throw new MillraceError(
        "BAD_OPTION",
        `Emulator option 'databases': ${typeof name === "string" ? JSON.stringify(name) : sortOf(name)} is not a name of a database.`,
      );
  const isBun = "bun" in process.versions;
  if (options.data !== undefined) checkPath("startEmulator()", "data", options.data);
  if (options.node !== undefined) checkPath("startEmulator()", "node", options.node);
  return {
    data: options.data,
    port: wholeNumber("port", withDefault(options.port, 0), 0, 65_535),
    databases: [...new Map([alwaysThere, ...databases].map((name) => [name.toLowerCase(), name])).values()],
    signal: options.signal,
    batchingTimeMs: wholeNumber("batchingTimeMs", withDefault(options.batchingTimeMs, 0), 0, 86_400_000),
    visibilityTimeoutMs: wholeNumber(
      "visibilityTimeoutMs",
      withDefault(options.visibilityTimeoutMs, 600_000),
      1_000,
      86_400_000,
    ),
    storageAccounts: wholeNumber("storageAccounts", withDefault(options.storageAccounts, 2), 1, 16),
    sasLifeMs: wholeNumber("sasLifeMs", withDefault(options.sasLifeMs, 86_400_000), 1_000, 31_536_000_000),
    blobRetentionMs: wholeNumber("blobRetentionMs", withDefault(options.blobRetentionMs, 60_000), 0, 86_400_000),
    maintenanceIntervalMs: wholeNumber(
      "maintenanceIntervalMs",
      withDefault(options.maintenanceIntervalMs, 60_000),
      0,
      86_400_000,
    ),
    node: options.node ?? (isBun || "deno" in process.versions ? "node" : undefined),
    security: options.security === undefined ? undefined : checkSecurity(options.security),
  };
}

function wholeNumber(name: string, value: number, from: number, to: number): number {
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  throw new MillraceError(
    "BAD_OPTION",
    `Emulator option '${name}' must be a whole number from ${from} to ${to}, not ${typeof value === "number" ? value : sortOf(value)}.`,
    {
      context: { option: name },
    },
  );
}

/** null is no way to leave an option out. */
function withDefault<T>(value: T | undefined, otherwise: T): T {
  return value === undefined ? otherwise : value;
}
