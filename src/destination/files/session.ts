import { randomBytes } from "node:crypto";
import { MillraceError } from "../../errors.ts";
import type { DestinationSession, StagedBatch } from "../destination.ts";
import { batchStem } from "./file-names.ts";
import { extensionOf } from "./layout.ts";
import { type Layout, writeParts } from "./parts.ts";
import { type Move, type Place, partsIn, publish } from "./place.ts";

/**
 * Delivery at least once: each batch becomes a file, or one for each of its folders. Its name is the batch's, so a batch that is sent
 * again takes the place of itself, as long as nobody has taken the file away.
 */
export function fileSession(place: Place, layout: Layout): DestinationSession {
  /** Temporary names that this process has renamed. */
  const renamed = new Set<string>();

  return {
    keepsNoParts: true,
    async stage(batch, signal) {
      const { parts: pieces, id, rows, rawBytes } = batch;
      const token = randomBytes(6).toString("hex");
      const shop = { disk: place.disk, parts: place.parts, nameOf: (part: number) => `${id}-${token}-${part}.part` };
      const { parts, refused } = await writeParts(shop, layout, [{ ...batch, parts: async () => pieces }], signal);
      const [first] = refused[id] ?? [];
      if (first) {
        for (const { temporary } of parts) await place.disk.remove(`${place.parts}/${temporary}`).catch(() => {});
        throw new MillraceError("INGESTION_FAILED", `Row ${first.row} of batch ${id} has no folder: ${first.reason}.`, {
          context: { table: layout.table, batch: id, row: first.row },
        });
      }
      const moves = parts.map(({ temporary, folder }, part): Move => {
        const file = `${batchStem(layout.table, id)}${parts.length > 1 ? `-${part}` : ""}${extensionOf(layout)}`;
        return { temporary, name: folder === "" ? file : `${folder}/${file}` };
      });
      return { id, place: JSON.stringify(moves), rows, rawBytes };
    },
    async submit(staged) {
      const moves = movesOf(staged);
      const there = await partsIn(place);
      const missing = moves.find(({ temporary }) => !renamed.has(temporary) && !there.includes(temporary));
      if (missing)
        throw new MillraceError("TARGET_UNWRITABLE", `${place.parts}/${missing.temporary} is gone.`, {
          retryable: true,
          context: { isPlaceGone: true },
        });
      await publish(place, moves, ({ temporary }) => renamed.add(temporary));
      for (const { temporary } of moves) renamed.delete(temporary);
      await removeOthers(staged);
    },
    async outcomes(ids) {
      return ids.map((id) => ({ id, status: "landed" as const }));
    },
    async close() {},
  };

  /** Parts of attempts at this batch that were cut short, by this process or one before it. */
  async function removeOthers({ id }: StagedBatch): Promise<void> {
    for (const name of await partsIn(place).catch(() => []))
      if (name.startsWith(`${id}-`)) await place.disk.remove(`${place.parts}/${name}`).catch(() => {});
  }
}

function movesOf({ place }: StagedBatch): readonly Move[] {
  return JSON.parse(place);
}
