import type { Kernels } from "./compile-kernels.ts";

/**
 * Packs `data` as one gzip member through the kernel's window, `nextWrite()` bytes at a time, draining after each write as the
 * encoder does. Fails if the output ever grows beyond what is promised for one write.
 */
export function pack(kernels: Kernels, data: Uint8Array, nextWrite: () => number): Buffer {
  const parts: Buffer[] = [];
  const drain = () => {
    const from = kernels.gzipOutput();
    parts.push(Buffer.from(kernels.memory.buffer.slice(from, from + kernels.gzipOutputLength())));
    kernels.gzipOutputConsume();
  };
  kernels.gzipReset(1);
  for (let at = 0; at < data.length; ) {
    const capacity = kernels.gzipInputCapacity();
    if (capacity < 65_536) throw new Error(`only ${capacity} bytes of capacity`);
    const length = Math.min(nextWrite(), data.length - at, capacity);
    new Uint8Array(kernels.memory.buffer).set(data.subarray(at, at + length), kernels.gzipInput());
    kernels.gzipWrite(length);
    at += length;
    drain();
  }
  kernels.gzipFinish();
  drain();
  return Buffer.concat(parts);
}

/** As much as the window takes, each time. */
export function greatestWrites(): number {
  return Number.MAX_SAFE_INTEGER;
}
