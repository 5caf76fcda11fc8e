import type { FilesDestinationOptions } from "../../../src/index.ts";

/** Of the state, whatever the destination. */
const statePoints = {
  "records buffered": [1],
  "log: half of a batch written": [2],
  "log: a batch written": [2],
  "log: synced": [1],
  "journal: half of a decision written": [4],
  "journal: a decision written": [4],
  "journal: a decision synced in one copy": [4],
  "PREPARED stored": [5, 6],
} as const;

/** Behind the commit. */
const lastPoints = {
  "COMMITTED stored": [16],
  "segment removed": [16],
  "epoch forgotten": [16],
} as const;

/**
 * Where a process is killed. The numbers are those of the table in docs/exactly-once.md. A point is an act of one of the
 * ports that the writer stands on; it is killed at the n-th time that it comes there.
 */
export const killPoints = {
  ...statePoints,
  "SUBMITTED stored": [7],
  "upload begun": [3],
  "upload done": [3],
  "message begun": [7],
  "message posted": [7, 8],
  "arrival seen": [7],
  "LANDED stored": [12],
  "MOVING stored": [13],
  "commit begun": [13],
  "commit done": [14],
  ...lastPoints,
  "target asked": [13],
  "staging made": [17],
  "any moment": [1],
} as const satisfies Readonly<Record<string, readonly number[]>>;

/** The same for a folder of files, with the numbers of the table in docs/files-destination.md where they are not the state's. */
export const fileKillPoints = {
  ...statePoints,
  "part half written": [1],
  "part written": [1],
  "part synced": [2],
  "CLAIMING stored": [3],
  "first claim made": [4],
  "claim made": [4],
  "part renamed": [5],
  "draft removed": [7],
  ...lastPoints,
  "any moment": [1],
} as const satisfies Readonly<Record<string, readonly number[]>>;

export type KillPoint = keyof typeof killPoints | keyof typeof fileKillPoints;

export const destinations = ["kusto", "files"] as const;

export type CrashDestination = (typeof destinations)[number];

export const modes = {
  kusto: ["move", "append", "tag", "at-least-once"],
  files: ["exactly-once", "at-least-once"],
} as const;

export function pointsOf(destination: CrashDestination): readonly KillPoint[] {
  return Object.keys(destination === "files" ? fileKillPoints : killPoints) as KillPoint[];
}

/** What the child is told, as JSON in its environment. */
export interface ChildPlan {
  readonly destination: CrashDestination;
  /** The folder of the files. */
  readonly into: string;
  readonly format: "csv" | "ndjson";
  /** Of the files, drawn anew for each start but for the header. */
  readonly layout: FilesDestinationOptions;
  readonly cluster: string;
  readonly database: string;
  readonly table: string;
  readonly state: string;
  readonly job: string;
  readonly source: string;
  readonly deadLetter: string;
  readonly mode: (typeof modes)[CrashDestination][number];
  readonly parallelism: number;
  /** Between two slices of the source. A source that others fill is as slow. */
  readonly sliceMs: number;
  readonly attemptTimeoutMs: number;
  readonly blobBytesLimit: number;
  readonly kill: { readonly point: KillPoint; readonly nth: number; readonly afterMs: number } | undefined;
  /** How often the disk says that it is full. */
  readonly fullDisk: number;
}
