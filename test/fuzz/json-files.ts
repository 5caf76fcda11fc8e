import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { type JsonRecord, jsonLines, multiJson } from "../../src/emulator/ingest/json.ts";
import { MillraceError } from "../../src/errors.ts";
import { ExactNumber } from "../../src/schema/exact-number.ts";
import { shapeOf } from "../../src/source/json-shape.ts";
import { stdin } from "../../src/source/stdin.ts";
import { deep, nearlyJson, pick, piecesOf, spoiled } from "./adversarial.ts";
import type { Subject } from "./subject.ts";

type Next = () => number;
type Bag = Record<string, unknown>;

/** What JSON.parse makes of a text: records, how many values are none, and whether the text as a whole is broken. */
interface Judged {
  readonly records: readonly unknown[];
  readonly others: number;
  readonly isBroken: boolean;
}

/**
 * Files of JSON and NDJSON, or nearly, through the readers of sources and those of the emulator, in whatever pieces; judged
 * by `JSON.parse`.
 */
export function jsonFiles(): Subject {
  return {
    name: "json-files",
    async step(next) {
      const cases = 20;
      for (let i = 0; i < cases; i++) {
        await checkDocument(next);
        await checkPath(next);
        await checkLines(next);
      }
      return cases;
    },
  };
}

const spaces = ["", "", "", " ", "\n", "\r\n", "\t", "  "];
const noSpaces = ["\0", "\v", "\f", "\x1f", "\u00a0", "\u2028", "\ufeff", "\u3000", "\x7f"];
const tails = ["[]", "{}", "]", "}", ",", "[{}]", "x", "1", '"'];

const space = (next: Next) => (next() % 60 === 0 ? pick(next, noSpaces) : pick(next, spaces));

function bagText(next: Next): string {
  if (next() % 100 === 0) {
    // Where a deeper one is broken, the oracle would try each of its brackets.
    const text = deep(next);
    return text.length < 10_000 ? text : "{}";
  }
  if (next() % 6 === 0) return nearlyJson(next);
  const members = Array.from({ length: next() % 3 }, (_, i) => `"k${i}":${nearlyJson(next, 4)}`);
  return `{${members.join(",")}}`;
}

function arrayText(next: Next): string {
  const items = Array.from({ length: next() % 4 }, () => space(next) + bagText(next) + space(next));
  return `[${items.join(next() % 20 === 0 ? pick(next, [",,", " ", ";"]) : ",") || space(next)}${next() % 40 === 0 ? "," : ""}]`;
}

/** Sound in most cases; else something is put behind, cut off, or changed in the middle. */
function flawed(next: Next, text: string): string {
  const around = space(next) + text + space(next);
  switch (next() % 12) {
    case 0:
      return around + pick(next, tails);
    case 1:
      return around.slice(0, next() % (around.length + 1));
    case 2:
      return Buffer.from(spoiled(next, Buffer.from(around))).toString();
    default:
      return Buffer.from(around).toString(); // lone surrogates become what the readers see
  }
}

function documentText(next: Next): string {
  const objects = () => Array.from({ length: next() % 4 }, () => bagText(next) + space(next)).join("");
  return flawed(next, next() % 3 === 0 ? objects() : arrayText(next));
}

async function checkDocument(next: Next): Promise<void> {
  const text = documentText(next);
  // A mark that the text begins with would be taken for the file's: then there are two.
  const isMarked = text.startsWith("\ufeff") || next() % 6 === 0;
  const bytes = Buffer.from((isMarked ? "\ufeff" : "") + text);
  const judged = judgeDocument(text);
  await compare(await readSource(next, bytes, { format: "json" }), judged, text);

  const value = parsed(text);
  if (isBag(value)) {
    const shape = await shapeOf(chunksOf(next, Buffer.from(text)));
    const arrays = Object.keys(value).filter((name) => isArrayOfBags(value[name]));
    if (Object.keys(value).length === membersIn(text))
      assert.deepEqual([...("arrays" in shape ? shape.arrays : [])].sort(), arrays.sort(), text);
  }

  const service = await readPieces(next, multiJson, (isMarked ? "\ufeff" : "") + text);
  const isRefused = judged.isBroken || judged.others > 0;
  assert.equal(
    service.error !== undefined,
    isRefused,
    `multijson: ${service.error ?? "taken"}: ${JSON.stringify(text)}`,
  );
  if (!isRefused) assert.deepEqual(service.records.map(normal), judged.records.map(normal), JSON.stringify(text));
}

