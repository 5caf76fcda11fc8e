import { seeded } from "../corpora/seeded.ts";

/** The columns of the table `E`, as Kusto and as DuckDB name their types. */
export const eventColumns: readonly { readonly name: string; readonly kind: string; readonly type: string }[] = [
  { name: "id", kind: "long", type: "BIGINT" },
  { name: "ts", kind: "datetime", type: "TIMESTAMP" },
  { name: "level", kind: "string", type: "VARCHAR" },
  { name: "host", kind: "string", type: "VARCHAR" },
  { name: "msg", kind: "string", type: "VARCHAR" },
  { name: "value", kind: "real", type: "DOUBLE" },
  { name: "n", kind: "int", type: "INTEGER" },
  { name: "flag", kind: "bool", type: "BOOLEAN" },
  { name: "d", kind: "dynamic", type: "JSON" },
];

const start = Date.UTC(2024, 0, 1);
const words = ["connection", "refused", "timeout", "retry", "request", "done", "slow", "cache", "miss"];

/** So many events as CSV: half a second apart, one in twenty without `n`, texts of five words, nested values. */
export function eventsCsv(count: number): string {
  const { next, below, pick } = seeded(1);
  const lines: string[] = [];
  for (let id = 0; id < count; id++) {
    const user = `user${below(50)}`;
    const n = below(1_000);
    const msg = [pick(["Disk", "disk", "Net"]), user, pick(words), pick(words), below(10_000)].join(" ");
    const d = JSON.stringify({ n, user: { name: user, admin: next() < 0.1 }, tags: [pick(words), pick(words)] });
    lines.push(
      [
        id,
        new Date(start + id * 500).toISOString(),
        pick(["info", "info", "info", "warn", "error"]),
        `host${below(100)}`,
        msg,
        next(),
        next() < 0.05 ? "" : n,
        next() < 0.5,
        `"${d.replaceAll('"', '""')}"`,
      ].join(","),
    );
  }
  return `${lines.join("\n")}\n`;
}
