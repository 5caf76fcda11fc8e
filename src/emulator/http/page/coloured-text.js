/**
 * @typedef {{ start: number, length: number }} Range
 * @typedef {{ start: number, length: number, kind: string }} Span
 * @typedef {{ start: number, length: number, severity: string }} Problem
 */

/**
 * Draws a text in the colours of its spans, with its problems underlined.
 *
 * @param {HTMLElement} place
 * @param {string} text
 * @param {readonly Span[]} spans
 * @param {readonly Problem[]} problems
 */
export function drawText(place, text, spans, problems) {
  const cuts = new Set([0, text.length]);
  for (const { start, length } of [...spans, ...problems]) cuts.add(start).add(start + Math.max(1, length));
  const edges = [...cuts].filter((at) => at >= 0 && at <= text.length).sort((a, b) => a - b);
  let next = 0;
  /** @type {(Node | string)[]} */
  const parts = [];
  for (let index = 0; index + 1 < edges.length; index++) {
    const [from, to] = [edges[index] ?? 0, edges[index + 1] ?? 0];
    // Spans come in order and do not overlap.
    while (next < spans.length && endOf(spans[next]) <= from) next++;
    const span = spans[next];
    const kind = span && span.start <= from ? span.kind : "";
    const problem = problems.find(({ start, length }) => start <= from && from < start + Math.max(1, length));
    parts.push(partOf(text.slice(from, to), kind, problem?.severity));
  }
  // A last line without letters has no height of its own.
  place.replaceChildren(...parts, "\u200b");
}

/** @param {string} text @param {string} kind @param {string | undefined} severity */
function partOf(text, kind, severity) {
  if ((kind === "" || kind === "PlainText") && severity === undefined) return text;
  const part = document.createElement("span");
  part.className = `kql-${kind}${severity === undefined ? "" : ` problem ${severity}`}`;
  part.textContent = text;
  return part;
}

/** @param {Range | undefined} range */
const endOf = (range) => (range ? range.start + range.length : Number.POSITIVE_INFINITY);

/**
 * Ranges where they are after a change of the text, until the parser has looked again: those in front of it stay, those behind
 * it move, the one it is in grows.
 *
 * @template {Range} R
 * @param {readonly R[]} ranges
 * @param {string} before
 * @param {string} after
 * @returns {R[]}
 */
export function shifted(ranges, before, after) {
  let head = 0;
  const shorter = Math.min(before.length, after.length);
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const by = after.length - before.length;
  const changedTo = before.length - tail;
  return ranges.flatMap((range) => {
    if (range.start >= changedTo && range.start > head) return [{ ...range, start: range.start + by }];
    if (endOf(range) < head) return [range];
    const length = endOf(range) >= changedTo ? range.length + by : head - range.start;
    return length > 0 ? [{ ...range, length }] : [];
  });
}
