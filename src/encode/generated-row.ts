import { msTo1970, msTo10000 } from "../schema/ticks.ts";
import { isInherited, ownValue, type RowPacker, type ValuePacker, valuePacker } from "./closure-row.ts";
import { longestText, type MalformedText } from "./column-packers.ts";
import { checkJsonInJavaScript, type JsonCheck } from "./json-check.ts";
import { nullsOffset, type Slot, type TapeLayout } from "./layout.ts";

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
    for (const part of parts) {
      const misfit = part(tape, row, record);
      if (misfit !== undefined) return misfit;
    }
    return undefined;
  };
}

/** V8 gives up optimising a function that is too long; and 32 columns are one word of null bits. */
const columnsPerFunction = 32;

function compilePart(slots: readonly Slot[], first: number, closures: readonly ValuePacker[]): RowPacker {
  const body = `"use strict";
return (tape, row, record) => {
  const { doubles, words } = tape;
  const d = row >> 3;
  const w = row >> 2;
  let text = tape.text;
  let misfit;
  words[w + ${nullsOffset / 4 + first / 32}] = 0;
${slots.map((slot, i) => columnCode(slot, first + i)).join("\n")}
  tape.text = text;
  return undefined;
};`;
  const make = new Function("closures", "own", "getTime", body);
  return make(closures, ownValue, Date.prototype.getTime);
}

/** One column: the value under a name of its own, the usual case in place, the closure for the rest. */
function columnCode(slot: Slot, index: number): string {
  const name = JSON.stringify(slot.name);
  const value = `v${index}`;
  const read = isInherited(slot.name) ? `own(record, ${name})` : `record[${name}]`;
  const rest = `{
    tape.text = text;
    misfit = closures[${index}](tape, row, ${value});
    if (misfit !== undefined) return misfit;
    text = tape.text;
  }`;
  return `  const ${value} = ${read};\n  ${usualCase(slot, value, index)}${rest}`;
}

/** A text of that many units cannot be over the limit, whatever its characters. */
const surelyShort = Math.floor(longestText / 3);

/** Code that ends in `else `, or nothing where every value is the closure's. */
function usualCase({ kind, offset }: Slot, value: string, index: number): string {
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
    case "string":
      return `if (typeof ${value} === "string" && ${value}.length <= ${surelyShort} && ${value}.isWellFormed()) { ${word} = ${value}.length; text += ${value}; } else `;
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
