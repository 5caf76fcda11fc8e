import { reasonOf } from "../errors.ts";
import { parseDatetime, parseTimespan } from "../schema/datetime-text.ts";
import { ExactNumber, stringifyExactly } from "../schema/exact-number.ts";
import type { Kind } from "../schema/kinds.ts";
import { RawJson, strays } from "../schema/raw-json.ts";
import { lastTick, msTo1970, msTo10000, splitMs, type Ticks, writeTicks } from "../schema/ticks.ts";
import { decimalText } from "./decimal-text.ts";
import type { JsonCheck } from "./json-check.ts";
import type { Slot } from "./layout.ts";
import { packNodes } from "./node-walk.ts";
import type { NodeTape } from "./nodes.ts";
import type { SharedBytes } from "./shared-buffer.ts";

/** The chunk being filled. The three views lie over one buffer and are replaced together. */
export interface OpenTape {
  readonly doubles: Float64Array<SharedBytes>;
  readonly longs: BigInt64Array<SharedBytes>;
  readonly words: Int32Array<SharedBytes>;
  /** What the closures append texts to. */
  text: string;
  readonly nodes: NodeTape;
}

/**
 * Puts one value that is neither null nor undefined into its slot of the row that starts at byte `row`. Returns why the
 * value does not fit, or undefined.
 */
export type ColumnPacker = (tape: OpenTape, row: number, value: unknown) => string | undefined;

/** What becomes of text with half a surrogate pair, which UTF-8 cannot carry. */
export type MalformedText = "refuse" | "replace";

/** The closure for one column: plain code that runs wherever JavaScript does, and the oracle of the generated packer. */
export function columnPacker(slot: Slot, malformedText: MalformedText, checkJson: JsonCheck): ColumnPacker {
  return packerOf[slot.kind](slot.offset, malformedText, checkJson);
}

type PackerOf = (offset: number, malformedText: MalformedText, checkJson: JsonCheck) => ColumnPacker;

const packerOf: Readonly<Record<Kind, PackerOf>> = {
  bool: boolPacker,
  datetime: datetimePacker,
  decimal: decimalPacker,
  dynamic: dynamicPacker,
  guid: guidPacker,
  int: intPacker,
  long: longPacker,
  real: realPacker,
  string: stringPacker,
  timespan: timespanPacker,
};

function boolPacker(offset: number): ColumnPacker {
  return (tape, row, value) => {
    if (typeof value !== "boolean") return "it is not a boolean";
    tape.words[(row + offset) >> 2] = value ? 1 : 0;
    return undefined;
  };
}

function intPacker(offset: number): ColumnPacker {
  return (tape, row, value) => {
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isInteger(number)) return "it is not an integer";
    if ((number | 0) !== number) return "it is outside the 32 bits of an int; use a long column";
    tape.words[(row + offset) >> 2] = number;
    return undefined;
  };
}

function longPacker(offset: number): ColumnPacker {
  return (tape, row, value) => {
    if (typeof value === "bigint") {
      if (BigInt.asIntN(64, value) !== value) return "it is outside the 64 bits of a long";
      tape.longs[(row + offset) >> 3] = value;
      return undefined;
    }
    if (typeof value !== "number" || !Number.isInteger(value)) return "it is not an integer";
    if (!Number.isSafeInteger(value)) return "JavaScript has already rounded a number of this size; use a bigint";
    const at = (row + offset) >> 2;
    tape.words[at] = value;
    tape.words[at + 1] = Math.floor(value / 4_294_967_296);
    return undefined;
  };
}

function realPacker(offset: number): ColumnPacker {
  return (tape, row, value) => {
    let number = value;
    if (value instanceof ExactNumber) {
      number = Number(value.text);
      if (!Number.isFinite(number)) return "it is beyond the largest real, 1.797e308";
    }
    if (typeof number !== "number") return "it is not a number";
    tape.doubles[(row + offset) >> 3] = number;
    return undefined;
  };
}

const outOfYears = "it is outside the years 0001 to 9999";

