// How large a row can become: known from its lengths alone, before any of it is written.
import { bytesPerUnit, columns, firstColumn, fixedBytes, isText, kindOf, nextColumn, offsetOf, SLACK } from "./layout";
import { currentRow } from "./tape";

/** UTF-16 units of all texts of the current row. */
export function rowUnits(): usize {
  const row = currentRow();
  let units: usize = 0;
  let column = firstColumn();
  for (let i = 0; i < columns; i++) {
    if (isText(kindOf(column))) units += load<u32>(row + offsetOf(column));
    column = nextColumn(column);
  }
  return units;
}

/** Room that must be there before the current row is written without looking at room again. */
export function rowBound(): usize {
  return fixedBytes + rowUnits() * bytesPerUnit + SLACK;
}
