import assert from "node:assert/strict";
import { k, table } from "../schema/table.ts";
import type { ContractRow, DestinationUnderTest } from "./destination-under-test.ts";

export function tableOf({ table: name = "Contract" }: DestinationUnderTest) {
  return table(name, { n: k.long(), text: k.string() });
}

const texts = [
  "plain",
  'a "quote", a comma and a \\',
  "a line\nend",
  " spaces around ",
  "ümläut 漢字 \u2028 \ud83d\ude00",
  "'single', `back`, {\"json\": [1]}",
  "-1",
];

/** The record of this number: the same in every process. */
export function rowOf(n: number): ContractRow {
  return { n, text: `${texts[n % texts.length]} ${n}` };
}

export function rowsFrom(first: number, count: number): ContractRow[] {
  return Array.from({ length: count }, (_, i) => rowOf(first + i));
}

/** Fails unless the target has each of these rows, as it was written, and no other: `least` once, or exactly once. */
export async function assertRows(
  subject: DestinationUnderTest,
  expected: readonly ContractRow[],
  what: string,
  isLeast = false,
): Promise<void> {
  const found = await subject.rows();
  const counts = new Map(expected.map(({ n }) => [n, 0]));
  const texts = new Map(expected.map(({ n, text }) => [n, text]));
  const faults: string[] = [];
  for (const { n, text } of found) {
    const count = counts.get(n);
    if (count === undefined) faults.push(`row ${n} is not expected`);
    else if (text !== texts.get(n))
      faults.push(`row ${n} is ${JSON.stringify(text)}, not ${JSON.stringify(texts.get(n))}`);
    counts.set(n, (count ?? 0) + 1);
  }
  for (const [n, count] of counts) {
    if (count === 0) faults.push(`row ${n} is missing`);
    if (count > 1 && !isLeast && texts.has(n)) faults.push(`row ${n} is there ${count} times`);
  }
  if (faults.length > 0)
    assert.fail(
      `${what}: ${faults.slice(0, 5).join("; ")}${faults.length > 5 ? `; and ${faults.length - 5} more` : ""}`,
    );
}

/** Waits until the target has so many records, for as long as the patience lasts. */
export async function landed(subject: DestinationUnderTest, records: number, patienceMs: number): Promise<void> {
  const end = performance.now() + patienceMs;
  const found = async () => new Set((await subject.rows()).map(({ n }) => n)).size;
  while ((await found()) < records && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
}
