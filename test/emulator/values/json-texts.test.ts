import assert from "node:assert/strict";
import { test } from "node:test";
import { elementsOf, membersOf } from "../../../src/emulator/values/json-texts.ts";

test("members and elements are word for word", () => {
  assert.deepEqual(
    [...membersOf('{ "a" : 1.50 , "b":[1, 2],"c":"x,}\\"" ,"a":12345678901234567890}')],
    [
      ["a", "12345678901234567890"],
      ["b", "[1, 2]"],
      ["c", '"x,}\\""'],
    ],
  );
  assert.deepEqual(elementsOf('[ 1.0, {"x":[]}, "]" ,null]'), ["1.0", '{"x":[]}', '"]"', "null"]);
  assert.deepEqual([...membersOf(" {} ")], []);
});
