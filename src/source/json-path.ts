import { MillraceError } from "../errors.ts";
import type { ByteWindow } from "./byte-window.ts";
import { elementSplitter } from "./json-elements.ts";
import { resetScan, scanValue, valueScan } from "./json-value.ts";
import type { FilePosition, Frame, Splitter } from "./splitter.ts";

const quote = 34;
const comma = 44;
const colon = 58;
const openBracket = 91;
const openBrace = 123;
const closeBrace = 125;
const newline = 10;
const blank = 32;

/** What is expected next on the way down. */
type Step = "object" | "member" | "key" | "colon" | "value" | "skipped";

/** The elements of the array that lies at `path` within one JSON object, such as `features` in GeoJSON. */
export function pathSplitter(from: FilePosition, path: readonly string[], name: string): Splitter {
  let elements = from.inside ? elementSplitter(from, name, true) : undefined;
  let step: Step = "object";
  /** How many names of the path have been found. */
  let level = 0;
  let at = from.byte;
  let line = from.line;
  let keyStart = from.byte;
  let isOnPath = false;
  const scan = valueScan();

  return {
    next(window, isLast): Frame | undefined {
      if (!elements && !descend(window)) {
        if (isLast) throw bad(`the file ends before the array at ${path.join(".")}`);
        return undefined;
      }
      elements ??= elementSplitter({ byte: at, line, inside: "array", isFirst: true }, name, true);
      return elements.next(window, isLast);
    },
    get keepFrom() {
      return elements?.keepFrom ?? (step === "key" ? keyStart : at);
    },
    tooLong() {
      if (!elements) throw bad("a member's name is too long");
    },
    position: () => elements?.position() ?? from,
  };

  /** True: `at` stands behind the bracket that opens the array. */
  function descend(window: ByteWindow): boolean {
    const end = window.base + window.length;
    while (at < end) {
      if (step === "key" || step === "skipped") {
        if (!toEnd(window)) return false;
        continue;
      }
      const byte = window.bytes[at - window.base]!;
      if (byte <= blank) {
        at++;
        if (byte === newline) line++;
      } else if (isArrayAfter(byte)) return true;
    }
    return false;
  }

  function toEnd({ bytes, base, length }: ByteWindow): boolean {
    const end = scanValue(scan, bytes, at - base, length);
    at = base + (end < 0 ? length : end);
    if (end < 0) return false;
    line += scan.lines;
    resetScan(scan);
    if (step === "key") isOnPath = keyText(bytes.subarray(keyStart - base, end)) === path[level];
    step = step === "key" ? "colon" : "member";
    return true;
  }

  function isArrayAfter(byte: number): boolean {
    switch (step) {
      case "object":
        if (byte !== openBrace) throw bad(`${path.slice(0, level).join(".") || "the document"} is no object`);
        at++;
        step = "member";
        return false;
      case "member":
        if (byte === comma) at++;
        else if (byte === quote) {
          step = "key";
          keyStart = at;
        } else if (byte === closeBrace) throw bad(`there is nothing at ${path.slice(0, level + 1).join(".")}`);
        else throw bad(`expected a member's name, found ${JSON.stringify(String.fromCharCode(byte))}`);
        return false;
      case "colon":
        if (byte !== colon) throw bad(`expected a colon, found ${JSON.stringify(String.fromCharCode(byte))}`);
        at++;
        step = "value";
        return false;
      default:
        return isArrayAsValue(byte);
    }
  }

  function isArrayAsValue(byte: number): boolean {
    if (!isOnPath) {
      step = "skipped";
      return false;
    }
    level++;
    if (level < path.length) {
      step = "object";
      return false;
    }
    if (byte !== openBracket) throw bad(`what is at ${path.join(".")} is no array`);
    at++;
    return true;
  }

  function bad(reason: string): MillraceError {
    return new MillraceError("BAD_SOURCE", `${name}:${line}: ${reason}.`, { context: { line } });
  }
}

function keyText(bytes: Uint8Array): string | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // no key that anyone could have asked for
  }
}
