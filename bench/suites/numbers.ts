import { compileKernels, type Kernels } from "../../test/assembly/compile-kernels.ts";
import type { Case, Group, Output } from "../case.ts";
import { seeded } from "../corpora/seeded.ts";

const ours = "millrace writeF64";
/** With 48 bytes each for the text it fills the mebibyte that the kernels lend out. */
const count = 16_384;

/** Doubles of a kind, each kind a corpus of this suite. */
const kinds: Readonly<Record<string, (next: () => number) => number>> = {
  "doubles of full precision": (next) => 950 + next() * 100,
  "random bits": randomBits,
  "money, two digits": (next) => Math.round(next() * 1e7) / 100,
  "coordinates, six digits": (next) => Math.round((next() * 360 - 180) * 1e6) / 1e6,
  "hours in minutes, 1 440 of them": (next) => Math.floor(next() * 1440) / 60,
  "whole numbers": (next) => Math.floor(next() * 1e6),
};

export const numberKinds: readonly string[] = Object.keys(kinds);

/** Doubles to text, one a line, the shortest that reads back to the same double. */
export async function numbersGroup(kind: string): Promise<Group> {
  const { next } = seeded(1);
  const values = Float64Array.from({ length: count }, () => kinds[kind]!(next));
  const cases: Case[] = [
    { name: ours, run: byKernel(await compileKernels(), values) },
    {
      name: "String(x)",
      against: [ours],
      run() {
        const bytes = Buffer.from(asText(values), "latin1");
        return { bytesIn: bytes.length, out: [bytes] };
      },
    },
    {
      name: "String(x), text only",
      against: [ours],
      run() {
        const text = asText(values);
        return { bytesIn: text.length, out: text.charCodeAt(text.length >> 1) > 0 ? text.length : 0 };
      },
    },
  ];
  return { suite: "numbers", corpus: kind, unit: "ns/number", count, cases };
}

function byKernel(kernels: Kernels, values: Float64Array): () => Output {
  const from = kernels.arena();
  const to = from + values.byteLength;
  return () => {
    new Float64Array(kernels.memory.buffer, from, values.length).set(values);
    const length = kernels.writeF64Lines(from, values.length, to);
    return { bytesIn: length, out: [new Uint8Array(kernels.memory.buffer).slice(to, to + length)] };
  };
}

function asText(values: Float64Array): string {
  let text = "";
  for (const value of values) text += `${value}\n`;
  return text;
}

function randomBits(next: () => number): number {
  const words = new Uint32Array([next() * 2 ** 32, next() * 2 ** 32]);
  const [value] = new Float64Array(words.buffer);
  return Number.isFinite(value) ? value! : randomBits(next);
}
