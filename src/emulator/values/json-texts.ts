/** The texts of a property bag's values by name, as they stand; of a name that comes twice, the last. */
export function membersOf(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = skipBlanks(text, 0) + 1;
  for (;;) {
    at = skipBlanks(text, at);
    if (text[at] !== '"') return members;
    const nameEnd = valueEnd(text, at);
    const name = JSON.parse(text.slice(at, nameEnd)) as string;
    const from = skipBlanks(text, skipBlanks(text, nameEnd) + 1);
    const to = valueEnd(text, from);
    members.set(name, text.slice(from, to));
    at = skipBlanks(text, to);
    if (text[at] === ",") at++;
  }
}

/** The texts of an array's elements. */
export function elementsOf(text: string): string[] {
  const elements: string[] = [];
  let at = skipBlanks(text, 0) + 1;
  for (;;) {
    at = skipBlanks(text, at);
    if (at >= text.length || text[at] === "]") return elements;
    const to = valueEnd(text, at);
    elements.push(text.slice(at, to));
    at = skipBlanks(text, to);
    if (text[at] === ",") at++;
  }
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return at;
}

/** One past the end of the JSON value that begins at `from`; the text is known to be well formed. */
function valueEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') {
      at++;
      while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
      if (depth === 0) return at + 1;
    } else if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") {
      depth--;
      if (depth === 0) return at + 1;
      if (depth < 0) return at;
    } else if (depth === 0 && (char === "," || char.charCodeAt(0) <= 0x20)) return at;
  }
  return text.length;
}
