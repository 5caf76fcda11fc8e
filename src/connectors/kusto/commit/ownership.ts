import { MillraceError } from "../../../errors.ts";
import type { EpochSession } from "./epoch-session.ts";
import type { KustoEpoch } from "./kusto-epoch.ts";

/**
 * Does the target hold this epoch? Asked before every commit: another process with a copy of the state may have committed it,
 * or another epoch of its number.
 *
 * @param isPrompt no commit that is under way is waited for
 * @throws MillraceError STATE_FENCED when the target holds another epoch of this number.
 */
export async function isInTarget(
  epoch: KustoEpoch,
  session: EpochSession,
  signal: AbortSignal,
  isPrompt = false,
): Promise<boolean> {
  const tags = await session.tagsUnder(`${epoch.claim}/`, signal, isPrompt);
  const other = tags.find((tag) => tag !== epoch.tag && !tag.startsWith(`${epoch.tag}/`));
  if (other === undefined) return tags.length > 0;
  throw new MillraceError(
    "STATE_FENCED",
    `The target holds another epoch ${epoch.prepared.epoch} of this job (${other}): a process with another copy of the state committed it, so this one ends. Start with the newest copy; see docs/exactly-once.md, "Backups, copies and clones".`,
    { context: { epoch: epoch.prepared.epoch } },
  );
}
