// The emulator as any client knows it: /v1/rest/mgmt and /v2/rest/query, and what the editor asks at /page/kql.
import { parsed } from "./values.js";

/** @typedef {import("./values.js").Table} Table */
/** @typedef {{ table: Table, visualization?: Record<string, unknown> }} Answer */
/** @typedef {{ signal?: AbortSignal | undefined, isRefresh?: boolean }} Asking */

/** A refusal in the service's words. */
export class Refusal extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** A page holds no more of an answer. */
const largestAnswer = 64_000_000;
const tokenKey = "millrace-token";

export const hasToken = () => sessionStorage.getItem(tokenKey) !== null;

/** @param {string} token */
export const useToken = (token) => sessionStorage.setItem(tokenKey, token.replace(/^bearer\s+/i, "").trim());

/** Whether the emulator refused because of who asks. @param {unknown} error */
export const wantsLogin = (error) => error instanceof Refusal && error.status === 401;

/**
 * Runs a query or a command.
 *
 * @param {string} db
 * @param {string} csl
 * @param {Asking} [asking]
 * @returns {Promise<Answer>}
 */
export async function run(db, csl, asking = {}) {
  if (/^\s*\./.test(csl)) {
    const { Tables } = await send("/v1/rest/mgmt", { db, csl }, asking);
    return { table: tableOf(Tables[0]) };
  }
  /** @type {any[]} */
  const frames = await send("/v2/rest/query", { db, csl }, asking);
  const failed = frames.find(({ HasErrors }) => HasErrors);
  if (failed) throw new Refusal(failed.OneApiErrors?.[0]?.error?.["@message"] ?? "The query failed.", 200);
  const result = frames.find(({ TableKind }) => TableKind === "PrimaryResult");
  const properties = frames.find(({ TableKind }) => TableKind === "QueryProperties");
  const drawing = properties?.Rows.find((/** @type {unknown[]} */ row) => row[1] === "Visualization")?.[2];
  const visualization = typeof drawing === "string" ? JSON.parse(drawing) : drawing;
  return { table: tableOf(result), ...(visualization ? { visualization } : {}) };
}

/** The rows of a command or query as objects. @param {string} db @param {string} csl @param {Asking} [asking] */
export async function records(db, csl, asking) {
  const { columns, rows } = (await run(db, csl, asking)).table;
  return rows.map(
    (row) =>
      /** @type {Record<string, any>} */ (Object.fromEntries(columns.map(({ name }, index) => [name, row[index]]))),
  );
}

/**
 * @param {{ db: string, text: string, at?: number }} request
 * @param {AbortSignal} signal
 */
export const askEditor = (request, signal) => send("/page/kql", request, { signal, isRefresh: true });

/** @param {any} table @returns {Table} */
function tableOf({ Columns, Rows }) {
  const columns = Columns.map((/** @type {any} */ { ColumnName, ColumnType }) => ({
    name: ColumnName,
    type: ColumnType,
  }));
  return { columns, rows: Rows };
}

/** @param {string} path @param {object} body @param {Asking} asking @returns {Promise<any>} */
async function send(path, body, { signal, isRefresh = false }) {
  const token = sessionStorage.getItem(tokenKey);
  const response = await fetch(path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      // What the page looks up by itself must not meet the faults that are meant for clients.
      "x-ms-app": isRefresh ? "Millrace.Page.Refresh" : "Millrace.Page",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
  const text = await textOf(response);
  if (response.status === 200) return parsed(text);
  throw new Refusal(messageIn(text) ?? `The emulator answered ${response.status}.`, response.status);
}

/** @param {Response} response */
async function textOf(response) {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder();
  let [text, length] = ["", 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    length += value.length;
    if (length > largestAnswer) {
      await reader.cancel();
      throw new Refusal(
        "The answer is larger than 64 MB, which is more than this page holds. Put `| take 10000` behind the query.",
        200,
      );
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** @param {string} text @returns {string | undefined} */
function messageIn(text) {
  try {
    const { error } = JSON.parse(text);
    return error["@message"] ?? error.message;
  } catch {
    return undefined;
  }
}
