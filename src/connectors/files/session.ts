import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import type { DestinationSession, StagedBatch } from "../../destination/destination.ts";
import { MillraceError } from "../../errors.ts";
import { batchStem } from "./file-names.ts";
import { extensionOf } from "./layout.ts";
import { type Layout, removeDraft, writeDraft } from "./parts.ts";
import { filesOf, type Move, publish, type TargetFolder } from "./target-folder.ts";

/**
 * Delivery at least once: each batch becomes a file, or one for each of its folders. Its name is the batch's, so a batch that is sent
 * again takes the place of itself, as long as nobody has taken the file away.
 */
export function fileSession(target: TargetFolder, layout: Layout): DestinationSession<"gzip" | "plain"> {
  /** Temporary names that this process has renamed. */
  const renamed = new Set<string>();

  return {
    keepsNoParts: true,
    async stage(batch, signal) {
      const { parts: pieces, id, rows, rawBytes } = batch;
      const draft = `${id}-${randomBytes(6).toString("hex")}`;
      const path = join(target.parts, draft);
      const whole = { ...batch, parts: async () => pieces };
      const { parts, refused } = await writeDraft(target.disk, path, layout, [whole], signal);
      const [first] = refused[id] ?? [];
      if (first) {
        await removeDraft(target.disk, path).catch(() => {});
        throw new MillraceError("INGESTION_FAILED", `Row ${first.row} of batch ${id} has no folder: ${first.reason}.`, {
          context: { table: layout.table, batch: id, row: first.row },
        });
      }
      const moves = parts.map(({ name, folder }, part): Move => {
        const file = `${batchStem(layout.table, id)}${parts.length > 1 ? `-${part}` : ""}${extensionOf(layout)}`;
        return { temporary: `${draft}/${name}`, name: folder === "" ? file : `${folder}/${file}` };
      });
      return { id, place: JSON.stringify(moves), rows, rawBytes };
    },
    async submit(staged) {
      const moves = movesOf(staged);
      const drafts = new Set(moves.map(({ temporary }) => dirname(temporary)));
      const there = (await Promise.all([...drafts].map((draft) => filesOf(target, draft)))).flat();
      const missing = moves.find(({ temporary }) => !renamed.has(temporary) && !there.includes(temporary));
      if (missing)
        throw new MillraceError("PLACE_GONE", `${join(target.parts, missing.temporary)} is gone.`, { retryable: true });
      await publish(target, moves, ({ temporary }) => renamed.add(temporary));
      for (const { temporary } of moves) renamed.delete(temporary);
      await removeDrafts(staged).catch(() => {});
    },
    async outcomes(ids) {
      return ids.map((id) => ({ id, status: "landed" as const }));
    },
    async close() {},
  };

  /** Drafts of this batch: this one, and those that were cut short, by this process or one before it. What is left harms nobody. */
  async function removeDrafts({ id }: StagedBatch): Promise<void> {
    for (const name of await target.disk.list(target.parts))
      if (name.startsWith(`${id}-`)) await removeDraft(target.disk, join(target.parts, name));
  }
}

function movesOf({ place }: StagedBatch): readonly Move[] {
  return JSON.parse(place);
}
