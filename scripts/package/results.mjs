// What the package's tests found, and how it is told: each check as it begins, its failure as it happens, a table at the end.
import { styleText } from "node:util";

export function startResults() {
  const results = [];
  const isLive = process.stderr.isTTY === true && process.env.TERM !== "dumb";
  return {
    /** Runs a check, which gives its detail for the table; undefined where it failed. */
    async check(name, work) {
      process.stderr.write(isLive ? `\x1b[2K\r${name} ...` : `${name} ...\n`);
      const began = performance.now();
      const tell = (isPassed, detail) => results.push({ name, isPassed, detail, ms: performance.now() - began });
      try {
        const detail = (await work()) ?? "";
        tell(true, detail);
        return detail;
      } catch (error) {
        tell(false, error.message.split("\n", 1)[0]);
        process.stderr.write(`${isLive ? "\x1b[2K\r" : ""}FAIL ${name}\n${error.message}\n`);
        return undefined;
      } finally {
        if (isLive) process.stderr.write("\x1b[2K\r");
      }
    },
    /** The table; true where there is something in it and nothing failed. */
    print() {
      const width = Math.max(0, ...results.map(({ name }) => name.length));
      for (const { name, isPassed, detail, ms } of results) {
        const mark = isPassed ? "ok  " : "FAIL";
        const shown = process.stdout.isTTY ? styleText(isPassed ? "green" : "red", mark) : mark;
        const line = `${shown} ${name.padEnd(width)} ${(ms / 1000).toFixed(1).padStart(6)} s  ${detail}`;
        console.log(line.trimEnd());
      }
      const failed = results.filter(({ isPassed }) => !isPassed).length;
      console.log(`${results.length - failed} passed, ${failed} failed`);
      return results.length > 0 && failed === 0;
    },
  };
}
