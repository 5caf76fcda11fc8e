// Elements are made one by one, never from markup: what a table or a value is called can only become text.

/**
 * @typedef {string | number | boolean | undefined | ((event: any) => void)} Setting
 * @typedef {Node | string | undefined | false} Child
 */

/**
 * An HTML element. Functions are listeners (`onclick`), `true` is an attribute without value, false and undefined are none.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, Setting>} [settings]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, settings = {}, ...children) {
  return furnished(document.createElement(tag), settings, children);
}

/**
 * An SVG element.
 *
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, Setting>} [settings]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function drawn(tag, settings = {}, ...children) {
  return furnished(document.createElementNS("http://www.w3.org/2000/svg", tag), settings, children);
}

/**
 * @template {Element} E
 * @param {E} made
 * @param {Record<string, Setting>} settings
 * @param {Child[]} children
 */
function furnished(made, settings, children) {
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== undefined && child !== false));
  return made;
}

/**
 * The element of the page's own markup.
 *
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} kind
 * @returns {E}
 */
export function known(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} #${id}.`);
  return found;
}
