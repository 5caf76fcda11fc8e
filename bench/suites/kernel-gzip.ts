import { packedParts } from "../../src/encode/packed-parts.ts";
import type { Kernels } from "../../test/assembly/compile-kernels.ts";
import type { Output } from "../case.ts";

/** Bytes through the gzip kernel's window into one member; the output is gathered as the encoder gathers it. */
export function kernelGzip(kernels: Kernels, bytes: Uint8Array, level: number): () => Output {
  const packed = packedParts(65_536, 262_144);
  function drain(): void {
    packed.add(new Uint8Array(kernels.memory.buffer, kernels.gzipOutput(), kernels.gzipOutputLength()));
    kernels.gzipOutputConsume();
  }
  return () => {
    kernels.gzipReset(level);
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + kernels.gzipInputCapacity());
      new Uint8Array(kernels.memory.buffer).set(piece, kernels.gzipInput());
      kernels.gzipWrite(piece.length);
      at += piece.length;
      drain();
    }
    kernels.gzipFinish();
    drain();
    return { bytesIn: bytes.length, out: packed.take() };
  };
}
