import { element } from "./elements.js";
import { countText, isNumeric, orderOf, valueText } from "./values.js";

/** @typedef {import("./values.js").Table} Table */

/** Rows are drawn by so many; more when they are asked for. */
const pageRows = 500;
const longestShort = 80;

/**
 * A result as a table whose columns sort it.
 *
 * @param {Table} result
 * @returns {HTMLElement}
 */
export function resultTable({ columns, rows }) {
  /** @type {{ column: number, direction: 1 | -1 } | undefined} */
  let sorting;
  let shown = pageRows;
  const body = element("tbody");
  const more = element("button", { class: "more", onclick: showMore });
  const headers = columns.map(({ name, type }, column) =>
    element(
      "th",
      { scope: "col", class: isRight(type) && "number" },
      element("button", { title: `${name}: ${type}`, onclick: () => sortBy(column) }, name, element("small", {}, type)),
    ),
  );

  function showMore() {
    shown += pageRows * 4;
    draw(shown);
  }

  /** @param {number} column */
  function sortBy(column) {
    if (sorting?.column !== column) sorting = { column, direction: 1 };
    else sorting = sorting.direction === 1 ? { column, direction: -1 } : undefined;
    headers.forEach((header, index) => {
      if (sorting?.column === index)
        header.setAttribute("aria-sort", sorting.direction === 1 ? "ascending" : "descending");
      else header.removeAttribute("aria-sort");
    });
    draw(shown);
  }

  function inOrder() {
    if (!sorting) return rows;
    const { column, direction } = sorting;
    const order = orderOf(columns[column]?.type ?? "", direction);
    return rows.toSorted((a, b) => order(a[column], b[column]));
  }

  /** @param {number} count */
  function draw(count) {
    body.replaceChildren(
      ...inOrder()
        .slice(0, count)
        .map((row) => element("tr", {}, ...columns.map(({ type }, index) => cellOf(row[index], type)))),
    );
    more.hidden = rows.length <= count;
    more.textContent = `Show more: ${countText(rows.length - count)} rows are left`;
  }

  draw(shown);
  return element(
    "div",
    { class: "result-table" },
    element(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rows" },
      element("table", {}, element("thead", {}, element("tr", {}, ...headers)), body),
    ),
    more,
  );
}

/** @param {string} type */
const isRight = (type) => isNumeric(type) || type === "timespan";

/** @param {unknown} value @param {string} type */
function cellOf(value, type) {
  if (value === null || value === undefined)
    return element("td", { class: isRight(type) ? "null number" : "null" }, "null");
  const text = valueText(value);
  if (text.length <= longestShort && !text.includes("\n"))
    return element("td", { class: isRight(type) && "number" }, text);
  const button = element(
    "button",
    { class: "long", "aria-expanded": "false", title: "Show all of it" },
    `${text.slice(0, longestShort - 20).replaceAll("\n", " ")} …`,
  );
  const cell = element("td", {}, button);
  button.addEventListener("click", () => {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    cell.replaceChildren(...(isOpen ? [button] : [button, element("pre", {}, laidOut(value, text))]));
  });
  return cell;
}

/** A dynamic in lines. @param {unknown} value @param {string} text */
function laidOut(value, text) {
  try {
    return typeof value === "object" ? JSON.stringify(value, undefined, 2) : text;
  } catch {
    // A whole number beyond 2^53 is a bigint, which JSON.stringify does not take.
    return text;
  }
}
