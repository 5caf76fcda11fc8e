import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { compileKernels } from "./compile-kernels.ts";

const kernels = await compileKernels();

test("a member of more than 4 GiB: CRC of all, length modulo 2^32", () => {
  const block = Buffer.from("2026-01-01T00:00:00Z,device-1,0.5\n".repeat(2000)).subarray(0, 65_536);
  const blocks = 65_536 + 3;
  let crc = 0;
  kernels.gzipReset(1);
  for (let i = 0; i < blocks; i++) {
    block.copy(Buffer.from(kernels.memory.buffer), kernels.gzipInput());
    kernels.gzipWrite(block.length);
    kernels.gzipOutputConsume();
    crc = crc32(block, crc);
  }
  assert.equal(kernels.gzipRawLength(), blocks * block.length);
  kernels.gzipFinish();
  const end = kernels.gzipOutput() + kernels.gzipOutputLength();
  const trailer = Buffer.from(kernels.memory.buffer, end - 8, 8);
  assert.equal(trailer.readUInt32LE(0), crc);
  assert.equal(trailer.readUInt32LE(4), 3 * block.length);
});
