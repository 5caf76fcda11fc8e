import { MillraceError } from "../errors.ts";

/** The formats that files are read in. */
export type FileFormat = "ndjson" | "json" | "csv";

const extensions: Readonly<Record<string, FileFormat>> = {
  ".ndjson": "ndjson",
  ".jsonl": "ndjson",
  ".json": "json",
  ".geojson": "json",
  ".csv": "csv",
  ".tsv": "csv",
  ".tab": "csv",
  ".psv": "csv",
};

/** Does the name say that the file is one JSON document? */
export function isNamedJson(path: string): boolean {
  return extensions[extensionOf(path)] === "json";
}

export function extensionOf(path: string): string {
  return /\.[^./\\]+$/.exec(path.toLowerCase().replace(/\.gz$/, ""))?.[0] ?? "";
}

/**
 * The format by the name, and where that says nothing or JSON, by the first bytes: what is called `.json` is often one
 * object per line, and then a broken line should cost that line only. One object on one line is a document where the name
 * says JSON, and else a line of NDJSON.
 *
 * @param head The first bytes, in UTF-8.
 * @throws MillraceError BAD_SOURCE when neither tells.
 */
export function formatOf(path: string, head: Uint8Array): FileFormat {
  const named = extensions[extensionOf(path)];
  if (named && named !== "json") return named;
  const text = new TextDecoder().decode(head);
  const first = withoutSpace(text)[0];
  if (first === "{") return isLines(text, named === "json") ? "ndjson" : "json";
  if (named || first === "[" || first === undefined) return "json";
  throw new MillraceError(
    "BAD_SOURCE",
    `Cannot tell the format of ${path} by its name or content; say which it is: ndjson, json or csv.`,
    { context: { file: path } },
  );
}

const bom = [0xef, 0xbb, 0xbf];

/** Bytes of the byte order mark at the start, to be left out. */
export function bomLength(head: Uint8Array): number {
  return bom.every((byte, index) => head[index] === byte) ? bom.length : 0;
}

/** `trimStart` takes more for white space than JSON does. */
function withoutSpace(text: string): string {
  return text.replace(/^[ \t\n\r]+/, "");
}

/**
 * A whole object on the first line, and another that begins on the next: no pretty-printed document looks like that. With a
 * single line it is NDJSON only where the name does not say JSON.
 */
function isLines(text: string, isNamed: boolean): boolean {
  const [first = "", second] = text.split(/[\n\r]/).filter((line) => withoutSpace(line) !== "");
  if (second === undefined ? isNamed : !withoutSpace(second).startsWith("{")) return false;
  try {
    JSON.parse(first);
    return true;
  } catch {
    return false;
  }
}
