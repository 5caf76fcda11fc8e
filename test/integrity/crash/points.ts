/**
 * Where a process is killed. The numbers are those of the table in docs/exactly-once.md. A point is an act of one of the
 * ports that the writer stands on; it is killed at the n-th time that it comes there.
 */
export const killPoints = {
  "records buffered": [1],
  "log: half of a batch written": [2],
  "log: a batch written": [2],
  "log: synced": [1],
  "journal: half of a decision written": [4],
  "journal: a decision written": [4],
  "journal: a decision synced in one copy": [4],
  "PREPARED stored": [5, 6],
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
  "COMMITTED stored": [16],
  "segment removed": [16],
  "epoch forgotten": [16],
  "target asked": [13],
  "staging made": [17],
  "any moment": [1],
} as const satisfies Readonly<Record<string, readonly number[]>>;

export type KillPoint = keyof typeof killPoints;

/** What the child is told, as JSON in its environment. */
export interface ChildPlan {
  readonly cluster: string;
  readonly database: string;
  readonly table: string;
  readonly state: string;
  readonly job: string;
  readonly source: string;
  readonly deadLetter: string;
  readonly mode: "move" | "append" | "tag" | "at-least-once";
  readonly parallelism: number;
  /** Between two slices of the source. A source that others fill is as slow. */
  readonly sliceMs: number;
  readonly attemptTimeoutMs: number;
  readonly blobBytesLimit: number;
  readonly kill: { readonly point: KillPoint; readonly nth: number; readonly afterMs: number } | undefined;
  /** How often the disk says that it is full. */
  readonly fullDisk: number;
}
