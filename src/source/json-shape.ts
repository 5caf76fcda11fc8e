import { isJsonSpace } from "./json-text.ts";

const quote = 34;
const backslash = 92;
const comma = 44;
const colon = 58;
const openBracket = 91;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;

/** What a JSON text is. */
export type Shape =
  /** An array, several objects, or no JSON. */
  { readonly is: "documents" } | ObjectShape;

/** One object, and nothing else. */
export interface ObjectShape {
  readonly is: "object";
  /** The members that are arrays of objects, of nothing else, and not empty. */
  readonly arrays: readonly string[];
  /** The names of the first members, in their order. */
  readonly members: readonly string[];
  readonly memberCount: number;
  /** The text of its member "type", as GeoJSON has it. */
  readonly type: string | undefined;
  /** No line ends within it. */
  readonly isOneLine: boolean;
}

/** A longer name is cut, and then leads nowhere. */
const longestKey = 1_024;
const membersKept = 100;
const newline = 10;
const carriageReturn = 13;

/**
 * Goes once over a JSON text without holding it, and tells whether it is one object or several, and which members of the
 * one are arrays of objects. Of broken text it says something; the reader of the records will say where it is broken.
 */
export async function shapeOf(chunks: AsyncIterable<Uint8Array>): Promise<Shape> {
  const arrays: string[] = [];
  let depth = 0;
  let inString = false;
  let isEscaped = false;
  let isDocumentDone = false;
  let key: number[] = [];
  let isKey = false;
  let expectsKey = true;
  const members: string[] = [];
  let memberCount = 0;
  /** The text that is the value of the member "type". */
  let type: number[] | undefined;
  let isType = false;
  let isOneLine = true;
  /** Within an array that is a member of the document: how many objects it holds, and does it hold nothing else? */
  let inArray = false;
  let objects = 0;
  let isPure = true;

  for await (const chunk of chunks) {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (inString) {
        if (isKey && key.length <= longestKey) key.push(byte);
        else if (isType && type!.length <= longestKey) type!.push(byte);
        if (isEscaped) isEscaped = false;
        else if (byte === backslash) isEscaped = true;
        else if (byte === quote) inString = isKey = isType = false;
        continue;
      }
      if (isJsonSpace(byte)) {
        if (depth > 0 && (byte === newline || byte === carriageReturn)) isOneLine = false;
        continue;
      }
      if (isDocumentDone || (depth === 0 && byte !== openBrace)) return { is: "documents" };
      const isElement = inArray && depth === 2;
      if (byte === quote) {
        inString = true;
        isKey = depth === 1 && expectsKey;
        if (isKey) key = [quote];
        isType = depth === 1 && !isKey && nameOf(key) === "type";
        if (isType) type = [quote];
        if (isElement) isPure = false;
      } else if (byte === openBrace || byte === openBracket) {
        if (isElement && byte === openBrace) objects++;
        else if (isElement) isPure = false;
        if (depth === 1) {
          inArray = byte === openBracket;
          objects = 0;
          isPure = true;
        }
        depth++;
      } else if (byte === closeBrace || byte === closeBracket) {
        depth--;
        if (depth === 1 && inArray && isPure && objects > 0) arrays.push(nameOf(key));
        if (depth <= 1) inArray = false;
        isDocumentDone = depth <= 0;
      } else if (byte === comma || byte === colon) {
        if (depth !== 1) continue;
        expectsKey = byte === comma;
        if (byte === colon && memberCount++ < membersKept) members.push(nameOf(key));
      } else if (isElement) isPure = false;
    }
  }
  return { is: "object", arrays, members, memberCount, type: type && nameOf(type), isOneLine };
}

function nameOf(key: readonly number[]): string {
  const text = new TextDecoder().decode(Uint8Array.from(key));
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
