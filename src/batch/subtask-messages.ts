import type { BatchLimits, GzipLevel } from "../encode/encoder.ts";
import type { Payload } from "../encode/payload.ts";
import type { RawTally } from "../encode/raw-chunk.ts";
import type { Table } from "../schema/table.ts";
import type { Job, SubtaskProgress, SubtaskSegment } from "./job.ts";
import type { SubtaskPlan } from "./subtask.ts";

/** What a subtask is started with. Columns carry functions, so only the table's plain part crosses. */
export interface SubtaskStart {
  readonly plan: SubtaskPlan;
  readonly table: Pick<Table, "name" | "list">;
  readonly limits: BatchLimits;
  readonly gzipLevel: GzipLevel;
  /** Default "gzip". */
  readonly payload?: Payload;
  /** The module's bytes; undefined where WebAssembly is refused, and the JavaScript encoder works instead. */
  readonly wasm: Uint8Array | undefined;
}

/** Beside it, for a thread that takes over from one that died: what the open batch has already. */
export interface ThreadStart extends SubtaskStart {
  readonly open: { readonly rows: number; readonly rawBytes: number };
}

export type ToSubtask =
  | { readonly do: "encode"; readonly job: Job }
  | { readonly do: "cut" }
  /** The parts of a segment that was copied, to be filled again. */
  | { readonly do: "recycle"; readonly parts: Uint8Array<ArrayBuffer>[] };

/** "encoded" and "cut" are answers, in the order of the requests. */
export type FromSubtask =
  | { readonly did: "segment"; readonly segment: SubtaskSegment }
  | { readonly did: "encoded"; readonly tally: RawTally | undefined; readonly done: SubtaskProgress }
  | { readonly did: "cut"; readonly done: SubtaskProgress };

/** What a thread is started with: its first subtask. */
export interface WorkerData {
  readonly id: number;
  readonly start: ThreadStart;
}

/** Whom of a thread's subtasks a message is for. */
export interface ToThread {
  readonly id: number;
  readonly message:
    | ToSubtask
    /** One subtask more; with `isSameWasm` its module is that of the first. */
    | { readonly do: "open"; readonly start: ThreadStart; readonly isSameWasm: boolean }
    | { readonly do: "close" };
}

/** Whose message it is. Every request is answered, also one for a subtask that has failed or was closed. */
export interface FromThread {
  readonly id: number;
  readonly message: FromSubtask | { readonly did: "failed"; readonly error: Error } | { readonly did: "skipped" };
}