async function checkPath(next: Next): Promise<void> {
  const others = () => Array.from({ length: next() % 3 }, (_, i) => `"o${i}":${nearlyJson(next, 3)}`);
  const name = next() % 8 === 0 ? '"\\u0061"' : '"a"';
  const inner = [...others(), `${name}${space(next)}:${space(next)}${arrayText(next)}`, ...others()];
  const isNested = next() % 2 === 0;
  const object = `{${space(next)}${inner.join(next() % 40 === 0 ? ",," : ",")}${space(next)}}`;
  const text = flawed(next, isNested ? `{${[...others(), `"n":${object}`, ...others()].join(",")}}` : object);
  if (text.startsWith("\ufeff")) return;
  const path = isNested ? "n.a" : "a";
  const value = parsed(text);
  const found = path
    .split(".")
    .reduce<unknown>((at, part) => (isBag(at) && Object.hasOwn(at, part) ? at[part] : undefined), value);
  const judged: Judged = Array.isArray(found)
    ? { records: found.filter(isBag), others: found.length - found.filter(isBag).length, isBroken: false }
    : { records: [], others: 0, isBroken: true };
  const read = await readSource(next, Buffer.from(text), { path });
  // JSON.parse takes the last of two members of a name; the reader refuses, or has met one that is no array.
  if (read.error && !judged.isBroken && (text.match(/"(a|\\u0061|n)"/g)?.length ?? 0) > path.split(".").length) return;
  await compare(read, judged, text);
}

async function checkLines(next: Next): Promise<void> {
  const ends = ["\n", "\n", "\r\n", "\n\n", " \n", "\t\r\n"];
  const lines = Array.from(
    { length: next() % 5 },
    () => space(next) + bagText(next).replaceAll("\n", " ") + space(next) + pick(next, ends),
  );
  const text = flawed(next, lines.join(""));
  if (text.startsWith("\ufeff")) return;
  const texts = text.split("\n").filter((line) => !/^[ \t\r]*$/.test(line));
  // CR alone ends a line as well, unless it stands within a record, where it is white space to JSON.parse, too: what is neither is ours alone.
  if (texts.some((line) => /\r(?!$)/.test(line) && parsed(line) === undefined)) return;
  const values = texts.map(parsed);
  const records = values.filter(isBag);
  const read = await readSource(next, Buffer.from(text), { format: "ndjson" });
  if (texts.length === 0 && text !== "") {
    assert.match(read.error ?? "", /holds no record/, JSON.stringify(text));
    return;
  }
  assert.equal(read.error, undefined, JSON.stringify(text));
  assert.deepEqual(read.records.map(normal), records.map(normal), JSON.stringify(text));
  assert.equal(read.refused, values.length - records.length, JSON.stringify(text));
  // The service leaves broken lines out.
  const service = await readPieces(next, jsonLines, text);
  assert.deepEqual(service.records.map(normal), records.map(normal), JSON.stringify(text));
}

async function compare(read: Read, { records, others, isBroken }: Judged, text: string): Promise<void> {
  const said = JSON.stringify(text);
  if (/^[ \t\r\n]*$/.test(text) && read.error !== undefined) {
    assert.match(read.error, /holds no record|the file ends before the array/, said);
    return;
  }
  if (isBroken) {
    assert.ok(read.error !== undefined || read.refused > 0, `taken in silence: ${said}`);
    return;
  }
  assert.equal(read.error, undefined, said);
  assert.equal(read.refused, others, said);
  assert.deepEqual(read.records.map(normal), records.map(normal), said);
}

