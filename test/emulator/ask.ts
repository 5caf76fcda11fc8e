import type { Emulator } from "../../src/emulator/index.ts";

/** A table of an answer as it came over the wire: names and types of its columns, and the text of its rows. */
export interface Answered {
  readonly columns: string;
  readonly rows: string;
}

export interface Refused {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly permanent: boolean;
  readonly retryAfter: string | null;
}

async function post(emulator: Emulator, path: string, csl: string, db: string): Promise<Response> {
  return fetch(`${emulator.url}${path}`, { method: "POST", body: JSON.stringify({ db, csl }) });
}

/** The text of the first result, rows word for word: JSON.parse would round a long. */
export async function ask(emulator: Emulator, csl: string, db = "demo"): Promise<Answered> {
  const isCommand = csl.trimStart().startsWith(".");
  const response = await post(emulator, isCommand ? "/v1/rest/mgmt" : "/v1/rest/query", csl, db);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${csl}: ${response.status} ${text}`);
  const found = /"Columns":(\[.*?\]),"Rows":(\[.*?\])\}(?:,\{"TableName":"Table_1"|\]\}$)/s.exec(text);
  if (!found) throw new Error(`${csl}: not an answer: ${text}`);
  const columns = JSON.parse(found[1]!) as { ColumnName: string; ColumnType: string }[];
  return {
    columns: columns.map(({ ColumnName, ColumnType }) => `${ColumnName}:${ColumnType}`).join(","),
    rows: found[2]!,
  };
}

/** The rows of the first result, parsed. */
export async function rowsOf(emulator: Emulator, csl: string, db = "demo"): Promise<unknown[][]> {
  return JSON.parse((await ask(emulator, csl, db)).rows) as unknown[][];
}

/** The refusal that a query or command meets. */
export async function refusal(emulator: Emulator, csl: string, db = "demo"): Promise<Refused> {
  const response = await post(emulator, csl.trimStart().startsWith(".") ? "/v1/rest/mgmt" : "/v2/rest/query", csl, db);
  const text = await response.text();
  if (response.status === 200) throw new Error(`${csl}: was answered: ${text}`);
  const { error } = JSON.parse(text) as { error: Record<string, unknown> };
  return {
    status: response.status,
    code: String(error.code),
    message: String(error["@message"]),
    permanent: error["@permanent"] === true,
    retryAfter: response.headers.get("retry-after"),
  };
}

/** Asks until the rows satisfy, for at most `forMs`. */
export async function until<T>(get: () => Promise<T>, isThere: (value: T) => boolean, forMs = 30_000): Promise<T> {
  const end = Date.now() + forMs;
  for (;;) {
    const value = await get();
    if (isThere(value)) return value;
    if (Date.now() > end) throw new Error(`Waited ${forMs} ms in vain; last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
