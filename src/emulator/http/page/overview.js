// What there is: databases and tables, and what happened lately. All of it by commands that any client can send.
import { element } from "./elements.js";
import { Refusal, records } from "./service.js";
import { ageText, bytesText, countText, kqlName, valueText } from "./values.js";

/** @typedef {Record<string, any>} Row */
/** `total`: how many there are, where only the newest are kept. @typedef {Row[] & { refusal?: string, total?: number }} Rows */
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

/**
 * The newest rows, the newest first.
 *
 * @param {Rows} rows
 * @param {string} column
 * @returns {Rows}
 */
function latest(rows, column) {
  const times = new Map(rows.map((row) => [row, sortableTime(row[column])]));
  rows.sort((a, b) => ((times.get(a) ?? "") < (times.get(b) ?? "") ? 1 : -1));
  rows.total ??= rows.length;
  rows.length = Math.min(rows.length, mostListed);
  return rows;
}

/** With all seven digits of the fraction: a datetime has no zeros at its end, and `.1Z` is before `.15Z`. @param {unknown} datetime */
const sortableTime = (datetime) =>
  valueText(datetime).replace(/(?:\.(\d+))?Z$/, (_, digits = "") => `.${digits.padEnd(7, "0")}`);

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
      " ",
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
            ...breakable(table.TableName),
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
        element("table", {}, head(["Table", "#Rows", "#Extents", "#Size", "#Ingested"]), element("tbody", {}, ...body)),
      ),
    ];
  });
}

/** A name that may be long: it is parted behind its marks before anywhere else. @param {string} name */
const breakable = (name) => name.split(/(?<=[_.-])/).flatMap((part, i) => (i === 0 ? [part] : [element("wbr"), part]));

/** @param {string} database @param {string} table @param {string} title */
const tableCell = (database, table, title) =>
  element("td", { class: "wide", title }, ...breakable(`${database}.${table}`));

/** @param {number} count @param {string} what */
const amount = (count, what) => `${countText(count)} ${what}${count === 1 ? "" : "s"}`;

/** @typedef {{ key: string, title: string, count: number, none: string, table: () => HTMLElement }} Panel */

/** @param {Overview} overview @returns {Panel[]} */
export function panelsOf({ now, databases, failures, operations }) {
  const extents = latest(
    Object.assign(
      databases.flatMap((each) => each.extents),
      { total: databases.reduce((sum, each) => sum + (each.extents.total ?? 0), 0) },
    ),
    "MaxCreatedOn",
  );
  return [
    {
      key: "extents",
      title: "Extents",
      count: extents.total ?? 0,
      none: databases.find((each) => each.extents.refusal)?.extents.refusal ?? "Nothing has been ingested yet.",
      table: () =>
        listOf(["When", "Table", "#Rows", "#Size", "Tags"], extents, (row) => [
          element("td", {}, age(now, row.MaxCreatedOn)),
          tableCell(row.DatabaseName, row.TableName, `extent ${row.ExtentId}`),
          number(countText(row.RowCount)),
          number(bytesText(row.ExtentSize)),
          folded(row.Tags),
        ]),
    },
    {
      key: "failures",
      title: "Failures",
      count: failures.total ?? 0,
      none: failures.refusal ?? "No ingestion has failed.",
      table: () =>
        listOf(["When", "Table", "Failure"], failures, (row) => [
          element("td", {}, age(now, row.FailedOn)),
          tableCell(row.Database, row.Table, `operation ${row.OperationId}`),
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
      count: operations.total ?? 0,
      none: operations.refusal ?? "No command has been run as an operation.",
      table: () =>
        listOf(["When", "Operation", "State", "Status"], operations, (row) => [
          element("td", {}, age(now, row.StartedOn)),
          element(
            "td",
            { class: "wide", title: row.OperationId },
            row.Operation,
            ...(row.Database ? [" in ", ...breakable(row.Database)] : []),
          ),
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
 * @param {Rows} rows
 * @param {(row: Row) => HTMLElement[]} cells
 */
const listOf = (names, rows, cells) => {
  const total = rows.total ?? rows.length;
  return element(
    "div",
    {},
    element(
      "div",
      { class: "scroll" },
      element("table", {}, head(names), element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row))))),
    ),
    total > rows.length && element("p", { class: "note" }, `The newest ${rows.length} of ${countText(total)}.`),
  );
};
