import { IngestionFailure } from "../ingestion-failure.ts";
import { checkRecord } from "./file-text.ts";

/** One record: its text, and the same parsed. Numbers, decimals and dynamics are read from the text, for exactness. */
export interface JsonRecord {
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * The records of `json`: one property bag per line. A line that is no property bag is left out in silence, as the
 * service does (documentation, "Ingestion behavior of invalid data").
 */
export async function* jsonLines(pieces: AsyncIterable<string>): AsyncGenerator<JsonRecord[]> {
  let rest = "";
  let isStart = true;
  for await (const piece of pieces) {
    const lines = (rest + (isStart ? withoutMark(piece) : piece)).split("\n");
    isStart = isStart && piece === "";
    rest = lines.pop()!;
    checkRecord(rest.length);
    yield lines.flatMap(bagOf);
  }
  yield bagOf(rest);
}

function bagOf(line: string): JsonRecord[] {
  if (line.trim() === "") return [];
  try {
    const value: unknown = JSON.parse(line);
    return isBag(value) ? [{ text: line, value }] : [];
  } catch {
    return [];
  }
}

/**
 * The records of `multijson`: property bags with white space or nothing between them, or one array of property bags
 * (documentation, "Data formats supported for ingestion").
 *
 * @throws IngestionFailure BadRequest_InvalidBlob where it is neither.
 */
export async function* multiJson(pieces: AsyncIterable<string>): AsyncGenerator<JsonRecord[]> {
  const state: BagScan = { rest: "", at: 0, from: -1, depth: 0, isInString: false, place: "start" };
  let isStart = true;
  for await (const piece of pieces) {
    const records = nextBags(state, isStart ? withoutMark(piece) : piece);
    isStart = isStart && piece === "";
    if (records.length > 0) yield records;
  }
  if (state.from >= 0) throw invalid("it ends within a record");
  if (isInArray(state.place)) throw invalid("it ends within the array");
}

/** Between records: at the start, between bags in a row, in the array (behind its bracket, a comma, a bag), behind the array. */
type BagPlace = "start" | "bags" | "bracket" | "comma" | "element" | "end";

const isInArray = (place: BagPlace) => place === "bracket" || place === "comma" || place === "element";

/** The place after a character between records; undefined where it may not stand. */
function placeAfter(char: number, place: BagPlace): BagPlace | undefined {
  switch (char) {
    case 0x7b:
      if (place === "bracket" || place === "comma") return "element";
      return place === "start" || place === "bags" ? "bags" : undefined;
    case 0x5b:
      return place === "start" ? "bracket" : undefined;
    case 0x5d:
      return place === "bracket" || place === "element" ? "end" : undefined;
    case 0x2c:
      return place === "element" ? "comma" : undefined;
    default:
      return undefined;
  }
}

const isSpace = (char: number) => char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09;

interface BagScan {
  rest: string;
  at: number;
  /** Where the open record begins, or -1 between records. */
  from: number;
  depth: number;
  isInString: boolean;
  place: BagPlace;
}

/** Scans on through `rest + piece`; the scan itself never goes back, however a record is cut into pieces. */
function nextBags(state: BagScan, piece: string): JsonRecord[] {
  const records: JsonRecord[] = [];
  const text = state.rest + piece;
  checkRecord(state.rest.length);
  let { at, from, depth, isInString } = state;
  for (; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (isInString) {
      if (char === 0x5c) at++;
      else if (char === 0x22) isInString = false;
      continue;
    }
    if (from >= 0) {
      if (char === 0x22) isInString = true;
      else if (char === 0x7b || char === 0x5b) depth++;
      else if (char === 0x7d || char === 0x5d) {
        depth--;
        if (depth > 0) continue;
        records.push(parsedBag(text.slice(from, at + 1)));
        from = -1;
      }
      continue;
    }
    if (isSpace(char)) continue;
    const place = placeAfter(char, state.place);
    if (place === undefined) throw invalid(`unexpected character ${JSON.stringify(text[at])} between records`);
    state.place = place;
    if (char !== 0x7b) continue;
    from = at;
    depth = 1;
  }
  const keep = from >= 0 ? from : text.length;
  Object.assign(state, { rest: text.slice(keep), at: at - keep, from: from >= 0 ? 0 : -1, depth, isInString });
  return records;
}

function parsedBag(text: string): JsonRecord {
  try {
    return { text, value: JSON.parse(text) as Record<string, unknown> };
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

const invalid = (why: string) =>
  new IngestionFailure("BadRequest_InvalidBlob", `Blob is invalid: malformed JSON, ${why}.`);

const withoutMark = (text: string) => (text.startsWith("\ufeff") ? text.slice(1) : text);

export function isBag(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
