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
};

export function extensionOf(path: string): string {
  return /\.[^./\\]+$/.exec(path.toLowerCase().replace(/\.gz$/, ""))?.[0] ?? "";
}

/**
 * The format by the name, and where that says nothing or JSON, by the first bytes: what is called `.json` is often one
 * object per line, and then a broken line should cost that line only.
 *
 * @throws MillraceError BAD_SOURCE when neither tells, or the bytes are UTF-16.
 */
export function formatOf(path: string, head: Uint8Array): FileFormat {
  refuseUtf16(path, head);
  const named = extensions[extensionOf(path)];
  if (named && named !== "json") return named;
  const text = new TextDecoder().decode(head);
  const first = withoutSpace(text)[0];
  if (first === "{") return isLines(text) ? "ndjson" : "json";
  if (named || first === "[" || first === undefined) return "json";
  throw new MillraceError(
    "BAD_SOURCE",
    `Cannot tell the format of ${path} by its name or content; say which it is: ndjson, json or csv.`,
    { context: { file: path } },
  );
}

export function refuseUtf16(path: string, [first, second]: Uint8Array): void {
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    throw new MillraceError("BAD_SOURCE", `${path} is UTF-16; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8).`);
}

const bom = [0xef, 0xbb, 0xbf];

/** Bytes of the byte order mark at the start, to be left out. */
export function bomLength(head: Uint8Array): number {
  return bom.every((byte, index) => head[index] === byte) ? bom.length : 0;
}

/** Do these bytes leave open whether a byte order mark stands here? */
export function mayBecomeBom(head: Uint8Array): boolean {
  return head.length < bom.length && head.every((byte, index) => byte === bom[index]);
}

/** `trimStart` takes more for white space than JSON does. */
function withoutSpace(text: string): string {
  return text.replace(/^[ \t\n\r]+/, "");
}

/** A whole object on the first line, and another that begins on the next: no pretty-printed document looks like that. */
function isLines(text: string): boolean {
  const [first = "", second] = text.split("\n").filter((line) => withoutSpace(line) !== "");
  if (second === undefined || !withoutSpace(second).startsWith("{")) return false;
  try {
    JSON.parse(first);
    return true;
  } catch {
    return false;
  }
}
