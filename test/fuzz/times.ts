import assert from "node:assert/strict";
import { type Kernels, textOf } from "../assembly/compile-kernels.ts";
import type { Subject } from "./subject.ts";

const ticksPerMs = 10_000n;
const ticksAtUnixEpoch = 621_355_968_000_000_000n;
const ticksOfAllYears = 3_155_378_976_000_000_000n;

/** Datetimes against Date.toISOString() for the milliseconds, and timespans against BigInt division, at every tick. */
export function times(kernels: Kernels): Subject {
  const at = kernels.arena();
  const word64 = (next: () => number) => (BigInt(next()) << 32n) | BigInt(next());

  function datetime(ticks: bigint): string {
    const ms = (ticks - (ticks % ticksPerMs) - ticksAtUnixEpoch) / ticksPerMs;
    const [head, millis] = new Date(Number(ms)).toISOString().slice(0, -1).split(".");
    const fraction = (millis! + (ticks % ticksPerMs).toString().padStart(4, "0")).replace(/0+$/, "");
    return `${head}${fraction && `.${fraction}`}Z`;
  }

  function timespan(ticks: bigint): string {
    const size = ticks < 0n ? -ticks : ticks;
    const two = (n: bigint) => n.toString().padStart(2, "0");
    const days = size / 864_000_000_000n;
    const fraction = (size % 10_000_000n).toString().padStart(7, "0").replace(/0+$/, "");
    const seconds = size / 10_000_000n;
    const clock = `${two((seconds / 3_600n) % 24n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
    return `${ticks < 0n ? "-" : ""}${days > 0n ? `${days}.` : ""}${clock}${fraction && `.${fraction}`}`;
  }

  return {
    name: "times",
    step(next) {
      for (let i = 0; i < 1_000; i++) {
        const moment = word64(next) % ticksOfAllYears;
        assert.equal(textOf(kernels, at, kernels.writeDatetime(at, moment)), datetime(moment));
        const span = BigInt.asIntN(64, word64(next)) >> BigInt(next() % 64);
        assert.equal(textOf(kernels, at, kernels.writeTimespan(at, span)), timespan(span));
      }
      return 2_000;
    },
  };
}
