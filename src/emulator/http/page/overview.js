// What there is: databases and tables, and what happened lately. All of it by commands that any client can send.
import { element } from "./elements.js";
import { Refusal, records } from "./service.js";
import { ageText, bytesText, countText, kqlName, valueText } from "./values.js";

/** @typedef {Record<string, any>} Row */
/** @typedef {Row[] & { refusal?: string }} Rows */
/** @typedef {{ name: string, tables: Rows, extents: Rows }} Database */
/** @typedef {{ now: number, databases: Database[], failures: Rows, operations: Rows }} Overview */

const mostListed = 50;

/** @type {Map<string, { signature: string, extents: Rows }>} */
const seen = new Map();

/** @param {AbortSignal} signal @returns {Promise<Overview>} */
export async function lookAround(signal) {
  const asking = { signal, isRefresh: true };
  const databases = await records("NetDefaultDB", ".show databases", asking);
  const names = databases.map(({ DatabaseName }) => String(DatabaseName));
  const main = names[0] ?? "NetDefaultDB";
  const [time, failures, operations, ...found] = await Promise.all([
    granted(main, "print Now = now()", asking),
    granted(main, ".show ingestion failures", asking),
    granted(main, ".show operations", asking),
    ...names.map((name) => databaseOf(name, asking)),
  ]);
  return {
    now: time[0] ? Date.parse(time[0].Now) : Date.now(),
    databases: found,
    failures: latest(failures, "FailedOn"),
    operations: latest(operations, "StartedOn"),
  };
}

/**
 * The rows of a command; where whoever is logged in may not see them, none and the reason.
 *
 * @param {string} db
 * @param {string} csl
 * @param {import("./service.js").Asking} asking
 * @returns {Promise<Rows>}
 */
async function granted(db, csl, asking) {
  try {
    return await records(db, csl, asking);
  } catch (error) {
    if (error instanceof Refusal && error.status === 403) return Object.assign([], { refusal: error.message });
    throw error;
  }
}

/** @param {string} name @param {import("./service.js").Asking} asking @returns {Promise<Database>} */
async function databaseOf(name, asking) {
  const tables = await granted(name, ".show tables details", asking);
  // The list of all extents may be long; it is asked for where something has changed.
  const signature = valueText(
    tables.map((row) => [row.TableName, row.TotalExtents, row.TotalRowCount, row.MaxExtentsCreationTime]),
  );
  const before = seen.get(name);
  if (before?.signature === signature) return { name, tables, extents: before.extents };
  const extents = latest(await granted(name, ".show database extents", asking), "MaxCreatedOn");
  seen.set(name, { signature, extents });
  return { name, tables, extents };
}

/** @param {Rows} rows @param {string} column @returns {Rows} */
function latest(rows, column) {
  rows.sort((a, b) => (valueText(a[column]) < valueText(b[column]) ? 1 : -1));
  rows.length = Math.min(rows.length, mostListed);
  return rows;
}

/** @param {number} now @param {unknown} datetime */
const age = (now, datetime) =>
  element(
    "time",
    { title: valueText(datetime), datetime: valueText(datetime) },
    datetime ? ageText(now - Date.parse(String(datetime))) : "never",
  );

/** @param {string} text @param {string} [title] */
const number = (text, title) => element("td", { class: "number", title }, text);

/** @param {string[]} names */
const head = (names) =>
  element(
    "thead",
    {},
    element(
      "tr",
      {},
      ...names.map((name) =>
        element("th", { scope: "col", class: name.startsWith("#") && "number" }, name.replace("#", "")),
      ),
    ),
  );

/**
 * @param {Overview} overview
 * @param {(database: string, table: string) => void} ask
 */
