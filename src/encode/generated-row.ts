import { msTo1970, msTo10000 } from "../schema/ticks.ts";
import { isInherited, ownValue, type RowPacker, type ValuePacker, valuePacker } from "./closure-row.ts";
import { longestText, type MalformedText, type OpenTape } from "./column-packers.ts";
import { checkJsonInJavaScript, type JsonCheck } from "./json-check.ts";
import { nullsOffset, type Slot, type TapeLayout, textKinds } from "./layout.ts";
import type { Misfit } from "./misfit.ts";

/**
 * The row packer as generated code: the usual value of a column is tested and stored in place, everything else (null, a
 * refusal, the rarer forms) goes to the closure of that column, so there is one place that says what a kind takes.
 * Undefined where the runtime forbids code from text (a content security policy); the closures serve there.
 *
 * Names enter the code only as JSON string literals, which are JavaScript string literals as well.
 */
export function generatedRow(
  layout: TapeLayout,
  malformedText: MalformedText,
  checkJson: JsonCheck = checkJsonInJavaScript,
): RowPacker | undefined {
  const closures = layout.slots.map((slot, index) => valuePacker(slot, index, malformedText, checkJson));
  const parts: RowPacker[] = [];
  try {
    for (let first = 0; first < layout.slots.length; first += columnsPerFunction)
      parts.push(compilePart(layout.slots.slice(first, first + columnsPerFunction), first, closures));
  } catch {
    return undefined;
  }
  if (parts.length === 1) return parts[0];
  return (tape, row, record) => {
    let text = "";
    for (const part of parts) {
      const packed = part(tape, row, record);
      if (typeof packed !== "string") return packed;
      text += packed;
    }
    return text;
  };
}

/** V8 gives up optimising a function that is too long; and 32 columns are one word of null bits. */
const columnsPerFunction = 32;

function compilePart(slots: readonly Slot[], first: number, closures: readonly ValuePacker[]): RowPacker {
  const firstText = slots.findIndex((slot) => textKinds.has(slot.kind));
  const hasNodes = slots.some(({ kind }) => kind === "dynamic");
  const body = `"use strict";
return (tape, row, record) => {
  const { doubles, words } = tape;
  const d = row >> 3;
  const w = row >> 2;
  let text = "";
  let misfit;
  words[w + ${nullsOffset / 4 + first / 32}] = 0;
${hasNodes ? "  tape.nodes.isCheckedByRow = true;\n  tape.nodes.partAt = tape.nodes.at;" : ""}
${slots.map((slot, i) => columnCode(slot, first + i, i === firstText, misfitCode(slots, first, i))).join("\n")}
${slots.some(isUnchecked) ? malformedCode(slots, first) : ""}
  return text;
};`;
  const make = new Function("closures", "anew", "own", "getTime", body);
  return make(closures, partByClosures(first, closures, hasNodes), ownValue, Date.prototype.getTime);
}

/** The kinds whose texts may be malformed until the row is checked: strings, and those in a dynamic that was taken apart. */
function isUnchecked({ kind }: Slot): boolean {
  return kind === "string" || kind === "dynamic";
}

/**
 * The texts of a row are checked for halves of surrogate pairs together, which costs a third of checking each: 24 ns a record
 * of four texts on Node 24.
 */
function malformedCode(slots: readonly Slot[], first: number): string {
  return `  if (!text.isWellFormed()) return anew(tape, row, ${valuesBefore(slots, first, slots.length)}, undefined);`;
}

/**
 * A text before the misfit may be malformed and not be found out yet; the first column that does not fit is to be named. A dynamic
 * fits whatever its texts are.
 */
function misfitCode(slots: readonly Slot[], first: number, at: number): string {
  if (!slots.slice(0, at).some((slot) => slot.kind === "string")) return "return misfit;";
  return `return anew(tape, row, ${valuesBefore(slots, first, at)}, misfit);`;
}

function valuesBefore(slots: readonly Slot[], first: number, end: number): string {
  return `[${slots.slice(0, end).map((_, i) => `v${first + i}`)}]`;
}

/** The columns of a part by their closures alone, up to the one that has a misfit, for a row in which a text may be malformed. */
function partByClosures(first: number, closures: readonly ValuePacker[], hasNodes: boolean) {
  return (tape: OpenTape, row: number, values: readonly unknown[], misfit: Misfit | undefined): string | Misfit => {
    tape.text = "";
    tape.nodes.isCheckedByRow = false;
    if (hasNodes) tape.nodes.at = tape.nodes.partAt;
    tape.words[(row + nullsOffset + first / 8) >> 2] = 0;
    for (const [i, value] of values.entries()) {
      const earlier = closures[first + i]!(tape, row, value);
      if (earlier !== undefined) return earlier;
    }
    return misfit ?? tape.text;
  };
}

/** One column: the value under a name of its own, the usual case in place, the closure for the rest. */
function columnCode(slot: Slot, index: number, isFirstText: boolean, onMisfit: string): string {
  const name = JSON.stringify(slot.name);
  const value = `v${index}`;
  const read = isInherited(slot.name) ? `own(record, ${name})` : `record[${name}]`;
  const rest = `{
    tape.text = "";
    misfit = closures[${index}](tape, row, ${value});
    if (misfit !== undefined) ${onMisfit}
    text += tape.text;
  }`;
  return `  const ${value} = ${read};\n  ${usualCase(slot, value, index, isFirstText)}${rest}`;
}

/** A text of that many units cannot be over the limit, whatever its characters. */
const surelyShort = Math.floor(longestText / 3);

/** Code that ends in `else `, or nothing where every value is the closure's. */
function usualCase({ kind, offset }: Slot, value: string, index: number, isFirstText: boolean): string {
  const word = `words[w + ${offset / 4}]`;
  const nextWord = `words[w + ${offset / 4 + 1}]`;
  switch (kind) {
    case "real":
      return `if (typeof ${value} === "number") doubles[d + ${offset / 8}] = ${value}; else `;
    case "int":
      return `if (typeof ${value} === "number" && (${value} | 0) === ${value}) ${word} = ${value}; else `;
    case "bool":
      return `if (${value} === true) ${word} = 1; else if (${value} === false) ${word} = 0; else `;
    case "long":
      return `if (Number.isSafeInteger(${value})) { ${word} = ${value}; ${nextWord} = Math.floor(${value} / 4294967296); } else `;
    case "string": {
      // Half a pair at its start would make a whole one with a half before it, which the check of the row would not see.
      const isApart = isFirstText ? "" : ` && (${value}.charCodeAt(0) & 0xfc00) !== 0xdc00`;
      const test = `typeof ${value} === "string" && ${value}.length <= ${surelyShort}${isApart}`;
      return `if (${test}) { ${word} = ${value}.length; text ${isFirstText ? "=" : "+="} ${value}; } else `;
    }
    case "datetime": {
      // As writeTicks() does it; NaN, of an invalid Date, fails the first comparison.
      const ms = `m${index}`;
      const low = `l${index}`;
      return `const ${ms} = ${value} instanceof Date ? getTime.call(${value}) + ${msTo1970} : -1;
  if (${ms} >= 0 && ${ms} < ${msTo10000}) {
    const ${low} = Math.imul(${ms}, 10000) >>> 0;
    ${word} = ${low};
    ${nextWord} = Math.round((${ms} * 10000 - ${low}) / 4294967296);
  } else `;
    }
    default:
      return "";
  }
}
