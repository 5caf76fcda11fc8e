import { chartPlan } from "./chart-plan.js";
import { openEditor } from "./editor.js";
import { element, known } from "./elements.js";
import { lookAround, panelsOf, tablesOf } from "./overview.js";
import { refreshing } from "./refreshing.js";
import { resultTable } from "./result-table.js";
import { hasToken, Refusal, run, useToken, wantsLogin } from "./service.js";
import { countText, csvOf } from "./values.js";

const textKey = "millrace-text";
const live = known("live", HTMLElement);
const login = known("login", HTMLFormElement);
const databases = known("database", HTMLSelectElement);
const result = known("result", HTMLElement);
const problemList = known("problems", HTMLElement);
const [runButton, cancelButton] = [known("run", HTMLButtonElement), known("cancel", HTMLButtonElement)];

known("url", HTMLElement).textContent = location.origin;

const editor = openEditor(known("editor", HTMLElement), {
  text: localStorage.getItem(textKey) ?? "print Hello = 'Write KQL here', Keys = 'Shift+Enter runs it'",
  database: () => databases.value || "NetDefaultDB",
  run: runText,
  changed: (text) => localStorage.setItem(textKey, text),
  problems: tellProblems,
});

// ---- looking around ----

let panel = "extents";
let schemas = "";
/** @type {import("./overview.js").Overview | undefined} */
let overview;

const lookNow = refreshing(
  async (signal) => {
    overview = await lookAround(signal);
    login.hidden = true;
    const ahead = Math.round((overview.now - Date.now()) / 1000);
    live.className = "good";
    live.textContent =
      Math.abs(ahead) < 3
        ? "Live"
        : `Live; its clock says ${new Date(overview.now).toISOString().slice(0, 19).replace("T", " ")} UTC`;
    drawOverview();
  },
  (error) => {
    live.className = "bad";
    if (wantsLogin(error)) askForToken();
    live.textContent = error instanceof Refusal ? error.message : "Not reachable; the page goes on trying.";
  },
);

function askForToken() {
  if (login.hidden) login.hidden = false;
  login.querySelector("p")?.classList.toggle("bad", hasToken());
}

login.addEventListener("submit", (event) => {
  event.preventDefault();
  useToken(known("token", HTMLInputElement).value);
  lookNow();
  editor.annotateAgain();
});

function drawOverview() {
  if (!overview) return;
  const names = overview.databases.map(({ name }) => name);
  if (names.join("\n") !== [...databases.options].map(({ value }) => value).join("\n")) {
    const before = databases.value;
    databases.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    databases.value = names.includes(before)
      ? before
      : (names.find((name) => name !== "NetDefaultDB") ?? names[0] ?? "");
  }
  // What the editor knows of names is stale when tables have come or gone.
  const schemasNow = overview.databases
    .map(({ name, tables }) => `${name}:${tables.map(({ TableName }) => TableName)}`)
    .join();
  if (schemasNow !== schemas) {
    schemas = schemasNow;
    editor.annotateAgain();
  }
  redraw(sectionBody("tables"), tablesOf(overview, ask));
  const panels = panelsOf(overview);
  redraw(
    document.querySelector("#activity .tabs"),
    panels.map(({ key, title, count }) =>
      element(
        "button",
        {
          role: "tab",
          "aria-selected": String(key === panel),
          "aria-controls": "activity-body",
          class: key === "failures" && count > 0 && "bad",
          onclick: () => choosePanel(key),
        },
        title,
        " ",
        element("small", {}, countText(count)),
      ),
    ),
  );
  const chosen = panels.find(({ key }) => key === panel);
  if (chosen)
    redraw(sectionBody("activity"), [
      chosen.count === 0 ? element("p", { class: "none" }, chosen.none) : chosen.table(),
    ]);
}

/** @param {string} key */
function choosePanel(key) {
  panel = key;
  drawOverview();
}

/** @param {string} section */
const sectionBody = (section) => document.querySelector(`#${section} .body`);

/**
 * Puts the new in the place of the old; focus and scrolling stay where they were, and what has not changed is left alone.
 *
 * @param {Element | null} place
 * @param {HTMLElement[]} children
 */
function redraw(place, children) {
  if (!place) return;
  const fresh = element("div", {}, ...children);
  if (fresh.isEqualNode(place.firstElementChild)) return;
  const buttons = [...place.querySelectorAll("button")];
  const focused = buttons.findIndex((button) => button.matches(":focus"));
  const scrolls = [...place.querySelectorAll(".scroll")].map(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop]);
  place.replaceChildren(fresh);
  if (focused !== -1) place.querySelectorAll("button")[focused]?.focus();
  for (const [index, each] of place.querySelectorAll(".scroll").entries())
    each.scrollTo(scrolls[index]?.[0] ?? 0, scrolls[index]?.[1] ?? 0);
}

