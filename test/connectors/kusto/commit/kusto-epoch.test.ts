import assert from "node:assert/strict";
import { test } from "node:test";
import type { EpochHandle, EpochProgress } from "../../../../src/checkpoint/epoch.ts";
import { type KustoProgress, kustoEpoch } from "../../../../src/connectors/kusto/commit/kusto-epoch.ts";

const steps = ["PREPARED", "SUBMITTED", "LANDED", "MOVING", "COMMITTED"] as const;

/** A step of an attempt, with all that any step has. */
const at = (step: (typeof steps)[number], attempt: number) =>
  ({ step, attempt, blobs: [], sentAt: 0, extents: [], rows: 0 }) as unknown as KustoProgress;

/** The steps that docs/exactly-once.md allows, each with the attempt that may come after attempt 3. */
const allowed = new Set([
  ...["PREPARED>COMMITTED", "SUBMITTED>SUBMITTED 4", "SUBMITTED>LANDED 3", "SUBMITTED>COMMITTED"],
  ...["LANDED>SUBMITTED 4", "LANDED>MOVING 3", "LANDED>COMMITTED", "MOVING>SUBMITTED 4", "MOVING>MOVING 3"],
  ...["MOVING>COMMITTED", "PREPARED>SUBMITTED 1"],
]);

test("an epoch takes no step but those of the protocol, and nothing of another step is stored", async () => {
  for (const from of steps)
    for (const to of steps)
      for (const attempt of [1, 2, 3, 4, 5]) {
        const name = to === "PREPARED" || to === "COMMITTED" ? `${from}>${to}` : `${from}>${to} ${attempt}`;
        const stored: EpochProgress[] = [];
        const detail = at(from, 3);
        const handle = {
          prepared: { epoch: 7 },
          job: { name: "j", id: "i" },
          progress: from === "PREPARED" || from === "COMMITTED" ? { state: from } : { state: "IN_DOUBT", detail },
          advance: async (progress: EpochProgress) => void stored.push(progress),
        } as unknown as EpochHandle;
        const step = kustoEpoch(handle, "T").advance(at(to, attempt));
        if (allowed.has(name)) await step;
        else await assert.rejects(step, { code: "INTERNAL", message: /^Epoch 7: / }, name);
        assert.equal(stored.length, allowed.has(name) ? 1 : 0, name);
      }
});