export function tablesOf({ now, databases }, ask) {
  const used = databases.filter(({ name, tables }) => tables.length > 0 || name !== "NetDefaultDB");
  return used.flatMap(({ name, tables }) => {
    const rows = tables.reduce((sum, { TotalRowCount }) => sum + Number(TotalRowCount), 0);
    const title = element(
      "h3",
      {},
      name,
      element("small", {}, `${amount(tables.length, "table")}, ${amount(rows, "row")}`),
    );
    if (tables.length === 0) return [title, element("p", { class: "none" }, tables.refusal ?? "No tables yet.")];
    const body = tables.map((table) =>
      element(
        "tr",
        {},
        element(
          "th",
          { scope: "row" },
          element(
            "button",
            {
              class: "name",
              title: `${table.TableName}: show a hundred rows`,
              onclick: () => ask(name, `${kqlName(table.TableName)}\n| take 100`),
            },
            table.TableName,
          ),
        ),
        number(countText(table.TotalRowCount)),
        number(countText(table.TotalExtents)),
        number(bytesText(table.TotalExtentSize), `${bytesText(table.TotalOriginalSize)} as it came`),
        element("td", { class: "number" }, age(now, table.MaxExtentsCreationTime)),
      ),
    );
    return [
      title,
      element(
        "div",
        { class: "scroll" },
        element(
          "table",
          {},
          head(["Table", "#Rows", "#Extents", "#Size", "#Last ingestion"]),
          element("tbody", {}, ...body),
        ),
      ),
    ];
  });
}

/** @param {number} count @param {string} what */
const amount = (count, what) => `${countText(count)} ${what}${count === 1 ? "" : "s"}`;

/** @typedef {{ key: string, title: string, count: number, none: string, table: () => HTMLElement }} Panel */

/** @param {Overview} overview @returns {Panel[]} */
export function panelsOf({ now, databases, failures, operations }) {
  const extents = latest(
    databases.flatMap((each) => each.extents),
    "MaxCreatedOn",
  );
  return [
    {
      key: "extents",
      title: "Ingestions",
      count: extents.length,
      none: databases.find((each) => each.extents.refusal)?.extents.refusal ?? "Nothing has been ingested yet.",
      table: () =>
        listOf(["When", "Table", "#Rows", "#Size", "Tags"], extents, (row) => [
          element("td", {}, age(now, row.MaxCreatedOn)),
          element("td", { title: `extent ${row.ExtentId}` }, `${row.DatabaseName}.${row.TableName}`),
          number(countText(row.RowCount)),
          number(bytesText(row.ExtentSize)),
          folded(row.Tags),
        ]),
    },
    {
      key: "failures",
      title: "Failures",
      count: failures.length,
      none: failures.refusal ?? "No ingestion has failed.",
      table: () =>
        listOf(["When", "Table", "Failure"], failures, (row) => [
          element("td", {}, age(now, row.FailedOn)),
          element("td", { title: `operation ${row.OperationId}` }, `${row.Database}.${row.Table}`),
          element(
            "td",
            { class: "wide" },
            element("strong", {}, row.ErrorCode),
            ` ${row.FailureKind}. `,
            row.Details,
            element("small", {}, withoutQuery(row.IngestionSourcePath)),
          ),
        ]),
    },
    {
      key: "operations",
      title: "Operations",
      count: operations.length,
      none: operations.refusal ?? "No command has been run as an operation.",
      table: () =>
        listOf(["When", "Operation", "State", "Status"], operations, (row) => [
          element("td", {}, age(now, row.StartedOn)),
          element("td", { title: row.OperationId }, `${row.Operation}${row.Database ? ` in ${row.Database}` : ""}`),
          element("td", { class: `state ${row.State}` }, row.State),
          folded(row.Status),
        ]),
    },
  ];
}

/** A blob's URL may have its SAS in it. @param {unknown} path */
const withoutQuery = (path) => valueText(path).replace(/[?;].*$/s, "");

/** @param {unknown} value */
const folded = (value) => element("td", { class: "folded", title: valueText(value) }, valueText(value));

/**
 * @param {string[]} names
 * @param {Row[]} rows
 * @param {(row: Row) => HTMLElement[]} cells
 */
const listOf = (names, rows, cells) =>
  element(
    "div",
    { class: "scroll" },
    element("table", {}, head(names), element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row))))),
  );