/** @param {string} database @param {string} text */
function ask(database, text) {
  databases.value = database;
  editor.put(text);
  runText();
}

// ---- the query ----

let running = new AbortController();
let shownChart = new AbortController();
runButton.addEventListener("click", runText);
cancelButton.addEventListener("click", () => running.abort());
databases.addEventListener("change", () => editor.annotateAgain());

/** @param {{ start: number, length: number, severity: string, message: string }[]} problems @param {string} text */
function tellProblems(problems, text) {
  problemList.replaceChildren(
    ...problems
      .filter(({ severity }) => severity === "Error" || severity === "Warning")
      .slice(0, 8)
      .map(({ start, severity, message }) => {
        const lines = text.slice(0, start).split("\n");
        const place = `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
        const plain = message.replace(/\s*\[line:position=\d+:\d+\]/, "");
        return element(
          "li",
          { class: severity },
          element("button", { title: "Go there", onclick: () => editor.show(start) }, place),
          plain,
        );
      }),
  );
}

async function runText() {
  const text = editor.runnable();
  if (text === "") return;
  running.abort();
  running = new AbortController();
  const { signal } = running;
  cancelButton.hidden = false;
  result.setAttribute("aria-busy", "true");
  const began = performance.now();
  try {
    const answer = await run(databases.value, text, { signal });
    const tookMs = performance.now() - began;
    const plan = chartPlan(answer.table, answer.visualization);
    // Loaded with the first chart: the library is larger than the rest of the page.
    const library = typeof plan === "object" ? await import("./chart.js").catch(() => undefined) : undefined;
    // What was run may have been a command that changes what there is.
    if (/^\s*\./.test(text)) lookNow();
    if (signal !== running.signal) return;
    const isMissing = typeof plan === "object" && !library;
    showResult(answer.table, isMissing ? noLibrary : plan, library?.chart, tookMs);
  } catch (error) {
    if (wantsLogin(error)) askForToken();
    if (signal === running.signal) {
      shownChart.abort();
      result.replaceChildren(
        element(
          "p",
          { class: "refusal", role: "alert" },
          signal.aborted ? "Cancelled." : error instanceof Refusal ? error.message : "The emulator is not reachable.",
        ),
      );
    }
  } finally {
    if (signal === running.signal) {
      cancelButton.hidden = true;
      result.removeAttribute("aria-busy");
    }
  }
}

const noLibrary = "The chart library did not load. In a checkout, run: npm run build:page";

/**
 * @param {import("./values.js").Table} table
 * @param {ReturnType<typeof chartPlan>} plan
 * @param {typeof import("./chart.js").chart | undefined} chart
 * @param {number} tookMs
 */
function showResult(table, plan, chart, tookMs) {
  const rows = resultTable(table);
  shownChart.abort();
  shownChart = new AbortController();
  const figure = typeof plan === "object" ? chart?.(plan, shownChart.signal) : undefined;
  const bar = element(
    "div",
    { class: "bar" },
    element(
      "span",
      { class: "summary" },
      `${countText(table.rows.length)} row${table.rows.length === 1 ? "" : "s"}, ${table.columns.length} column${table.columns.length === 1 ? "" : "s"}, ${Math.round(tookMs)} ms`,
    ),
  );
  if (figure) {
    rows.hidden = true;
    const choices = [
      { title: "Chart", shown: figure, other: rows },
      { title: "Table", shown: rows, other: figure },
    ].map(({ title, shown, other }) => {
      const button = element("button", { "aria-pressed": String(shown === figure) }, title);
      button.addEventListener("click", () => {
        [shown.hidden, other.hidden] = [false, true];
        for (const each of choices) each.setAttribute("aria-pressed", String(each === button));
      });
      return button;
    });
    bar.append(element("span", { class: "choice" }, ...choices));
  }
  bar.append(copyButton(table));
  result.replaceChildren(
    bar,
    ...(typeof plan === "string" ? [element("p", { class: "note" }, plan)] : []),
    ...(figure ? [figure] : []),
    rows,
  );
}

/** @param {import("./values.js").Table} table */
function copyButton(table) {
  const button = element("button", { title: "All rows, with the names of the columns" }, "Copy as CSV");
  button.addEventListener("click", async () => {
    button.textContent = await navigator.clipboard.writeText(csvOf(table)).then(
      () => "Copied",
      () => "The browser refuses to copy",
    );
    setTimeout(() => {
      button.textContent = "Copy as CSV";
    }, 2000);
  });
  return button;
}
