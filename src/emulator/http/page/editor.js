// A text area over its own coloured copy: undo, selection, touch and screen readers are the browser's. Kusto's parser in
// the emulator gives colours, problems and completions.

import { drawText, shifted } from "./coloured-text.js";
import { completionList } from "./completion-list.js";
import { element } from "./elements.js";
import { askEditor } from "./service.js";
import { blockAt, blocksOf } from "./values.js";

/**
 * @typedef {{ start: number, length: number, kind: string }} Span
 * @typedef {{ start: number, length: number, severity: string, message: string }} Problem
 * @typedef {{ spans: [number, number, string][], problems: Problem[] }} Annotations
 */

/** @typedef {{
 *   text: string,
 *   runnable(): string,
 *   put(text: string): void,
 *   annotateAgain(): void,
 *   show(at: number): void,
 * }} Editor */

const pauseMs = 150;
const mostRemembered = 200;

/**
 * @param {HTMLElement} place
 * @param {{ text: string, database: () => string, run: () => void, changed: (text: string) => void,
 *   problems: (problems: Problem[], text: string) => void }} settings
 * @returns {Editor}
 */
export function openEditor(place, { text: first, database, run, changed, problems: tell }) {
  const area = element("textarea", {
    spellcheck: "false",
    autocapitalize: "off",
    autocomplete: "off",
    "aria-label": "KQL",
    "aria-autocomplete": "list",
    placeholder: "T | take 10",
  });
  const copy = element("pre", { "aria-hidden": true });
  area.value = first;
  /** @type {Map<string, Annotations>} */
  const remembered = new Map();
  let text = first;
  /** @type {Span[]} */
  let spans = [];
  /** @type {Problem[]} */
  let problems = [];
  let asking = new AbortController();
  /** @type {number | undefined} */
  let timer;

  const draw = () => drawText(copy, text, spans, problems);
  const list = completionList(area, copy, { text: () => text, database, accept });
  place.replaceChildren(element("div", { class: "sheet" }, copy, area), list.element);

  function later() {
    clearTimeout(timer);
    timer = setTimeout(() => annotate().catch(() => {}), pauseMs);
  }

  async function annotate() {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const db = database();
    const blocks = blocksOf(text);
    for (const block of blocks) {
      if (remembered.has(block.text)) continue;
      const annotations = await askEditor({ db, text: block.text }, signal);
      if (signal.aborted) return;
      if (remembered.size >= mostRemembered) remembered.clear();
      remembered.set(block.text, annotations);
    }
    if (signal.aborted) return;
    spans = blocks.flatMap(({ start, text: own }) =>
      (remembered.get(own)?.spans ?? []).map(([at, length, kind]) => ({ start: start + at, length, kind })),
    );
    problems = blocks.flatMap(({ start, text: own }) =>
      (remembered.get(own)?.problems ?? []).map((problem) => ({ ...problem, start: start + problem.start })),
    );
    draw();
    tell(problems, text);
  }

  function took() {
    if (area.value === text) return;
    spans = shifted(spans, text, area.value);
    problems = shifted(problems, text, area.value);
    text = area.value;
    draw();
    changed(text);
    later();
  }

  /** As typed, so that it can be undone. @param {number} from @param {number} to @param {string} before @param {string} after */
  function accept(from, to, before, after) {
    area.focus();
    area.setSelectionRange(from, to);
    // Nothing else writes into a text area and keeps its undo; browsers without it take the second way.
    if (!document.execCommand("insertText", false, before + after)) area.setRangeText(before + after, from, to, "end");
    const at = from + before.length;
    area.setSelectionRange(at, at);
    took();
  }

  area.addEventListener("input", () => {
    took();
    list.follow();
  });
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.shiftKey || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      list.close();
      run();
    } else if (list.takesKey(event)) event.preventDefault();
  });
  draw();
  later();

  return {
    get text() {
      return text;
    },
    runnable() {
      const { selectionStart, selectionEnd } = area;
      const selected = text.slice(selectionStart, selectionEnd).trim();
      return selected || (blockAt(text, selectionStart)?.text ?? "");
    },
    put(block) {
      const there = blocksOf(text).find((each) => each.text === block);
      if (there) {
        area.setSelectionRange(there.start, there.start);
        return;
      }
      const head = text.trim() === "" ? "" : `${text.trimEnd()}\n\n`;
      accept(0, text.length, head + block, "");
    },
    annotateAgain() {
      // An answer that is on its way is of the database, or of the tables, of before.
      asking.abort();
      remembered.clear();
      later();
    },
    show(at) {
      area.focus();
      area.setSelectionRange(at, at);
    },
  };
}
