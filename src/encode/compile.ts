import type { NamedColumn } from "../schema/table.ts";
import { columnPacker, type MalformedText, type OpenTape } from "./column-packers.ts";
import { nullsOffset, type Slot, type TapeLayout, wideKinds } from "./layout.ts";

/** Why a record does not fit: at which column (undefined: the record as a whole), for which value. */
export interface Misfit {
  readonly column: NamedColumn | undefined;
  readonly value: unknown;
  readonly reason: string;
  /** What reading the record threw. */
  readonly cause?: unknown;
}

/**
 * Packs one record into the row that starts at byte `row`, all but the row's record number. After a misfit the row's
 * slots and `tape.text` hold a part of the record; the caller drops both.
 */
export type RowPacker = (tape: OpenTape, row: number, record: Readonly<Record<string, unknown>>) => Misfit | undefined;

export const missing = "it is missing, and the column is not optional";

/** One closure per column: needs nothing of the runtime, and is the oracle of the generated packer. */
export function closureRow(layout: TapeLayout, malformedText: MalformedText): RowPacker {
  const columns = layout.slots.map((slot, index) => ({
    slot,
    pack: columnPacker(slot, malformedText),
    isInherited: isInherited(slot.name),
    nullWord: nullsOffset + 4 * (index >> 5),
    nullBit: 1 << (index & 31),
  }));
  return (tape, row, record) => {
    tape.words.fill(0, (row + nullsOffset) >> 2, (row + nullsOffset + 4 * layout.nullWords) >> 2);
    for (const { slot, pack, isInherited, nullWord, nullBit } of columns) {
      const value = isInherited ? ownValue(record, slot.name) : record[slot.name];
      if (value === null || value === undefined) {
        if (!slot.isOptional) return { column: slot, value, reason: missing };
        tape.words[(row + nullWord) >> 2]! |= nullBit;
        clear(tape, row, slot);
        continue;
      }
      const reason = pack(tape, row, value);
      if (reason !== undefined) return { column: slot, value, reason };
    }
    return undefined;
  };
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
