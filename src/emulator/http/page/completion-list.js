import { element } from "./elements.js";
import { askEditor } from "./service.js";
import { blockAt } from "./values.js";

/** @typedef {{ label: string, word: string, kind: string, before: string, after: string }} Item */

/** The parser takes some 50 ms of the emulator's one thread to find what could follow: not after every letter. */
const pauseMs = 90;

/**
 * The list of what can be written at the caret. It opens behind a letter or a pipe, and with Ctrl+Space.
 *
 * @param {HTMLTextAreaElement} area
 * @param {HTMLElement} copy
 * @param {{ text: () => string, database: () => string, accept: (from: number, to: number, before: string, after: string) => void }} settings
 */
export function completionList(area, copy, { text, database, accept }) {
  const list = element("ul", { id: "completions", role: "listbox", "aria-label": "Completions", hidden: true });
  area.setAttribute("aria-controls", list.id);
  let asking = new AbortController();
  /** @type {number | undefined} */
  let timer;
  /** @type {Item[]} */
  let items = [];
  let [chosen, from, to] = [-1, 0, 0];

  function close() {
    clearTimeout(timer);
    asking.abort();
    list.hidden = true;
    area.removeAttribute("aria-activedescendant");
  }

  /** @param {number} index */
  function choose(index) {
    list.children[chosen]?.removeAttribute("aria-selected");
    chosen = index;
    const option = list.children[index];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) area.setAttribute("aria-activedescendant", option.id);
    else area.removeAttribute("aria-activedescendant");
  }

  /** @param {Item} item */
  function take({ before, after }) {
    close();
    // The parser's own editor puts a blank behind an opening bracket; few people write so.
    accept(from, to, before.replace(/\( $/, "("), after);
  }

  async function open(isAsked = false) {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const at = area.selectionStart;
    const block = blockAt(text(), at);
    const inside = block && at <= block.start + block.text.length + 1;
    const [start, own] = inside
      ? [block.start, text().slice(block.start, Math.max(at, block.start + block.text.length))]
      : [at, ""];
    const found = await askEditor({ db: database(), text: own, at: Math.max(0, at - start) }, signal);
    if (signal.aborted) return;
    [items, from, to] = [found.items, start + found.start, start + found.start + found.length];
    const begun = text().slice(from, at).toLowerCase();
    if (items.length === 0 || (!isAsked && begun === "" && !/\|\s$/.test(text().slice(0, at)))) return close();
    list.replaceChildren(...items.map(optionOf));
    list.hidden = false;
    // A word that is whole already: Enter is the end of the line then.
    choose(items.some(({ word }) => word.toLowerCase() === begun) || (begun === "" && !isAsked) ? -1 : 0);
    const { left, bottom } = caretIn(copy, from, list.offsetParent ?? document.body);
    list.style.left = `${Math.max(0, Math.min(left, (list.offsetParent?.clientWidth ?? 0) - list.offsetWidth))}px`;
    list.style.top = `${bottom + 2}px`;
  }

  /** @param {Item} item @param {number} index */
  function optionOf(item, index) {
    const option = element(
      "li",
      { id: `completion-${index}`, role: "option" },
      element("span", {}, item.label),
      element("small", {}, item.kind),
    );
    // Before the text area loses the focus.
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      take(item);
    });
    return option;
  }

  area.addEventListener("blur", close);
  window.addEventListener("resize", close);
  return {
    element: list,
    close,
    /** After something was written. */
    follow() {
      // The list is of the text as it was; until the new one is there, Enter is not for it.
      choose(-1);
      const before = text().slice(0, area.selectionStart);
      if (/[\w|.$] ?$/.test(before) && area.selectionStart === area.selectionEnd) {
        clearTimeout(timer);
        timer = setTimeout(() => open().catch(() => {}), pauseMs);
      } else close();
    },
    /** Whether a key was for the list. @param {KeyboardEvent} event */
    takesKey({ key, ctrlKey }) {
      if (key === " " && ctrlKey) {
        open(true).catch(() => {});
        return true;
      }
      if (list.hidden) return false;
      const item = items[chosen];
      if (key === "Escape") close();
      else if (key === "ArrowDown") choose(Math.min(chosen + 1, items.length - 1));
      else if (key === "ArrowUp") choose(Math.max(chosen - 1, 0));
      else if ((key === "Enter" || key === "Tab") && item) take(item);
      else {
        if (!/^.$/u.test(key) && key !== "Backspace" && key !== "Shift") close();
        return false;
      }
      return true;
    },
  };
}

/**
 * Where a place of the text is drawn.
 *
 * @param {HTMLElement} copy
 * @param {number} at
 * @param {Element} within
 */
function caretIn(copy, at, within) {
  const walker = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  let left = at;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const length = node.textContent?.length ?? 0;
    if (left <= length) {
      range.setStart(node, left);
      range.setEnd(node, Math.min(length, left + 1));
      break;
    }
    left -= length;
  }
  const box = range.getClientRects()[0] ?? copy.getBoundingClientRect();
  const outer = within.getBoundingClientRect();
  return { left: box.left - outer.left, bottom: box.bottom - outer.top };
}
