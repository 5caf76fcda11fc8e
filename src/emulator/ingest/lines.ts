import { checkRecord } from "./file-text.ts";
/** Lines, without their ends, one array per piece; the last one need not have an end. */
export async function* lines(pieces: AsyncIterable<string>): AsyncGenerator<string[]> {
  let rest = "";
  let isStart = true;
  for await (const piece of pieces) {
    const text = rest + (isStart && piece.startsWith("\ufeff") ? piece.slice(1) : piece);
    isStart = isStart && piece === "";
    const found = text.split("\n");
    rest = found.pop()!;
    checkRecord(rest.length);
    yield found.map(withoutReturn);
  }
  if (rest !== "") yield [withoutReturn(rest)];
}

const withoutReturn = (line: string) => (line.endsWith("\r") ? line.slice(0, -1) : line);

/** `txt`: every line that is not empty is a record of one field. */
export async function* textRecords(pieces: AsyncIterable<string>): AsyncGenerator<string[][]> {
  for await (const found of lines(pieces)) yield found.filter((line) => line !== "").map((line) => [line]);
}

/** `raw`: the whole text is one record of one field. */
export async function* rawRecord(pieces: AsyncIterable<string>): AsyncGenerator<string[][]> {
  const parts: string[] = [];
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    checkRecord(length);
    parts.push(piece);
  }
  const text = parts.join("");
  if (text !== "") yield [[text.startsWith("\ufeff") ? text.slice(1) : text]];
}

const escapes: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", "0": "\0" };

/** `tsve`: fields between tabs, in which a backslash stands before what is meant as data. */
export async function* escapedRecords(pieces: AsyncIterable<string>): AsyncGenerator<string[][]> {
  let open = "";
  for await (const found of lines(pieces)) {
    const records: string[][] = [];
    for (const line of found) {
      const whole = open + line;
      // A line that ends with a backslash of its own goes on: the line break is data.
      if (/(?:^|[^\\])(?:\\\\)*\\$/.test(whole)) {
        open = `${whole}\n`;
        checkRecord(open.length);
        continue;
      }
      open = "";
      if (whole !== "") records.push(whole.split("\t").map(unescaped));
    }
    yield records;
  }
  if (open !== "") yield [open.slice(0, -1).split("\t").map(unescaped)];
}

function unescaped(field: string): string {
  return field.includes("\\") ? field.replaceAll(/\\([\s\S])/g, (_, char: string) => escapes[char] ?? char) : field;
}
