import { quoteName } from "../../../schema/kql.ts";
import { columnOf } from "../answer.ts";
import type { KustoClient } from "../client.ts";
import { readAnswer } from "../errors.ts";

/** A policy as `.show` gives it, parsed; null where nothing is set. */
export type Policy = Readonly<Record<string, unknown>> | readonly unknown[] | null;

/** The table's policy, else its database's; null where nothing is set. */
export async function policyOf(
  engine: KustoClient,
  database: string,
  table: string,
  kind: string,
  signal: AbortSignal,
): Promise<Policy> {
  for (const place of [`table ${quoteName(table)}`, `database ${quoteName(database)}`]) {
    const text = textOf(columnOf(await engine.execute(database, `.show ${place} policy ${kind}`, signal), "Policy")[0]);
    const policy: unknown = text === "" ? null : readAnswer(`Reading policy ${kind}`, () => JSON.parse(text));
    if (policy !== null && typeof policy === "object") return policy as Policy;
  }
  return null;
}

/** JSON that is shown as text, or as the value that it is. */
export function textOf(cell: unknown): string {
  return typeof cell === "string" ? cell : JSON.stringify(cell ?? null, numbersOnly);
}

/** JSON.stringify refuses the bigints of an answer. */
const numbersOnly = (_name: string, value: unknown) => (typeof value === "bigint" ? Number(value) : value);

/** The timespan `[d.]hh:mm:ss[.fffffff]` in milliseconds; undefined where it is none. */
export function timespanMs(text: unknown): number | undefined {
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?$/.exec(String(text ?? ""));
  if (!match) return undefined;
  const [days = 0, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return (((days * 24 + hours!) * 60 + minutes!) * 60 + seconds!) * 1_000;
}
