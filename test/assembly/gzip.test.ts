import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, gunzipSync } from "node:zlib";
import { compileKernels, randomWords, seedOf } from "./compile-kernels.ts";
import { greatestWrites, pack } from "./pack.ts";

const kernels = await compileKernels();
const next = randomWords(seedOf());

test("the header is the same ten bytes always, the trailer CRC-32 and length", () => {
  for (const text of ["", "a", "hello, hello, hello"]) {
    const data = Buffer.from(text);
    const packed = pack(kernels, data, greatestWrites);
    assert.equal(packed.subarray(0, 10).toString("hex"), "1f8b08000000000004ff");
    assert.equal(packed.readUInt32LE(packed.length - 8), crc32(data));
    assert.equal(packed.readUInt32LE(packed.length - 4), data.length);
    assert.ok(gunzipSync(packed).equals(data));
  }
});

test("an empty member is the twenty bytes it must be", () => {
  assert.equal(pack(kernels, new Uint8Array(0), greatestWrites).length, 20);
});

test("the raw length counts, and starts anew with each member", () => {
  kernels.gzipReset(1);
  assert.equal(kernels.gzipRawLength(), 0);
  kernels.gzipWrite(0);
  kernels.gzipWrite(1000);
  assert.equal(kernels.gzipRawLength(), 1000);
  kernels.gzipReset(1);
  assert.equal(kernels.gzipRawLength(), 0);
  assert.equal(kernels.gzipOutputLength(), 10);
});

test("one write of the whole capacity behind an open block, and the finish, fit the output arena", () => {
  // The worst case for the arena: nothing sent yet, a block all but full, then all the window takes, none of it compressible.
  const noise = Buffer.from(Uint8Array.from({ length: 262_144 }, () => next()));
  const memory = () => Buffer.from(kernels.memory.buffer);
  kernels.gzipReset(1);
  const first = 131_069;
  noise.copy(memory(), kernels.gzipInput(), 0, first);
  kernels.gzipWrite(first);
  const second = Math.min(kernels.gzipInputCapacity(), noise.length - first);
  noise.copy(memory(), kernels.gzipInput(), first, first + second);
  kernels.gzipWrite(second);
  kernels.gzipFinish();
  const from = kernels.gzipOutput();
  const packed = memory().subarray(from, from + kernels.gzipOutputLength());
  assert.ok(gunzipSync(packed).equals(noise.subarray(0, first + second)));
});

test("a member can be given up half-way", () => {
  const data = Buffer.from("one two three ".repeat(20_000));
  const whole = pack(kernels, data, greatestWrites);
  kernels.gzipReset(1);
  data.copy(Buffer.from(kernels.memory.buffer), kernels.gzipInput(), 0, 50_000);
  kernels.gzipWrite(50_000);
  assert.ok(pack(kernels, data, greatestWrites).equals(whole));
});