/** One array, or objects one after another: the latter are cut off one by one, wherever JSON.parse takes what is before. */
function judgeDocument(text: string): Judged {
  const value = parsed(text);
  if (Array.isArray(value)) {
    const records = value.filter(isBag);
    return { records, others: value.length - records.length, isBroken: false };
  }
  const records: unknown[] = [];
  let rest = text;
  while (!/^[ \t\r\n]*$/.test(rest)) {
    const end = firstObjectEnd(rest);
    if (end < 0) return { records, others: 0, isBroken: true };
    records.push(parsed(rest.slice(0, end)));
    rest = rest.slice(end);
  }
  return { records, others: 0, isBroken: false };
}

function firstObjectEnd(text: string): number {
  // A thousand closing braces in a row belong to one deep object: its end is sought from behind.
  const whole = /^[ \t\r\n]*\{/.test(text) && isBag(parsed(text));
  if (whole) return text.length;
  for (let end = text.indexOf("}") + 1; end > 0; end = text.indexOf("}", end) + 1)
    if (isBag(parsed(text.slice(0, end)))) return end;
  return -1;
}

interface Read {
  readonly records: readonly unknown[];
  readonly refused: number;
  readonly error: string | undefined;
}

async function readSource(
  next: Next,
  bytes: Buffer,
  options: { format?: "json" | "ndjson"; path?: string },
): Promise<Read> {
  const records: unknown[] = [];
  let refused = 0;
  try {
    const stream = Readable.from(chunksOf(next, bytes));
    for await (const slice of stdin({ ...options, stream }).read({}, new AbortController().signal)) {
      records.push(...slice.records);
      refused += slice.refused?.length ?? 0;
    }
    return { records, refused, error: undefined };
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== "BAD_SOURCE") throw error;
    return { records, refused, error: error.message };
  }
}

async function readPieces(
  next: Next,
  reader: (pieces: AsyncIterable<string>) => AsyncGenerator<JsonRecord[]>,
  text: string,
): Promise<Read> {
  async function* pieces() {
    for (let at = 0; at < text.length; ) {
      const size = next() % 4 === 0 ? 1 : 1 + (next() % text.length);
      yield text.slice(at, at + size);
      at += size;
    }
  }
  const records: unknown[] = [];
  try {
    for await (const batch of reader(pieces())) records.push(...batch.map(({ value }) => value));
    return { records, refused: 0, error: undefined };
  } catch (error) {
    return { records, refused: 0, error: (error as Error).message };
  }
}

/** A byte at a time, in a few pieces, or whole. */
async function* chunksOf(next: Next, bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length < 400 && next() % 3 === 0)
    for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1);
  else if (next() % 2 === 0) for (const piece of piecesOf(next, bytes)) yield Buffer.from(piece);
  else if (bytes.length > 0) yield bytes;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isBag = (value: unknown): value is Bag => typeof value === "object" && value !== null && !Array.isArray(value);
const isArrayOfBags = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isBag);

/** How many members the outermost object of a sound text has, those of one name counted each. */
function membersIn(text: string): number {
  let depth = 0;
  let members = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}:]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (token === ":" && depth === 1) members++;
  }
  return members;
}

/** Integers beyond 2^53 are kept by the readers and rounded by JSON.parse. */
function normal(value: unknown): string {
  try {
    // What no double holds is kept to the digit; JSON.parse has the nearest double.
    const text = JSON.stringify(value, function (this: Bag, key, each) {
      const given = this[key];
      return typeof given === "bigint" || given instanceof ExactNumber ? Number(given.toString()) : each;
    });
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    // Deeper than JSON.stringify goes, unlike JSON.parse: that it was read is all that is compared.
    if (error instanceof RangeError) return "deep";
    throw error;
  }
}
