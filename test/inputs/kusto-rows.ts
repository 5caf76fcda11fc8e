import { isBag, parseLossless } from "./json-values.ts";

export interface KustoTable {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Asks the emulator without our own client, and keeps every digit of the answer. */
export async function askKusto(url: string, csl: string): Promise<KustoTable> {
  const path = csl.startsWith(".") ? "/v1/rest/mgmt" : "/v1/rest/query";
  const response = await fetch(`${url}${path}`, { method: "POST", body: JSON.stringify({ db: "demo", csl }) });
  const text = await response.text();
  const answer = response.status === 200 ? parseLossless(text) : undefined;
  const tables = isBag(answer) ? answer.Tables : undefined;
  if (!Array.isArray(tables)) throw new Error(`${csl}: ${response.status} ${text.slice(0, 500)}`);
  const { Columns, Rows } = tables[0] as { Columns: { ColumnName: string; ColumnType: string }[]; Rows: unknown[][] };
  return { columns: Columns.map(({ ColumnName, ColumnType }) => ({ name: ColumnName, type: ColumnType })), rows: Rows };
}