function datetimePacker(offset: number): ColumnPacker {
  const ticks: Ticks = { ms: 0, rest: 0 };
  return (tape, row, value) => {
    if (typeof value === "bigint") return packTicksSince0001(tape, row + offset, value);
    if (typeof value === "string") {
      const reason = parseDatetime(value, ticks);
      if (reason !== undefined) return reason;
    } else if (typeof value === "number") {
      if (!Number.isFinite(value)) return "it is not a finite number of milliseconds";
      // Split before the epoch is moved: added to 62 trillion, the fraction would lose its last digits.
      splitMs(value, ticks);
      ticks.ms += msTo1970;
    } else {
      const ms = timeOf(value);
      if (ms === undefined) return packInstant(tape, row + offset, value);
      if (Number.isNaN(ms)) return "it is an invalid Date";
      ticks.ms = ms + msTo1970;
      ticks.rest = 0;
    }
    if (ticks.ms < 0 || ticks.ms >= msTo10000) return outOfYears;
    writeTicks(tape.words, (row + offset) >> 2, ticks.ms, ticks.rest);
    return undefined;
  };
}

function packTicksSince0001(tape: OpenTape, at: number, ticks: bigint): string | undefined {
  if (ticks < 0n || ticks > lastTick) return outOfYears;
  tape.longs[at >> 3] = ticks;
  return undefined;
}

/** The time of a Date, also of one from another realm (a vm context, as test runners use), else undefined. */
function timeOf(value: unknown): number | undefined {
  if (value instanceof Date || Object.prototype.toString.call(value) === "[object Date]")
    return Date.prototype.getTime.call(value);
  return undefined;
}

const ticksTo1970 = BigInt(msTo1970) * 10_000n;

/** Temporal.Instant and Temporal.ZonedDateTime, known by what they have in common. Cut to the tick, towards the past. */
function packInstant(tape: OpenTape, at: number, value: unknown): string | undefined {
  const nanoseconds = (value as { epochNanoseconds?: unknown }).epochNanoseconds;
  if (typeof nanoseconds !== "bigint") return "it is no Date, ISO 8601 text, number of milliseconds or bigint of ticks";
  const below = nanoseconds % 100n < 0n ? 1n : 0n;
  return packTicksSince0001(tape, at, nanoseconds / 100n - below + ticksTo1970);
}

/** The milliseconds of the last and the first tick of 64 bits, and the ticks that may stand above them. */
const lastSpanMs = 922_337_203_685_477;
const lastSpanRest = 5807;
const firstSpanMs = -922_337_203_685_478;
const firstSpanRest = 4192;

function timespanPacker(offset: number): ColumnPacker {
  const ticks: Ticks = { ms: 0, rest: 0 };
  return (tape, row, value) => {
    if (typeof value === "bigint") {
      if (BigInt.asIntN(64, value) !== value) return "it is outside the 64 bits of a timespan";
      tape.longs[(row + offset) >> 3] = value;
      return undefined;
    }
    if (typeof value === "string") {
      if (!parseTimespan(value, ticks)) return "it is not [-][d.]hh:mm:ss[.fffffff]";
    } else if (typeof value === "number" && Number.isFinite(value)) splitMs(value, ticks);
    else return "it is no timespan text, finite number of milliseconds or bigint of ticks";
    const { ms, rest } = ticks;
    const isTooLong = ms > lastSpanMs || (ms === lastSpanMs && rest > lastSpanRest);
    if (isTooLong || ms < firstSpanMs || (ms === firstSpanMs && rest < firstSpanRest))
      return "it is outside the 64 bits of a timespan";
    writeTicks(tape.words, (row + offset) >> 2, ms, rest);
    return undefined;
  };
}

/** Kusto's limit for a string and for a dynamic (documentation, "Ingestion limits"): beyond it, it cuts or drops. */
export const longestText = 1_048_576;

const utf8 = new TextEncoder();

function isTooLong(text: string): boolean {
  // A unit is at most three bytes and at least one, which settles nearly every text without counting.
  if (text.length * 3 <= longestText) return false;
  return text.length > longestText || utf8.encode(text).length > longestText;
}

function append(tape: OpenTape, at: number, text: string): undefined {
  tape.words[at >> 2] = text.length;
  tape.text += text;
}

const loneSurrogate =
  'it has a lone surrogate, which UTF-8 cannot carry; malformedText: "replace" sends U+FFFD in its place';

/**
 * A text that UTF-8 can carry; undefined where there is none. Per value, not per chunk: half a pair at the end of one text
 * and half at the start of the next would make a character that neither record had.
 */
function wellFormed(text: string, malformedText: MalformedText): string | undefined {
  if (text.isWellFormed()) return text;
  return malformedText === "replace" ? text.toWellFormed() : undefined;
}

function stringPacker(offset: number, malformedText: MalformedText): ColumnPacker {
  return (tape, row, value) => {
    if (typeof value !== "string") return "it is not a string";
    const text = wellFormed(value, malformedText);
    if (text === undefined) return loneSurrogate;
    if (isTooLong(text)) return "it is over 1 MiB of UTF-8, and Kusto would cut it";
    return append(tape, row + offset, text);
  };
}

