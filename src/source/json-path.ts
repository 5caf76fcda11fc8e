import { MillraceError } from "../errors.ts";
import type { ByteWindow } from "./byte-window.ts";
import { type ElementSplitter, elementSplitter } from "./json-elements.ts";
import { isJsonSpace, isWhole, jsonText, nextByte } from "./json-text.ts";
import type { FilePosition, Frame, Splitter } from "./splitter.ts";

const quote = 34;
const openBracket = 91;
const openBrace = 123;
const closeBrace = 125;
const newline = 10;

/** A character of a name takes at most six bytes of JSON, as `\u0041`. */
const bytesPerCharacter = 6;

/**
 * The elements of the array that lies at `path` within one JSON object, such as `features` in GeoJSON. What stands around
 * the array is read too, to the end of the file: a document that is cut off or broken behind its records says so.
 */
export function pathSplitter(from: FilePosition, path: readonly string[], name: string): Splitter {
  let elements: ElementSplitter | undefined = from.inside ? elementSplitter(from, name, true) : undefined;
  let text = jsonText();
  /** How many names of the path have been found; all of them, behind the array. */
  let level = 0;
  let isBehind = false;
  /** The depth at which members are looked for: that of the innermost open object on the path. */
  let watched = 1;
  let isOnPath = false;
  let key: number[] | undefined;
  let behindRecord: FilePosition | undefined;
  let at = from.byte;
  let line = from.line;
  const longestKey = bytesPerCharacter * Math.max(...path.map((part) => part.length)) + 2;

  return {
    next(window, isLast): Frame | undefined {
      for (;;) {
        if (elements) {
          const frame = elements.next(window, isLast);
          const behind = elements.behindArray();
          if (frame || !behind) return frame;
          leaveArray(behind);
        }
        if (!walk(window)) break;
        elements = elementSplitter({ byte: at, line, inside: "array", isFirst: true }, name, true);
      }
      if (!isLast) return undefined;
      if (!isBehind) throw bad(`the file ends before the array at ${path.join(".")}`);
      if (!isWhole(text)) throw bad("the file ends within the object that holds the array: it is cut off");
      return undefined;
    },
    get keepFrom() {
      return elements?.keepFrom ?? at;
    },
    position: () => elements?.position() ?? behindRecord ?? from,
  };

  function leaveArray(behind: FilePosition): void {
    ({ byte: at, line } = behind);
    behindRecord = elements!.position();
    elements = undefined;
    isBehind = true;
    level = watched = path.length;
    text = jsonText(path.length);
  }

  /** Goes over what is no record. True: `at` stands behind the bracket that opens the array. */
  function walk({ bytes, base, length }: ByteWindow): boolean {
    const end = base + length;
    for (; at < end; at++) {
      const byte = bytes[at - base]!;
      const { expects, depth } = text;
      const isToken = !isJsonSpace(byte);
      if (isToken && !isBehind) expectPath(byte);
      if (depth === watched && byte === quote && (expects === "firstKey" || expects === "key")) key = [];
      const fault = nextByte(text, byte);
      if (fault !== undefined) throw bad(fault);
      if (byte === newline) line++;
      if (key !== undefined) addToKey(byte);
      if (isBehind && text.depth < watched) watched = text.depth;
      if (isToken && !isBehind && level === path.length) {
        at++;
        return true;
      }
    }
    return false;
  }

  /** Refuses what is not on the way to the array, before the text goes over it. */
  function expectPath(byte: number): void {
    const { expects, depth } = text;
    if (depth === 0 && byte !== openBrace) throw bad("the document is no object");
    if (isOnPath && expects === "value") {
      isOnPath = false;
      level++;
      watched++;
      if (level < path.length && byte !== openBrace) throw bad(`${path.slice(0, level).join(".")} is no object`);
      if (level === path.length && byte !== openBracket) throw bad(`what is at ${path.join(".")} is no array`);
    } else if (depth === watched && byte === closeBrace && (expects === "firstKey" || expects === "afterMember"))
      throw bad(`there is nothing at ${path.slice(0, level + 1).join(".")}`);
  }

  function addToKey(byte: number): void {
    if (key!.length < longestKey) key!.push(byte);
    if (text.expects !== "colon") return;
    isOnPath = keyText(key!) === path[watched - 1];
    key = undefined;
    if (isOnPath && isBehind)
      throw bad(`${path.slice(0, watched).join(".")} comes twice, and only the first array was read`);
  }

  function bad(reason: string): MillraceError {
    return new MillraceError("BAD_SOURCE", `${name}:${line}: ${reason}.`, { context: { line } });
  }
}

function keyText(bytes: readonly number[]): string | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes)));
  } catch {
    return undefined; // cut by the bound above
  }
}
