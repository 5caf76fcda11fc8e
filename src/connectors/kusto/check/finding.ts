import type { CheckItem } from "../../../destination/destination.ts";

/** What a look came to; the name is the item's. */
export type Finding = Omit<CheckItem, "name">;

export const ok = (message: string): Finding => ({ status: "ok", message });
export const warning = (message: string, fix: string): Finding => ({ status: "warning", message, fix });
export const failed = (code: NonNullable<CheckItem["code"]>, message: string, fix: string): Finding => ({
  status: "failed",
  message,
  fix,
  code,
});
export const notReached = (first: string): Finding => ({ status: "not reached", message: `${first} comes first.` });

/** Names for a sentence, the first few of many. */
export function listed(names: readonly string[], most = 8): string {
  const rest = names.length - most;
  return rest > 0 ? `${names.slice(0, most).join(", ")} and ${rest} more` : names.join(", ");
}