const tooLongJson = "its JSON is over 1 MiB, and Kusto would store null";

/** So many values in a row at most are left to JSON.stringify without a try. */
const mostUntried = 1_023;

/**
 * Puts values into their slot as nodes where that can be done. A column whose values are not for it is tried ever more rarely, down to
 * one value in 1 024: those with a Date inside or of a class, or with halves of surrogate pairs, which are walked in vain (up to 0.4 of
 * what JSON.stringify then takes); and those whose keys are others each time, which have to be looked up: five of a thousand took 450 ns
 * against 290, ten that were new 1 280 against 540 (Node 24).
 */
function nodesPacker(column: number): (tape: OpenTape, at: number, value: unknown) => boolean {
  let failures = 0;
  let untried = 0;
  /** The last one was good, unless the check of its row has it packed again. */
  let isUnsettled = false;
  const failed = (): void => {
    failures = Math.min(failures + 1, 12);
    untried = Math.min((1 << failures) >> 2, mostUntried);
  };
  return (tape, at, value) => {
    const { nodes } = tape;
    if (isUnsettled && nodes.isCheckedByRow) failures = 0;
    isUnsettled = false;
    if (untried > 0) {
      untried--;
      return false;
    }
    const before = nodes.at;
    const header = packNodes(nodes, value, column);
    if (header < 0) {
      failed();
      return false;
    }
    if (!nodes.isCheckedByRow && !nodes.text.isWellFormed()) {
      nodes.at = before;
      failed();
      return false;
    }
    // A key with its value is two words or more.
    if (nodes.keys.misses * 4 > nodes.at - before) failed();
    else isUnsettled = true;
    tape.words[at >> 2] = ~header;
    tape.text += nodes.text;
    return true;
  };
}

function dynamicPacker(offset: number, malformedText: MalformedText, checkJson: JsonCheck): ColumnPacker {
  const packAsNodes = nodesPacker(offset >> 2);
  return (tape, row, value) => {
    if (value instanceof RawJson) {
      const raw = rawJsonText(value, malformedText, checkJson);
      return "reason" in raw ? raw.reason : append(tape, row + offset, raw.text);
    }
    if (packAsNodes(tape, row + offset, value)) return undefined;
    let text: string | undefined;
    const straysBefore = strays.count;
    try {
      // It escapes lone surrogates and control characters, so its text is well-formed and on one line.
      text = stringifyExactly(value);
    } catch (error) {
      // Cycles, a bigint inside, a toJSON that throws. V8 draws a cycle over several lines; the first one names it.
      return `JSON has no form for it (${reasonOf(error).split("\n", 1)[0]})`;
    }
    if (strays.count > straysBefore) return "it has rawJson() inside, which must be the whole value of a column";
    if (text === undefined) return "JSON has no form for it";
    if (isTooLong(text)) return tooLongJson;
    return append(tape, row + offset, text);
  };
}

/** Checked, not parsed: nothing is made of it. */
function rawJsonText({ text: given }: RawJson, malformedText: MalformedText, checkJson: JsonCheck): RawText {
  if (given === undefined) return { reason: "its JSON is not UTF-8" };
  const text = wellFormed(given, malformedText);
  if (text === undefined) return { reason: loneSurrogate };
  if (isTooLong(text)) return { reason: tooLongJson };
  const fault = checkJson(text);
  if (fault !== undefined) return { reason: `it is not JSON: ${fault.reason}, at character ${fault.at}` };
  // In sound JSON they stand between tokens only, and in NDJSON they would end the row.
  return { text: /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, " ") : text };
}

type RawText = { readonly text: string } | { readonly reason: string };

function decimalPacker(offset: number): ColumnPacker {
  return (tape, row, value) => {
    if (typeof value === "number" && !Number.isFinite(value)) return "a decimal has no such value";
    const isText = typeof value === "string" || value instanceof ExactNumber;
    if (!isText && typeof value !== "number" && typeof value !== "bigint")
      return "it is no decimal text, number or bigint";
    const decimal = decimalText(String(value));
    return "reason" in decimal ? decimal.reason : append(tape, row + offset, decimal.text);
  };
}

const guidForm = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

function guidPacker(offset: number): ColumnPacker {
  return (tape, row, value) => {
    if (typeof value !== "string" || !guidForm.test(value)) return "it is not a guid of the form 8-4-4-4-12 hex digits";
    return append(tape, row + offset, value.toLowerCase());
  };
}
