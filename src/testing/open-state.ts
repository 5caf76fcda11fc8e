import { gzipSync } from "node:zlib";
import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { StateLease } from "../checkpoint/state-backend.ts";
import { isCode } from "../errors.ts";
import { CannotCheck, type RuleContext } from "./rule.ts";
import type { StateUnderTest } from "./state-under-test.ts";

const never = new AbortController().signal;

/** Opens the state as a process does that finds the lease free. */
export async function openState(subject: StateUnderTest, { after }: RuleContext): Promise<StateLease> {
  const lease = await subject.state().open(never);
  after(() => lease.close().catch(() => {}));
  return lease;
}

/** Opens the state though another process has it open: that one was paused, and an operator took its lease away. */
export async function takeOver(subject: StateUnderTest, context: RuleContext): Promise<StateLease> {
  await subject.breakLease?.();
  return openState(subject, context).catch((error: unknown) => {
    if (subject.breakLease || !isCode(error, "STATE_IN_USE")) throw error;
    throw new CannotCheck("the state refuses a second opening (STATE_IN_USE), and breakLease() is not given");
  });
}

/** A batch as a sink seals it, of so many bytes before packing, in several parts. */
export function batchOf(id: string, bytes = 1_000): SealedBatch {
  const line = `${id},${"x".repeat(50)}\n`;
  const rows = Math.max(1, Math.ceil(bytes / line.length));
  const packed = gzipSync(line.repeat(rows), { level: 0 });
  const cut = packed.length >> 1;
  return {
    ...{ id, table: "Contract", format: "csv", rows, rawBytes: line.length * rows },
    ...{ parts: [packed.subarray(0, cut), packed.subarray(cut)], packedBytes: packed.length },
    ...{ subtask: 0, firstRecord: 0, lastRecord: rows - 1, sealedBy: "flush" },
  } as SealedBatch;
}

export function bytesOf({ parts }: SealedBatch): Buffer {
  return Buffer.concat(parts);
}
