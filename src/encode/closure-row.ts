import { RawJson } from "../schema/raw-json.ts";

import { columnPacker, type MalformedText, type OpenTape } from "./column-packers.ts";
import { checkJsonInJavaScript, type JsonCheck } from "./json-check.ts";
import { nullsOffset, type Slot, type TapeLayout, wideKinds } from "./layout.ts";
import type { Misfit } from "./misfit.ts";

/**
 * Packs one record into the row that starts at byte `row`, all but the row's record number, and returns its texts, one behind
 * the other. After a misfit the row's slots hold a part of the record, which the caller lets be overwritten.
 */
export type RowPacker = (tape: OpenTape, row: number, record: Readonly<Record<string, unknown>>) => string | Misfit;

/** One column of any value, null included; the row's null bits were cleared before. A text goes behind `tape.text`. */
export type ValuePacker = (tape: OpenTape, row: number, value: unknown) => Misfit | undefined;

/** One closure per column: needs nothing of the runtime, and is the oracle of the generated packer. */
export function closureRow(
  layout: TapeLayout,
  malformedText: MalformedText,
  checkJson: JsonCheck = checkJsonInJavaScript,
): RowPacker {
  const columns = layout.slots.map((slot, index) => ({
    name: slot.name,
    isInherited: isInherited(slot.name),
    pack: valuePacker(slot, index, malformedText, checkJson),
  }));
  return (tape, row, record) => {
    const nulls = (row + nullsOffset) >> 2;
    tape.words.fill(0, nulls, nulls + layout.nullWords);
    tape.text = "";
    tape.nodes.isCheckedByRow = false;
    for (const { name, isInherited, pack } of columns) {
      const misfit = pack(tape, row, isInherited ? ownValue(record, name) : record[name]);
      if (misfit !== undefined) return misfit;
    }
    return tape.text;
  };
}

export function valuePacker(
  slot: Slot,
  index: number,
  malformedText: MalformedText,
  checkJson: JsonCheck,
): ValuePacker {
  const pack = columnPacker(slot, malformedText, checkJson);
  const nullWord = nullsOffset + 4 * (index >> 5);
  const nullBit = 1 << (index & 31);
  return (tape, row, value) => {
    if (value === null || value === undefined || (slot.kind === "dynamic" && isNullText(value))) {
      if (!slot.isOptional) return { column: slot, value, reason: "it is missing, and the column is not optional" };
      tape.words[(row + nullWord) >> 2]! |= nullBit;
      clear(tape, row, slot);
      return undefined;
    }
    const reason = pack(tape, row, value);
    return reason === undefined ? undefined : { column: slot, value, reason };
  };
}

/** JSON's null is the null of the column, also where it is text. */
function isNullText(value: unknown): boolean {
  return value instanceof RawJson && /^[ \t\r\n]*null[ \t\r\n]*$/.test(value.text ?? "");
}

/** A null's slot is zeroed: its length must be, and the rest would otherwise carry what an earlier chunk left there. */
function clear(tape: OpenTape, row: number, slot: Slot): void {
  const at = (row + slot.offset) >> 2;
  tape.words[at] = 0;
  if (wideKinds.has(slot.kind)) tape.words[at + 1] = 0;
}

/** `constructor`, `toString` and the like: a record that lacks such a column would answer with Object's own member. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

export function ownValue(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
