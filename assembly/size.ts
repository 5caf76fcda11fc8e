// How large a row can become: known from its lengths alone, before any of it is written.
import { bytesPerUnit, columns, firstColumn, fixedBytes, isText, kindOf, nextColumn, offsetOf, SLACK } from "./layout";
import { boundOf, isTakenApart, unitsOf } from "./nodes";
import { currentRow } from "./tape";

/** UTF-16 units of all texts of the current row. */
export function rowUnits(): usize {
  const row = currentRow();
  let units: usize = 0;
  let column = firstColumn();
  for (let i = 0; i < columns; i++) {
    if (isText(kindOf(column))) {
      const slot = row + offsetOf(column);
      units += isTakenApart(slot) ? unitsOf(slot) : load<u32>(slot);
    }
    column = nextColumn(column);
  }
  return units;
}

/** Room that must be there before the current row is written without looking at room again. */
export function rowBound(): usize {
  const row = currentRow();
  let units: usize = 0;
  let bytes: usize = fixedBytes + SLACK;
  let column = firstColumn();
  for (let i = 0; i < columns; i++) {
    if (isText(kindOf(column))) {
      const slot = row + offsetOf(column);
      if (isTakenApart(slot)) bytes += boundOf(slot);
      else units += load<u32>(slot);
    }
    column = nextColumn(column);
  }
  return bytes + units * bytesPerUnit;
}
