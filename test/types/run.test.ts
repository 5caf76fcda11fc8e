// Checked by `tsc --noEmit`: a @ts-expect-error without an error is an error.
import { test } from "node:test";
import { coerce, files, iterable, k, memory, open, run, table } from "../../src/index.ts";

test("run() takes the source whose records the sink takes, or a function that makes them", () => {
  // Compiled, and not run.
  void (async () => {
    const numbers = table("T", { n: k.int() });
    const sink = await open({ table: numbers, to: memory() });
    await run({ from: iterable([{ n: 1 }]), into: sink });
    await run({ from: iterable(["7"]), into: sink, through: (text) => ({ n: Number(text) }) });
    await run({ from: files("*.csv"), into: sink, through: coerce(numbers, "csv") });
    // @ts-expect-error: another column
    await run({ from: iterable([{ x: 1 }]), into: sink });
    // @ts-expect-error: a text in a column of numbers
    await run({ from: iterable([{ n: "a" }]), into: sink });
    // @ts-expect-error: the function makes a text
    await run({ from: iterable(["7"]), into: sink, through: (text) => ({ n: text }) });
  });
});
