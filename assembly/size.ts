// How large a row can become: known from its lengths alone, before any of it is written.
import { bytesPerUnit, fixedBytes, lengthsBytes, lengthsOffset, SLACK } from "./layout";
import { boundOf, isTakenApart, unitsOf } from "./nodes";
import { currentRow, nextRow, takeText } from "./tape";

/** UTF-16 units of all texts of the current row. */
function rowUnits(): usize {
  let units: usize = 0;
  let slot = currentRow() + lengthsOffset;
  for (const end = slot + lengthsBytes; slot < end; slot += 4) units += isTakenApart(slot) ? unitsOf(slot) : load<u32>(slot);
  return units;
}

/** Room that must be there before the current row is written without looking at room again. */
export function rowBound(): usize {
  let units: usize = 0;
  let bytes: usize = fixedBytes + SLACK;
  let slot = currentRow() + lengthsOffset;
  for (const end = slot + lengthsBytes; slot < end; slot += 4) {
    if (isTakenApart(slot)) bytes += boundOf(slot);
    else units += load<u32>(slot);
  }
  return bytes + units * bytesPerUnit;
}

/** Passes over the first rows of a chunk, and over their texts. */
export function skipRows(count: i32): void {
  for (let i = 0; i < count; i++) {
    takeText(rowUnits());
    nextRow();
  }
}
