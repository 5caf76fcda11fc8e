import type { Chunk, SpareBuffers } from "../encode/chunk.ts";
import type { BatchLimits, GzipLevel } from "../encode/encoder.ts";
import type { RawSlab, RawTally } from "../encode/raw-slab.ts";
import type { Table } from "../schema/table.ts";
import type { SealedBatch, SealReason } from "./sealed-batch.ts";
import type { SubtaskPlan } from "./subtask.ts";

/** What a worker is started with. Columns carry functions, so only the table's plain part crosses. */
export interface SubtaskStart {
  readonly plan: SubtaskPlan;
  readonly table: Pick<Table, "name" | "list">;
  readonly limits: BatchLimits;
  readonly gzipLevel: GzipLevel;
  /** The module's bytes; undefined where WebAssembly is refused, and the JavaScript encoder works instead. */
  readonly wasm: Uint8Array | undefined;
}

export type ToSubtask =
  | { readonly do: "encode"; readonly chunk: Chunk; readonly openedAt: number }
  | { readonly do: "encodeRaw"; readonly slab: RawSlab; readonly openedAt: number }
  | { readonly do: "seal"; readonly reason: SealReason };

/** What every answer tells of the open batch. */
export interface OpenBatch {
  readonly openRows: number;
  readonly openSince: number;
}

/** Answers come in the order of the requests. */
export type FromSubtask =
  | { readonly did: "sealed"; readonly batch: SealedBatch }
  | { readonly did: "encode"; readonly spare: SpareBuffers; readonly open: OpenBatch }
  | { readonly did: "encodeRaw"; readonly spare: ArrayBuffer; readonly tally: RawTally; readonly open: OpenBatch }
  | { readonly did: "seal"; readonly open: OpenBatch };
