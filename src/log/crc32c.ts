import { instantiate, type Kernel, memoryOf } from "../encode/wasm.ts";
import { embeddedWasm } from "../encode/wasm-embedded.ts";

/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): better than CRC-32 at short bursts, which is what a torn sector is. Batches are
 * summed in WebAssembly, seven times as fast as here, with the copy into its memory. What is shorter, and everything where WebAssembly may not be,
 * goes eight bytes a step (Intel's "slicing by 8"), read as two words: 1.6 times as fast as byte by byte in the same steps, 3 times as
 * fast as steps of one byte. Sixteen bytes a step are faster under Node 26 and slower under 20.
 */
const polynomial = 0x82f63b78;

/** `tables[k * 256 + b]`: what byte `b` does when `k` more bytes of the step follow it. */
const tables = makeTables();

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    made[byte] = crc;
  }
  for (let i = 256; i < made.length; i++) made[i] = made[made[i - 256]! & 255]! ^ (made[i - 256]! >>> 8);
  return made;
}

/** Elsewhere the words would have their bytes the other way round: byte by byte then. */
const isLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

const none = new Int32Array();

/** Goes on from `crc`, the result for the bytes before; 0 at the start. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  if (bytes.length < fewest) return crc32cInJavaScript(bytes, crc);
  inKernel ??= kernelSum(instantiate(embeddedWasm()));
  return inKernel(bytes, crc);
}

/** Bytes from which on the way into WebAssembly pays. */
const fewest = 8 * 1024;
/** Copied in one go: they stay in the second-level cache, and the tail that the kernel sums by tables is small beside them. */
const most = 128 * 1024;

let inKernel: typeof crc32cInJavaScript | undefined;

function kernelSum(kernel: Kernel | undefined): typeof crc32cInJavaScript {
  if (kernel === undefined) return crc32cInJavaScript;
  const memory = memoryOf(kernel);
  kernel.reserveChunk(0, 0, most);
  const at = kernel.textStart();
  return (bytes, crc) => {
    let sum = crc;
    for (let from = 0; from < bytes.length; from += most) {
      const piece = bytes.subarray(from, from + most);
      memory().set(piece, at);
      sum = kernel.sumBytes(sum, piece.length);
    }
    return sum >>> 0;
  };
}

/** The same without WebAssembly. */
export function crc32cInJavaScript(bytes: Uint8Array, crc: number): number {
  // Words can be read where their address is a multiple of four.
  const head = Math.min(bytes.length, -bytes.byteOffset & 3);
  const steps = isLittleEndian ? (bytes.length - head) >>> 3 : 0;
  const words = steps === 0 ? none : new Int32Array(bytes.buffer, bytes.byteOffset + head, 2 * steps);
  let sum = slice(~crc, bytes, 0, head);
  for (let i = 0; i < words.length; i += 2) {
    const first = sum ^ words[i]!;
    const second = words[i + 1]!;
    sum =
      tables[1792 + (first & 255)]! ^
      tables[1536 + ((first >>> 8) & 255)]! ^
      tables[1280 + ((first >>> 16) & 255)]! ^
      tables[1024 + (first >>> 24)]! ^
      tables[768 + (second & 255)]! ^
      tables[512 + ((second >>> 8) & 255)]! ^
      tables[256 + ((second >>> 16) & 255)]! ^
      tables[second >>> 24]!;
  }
  return ~slice(sum, bytes, head + 8 * steps, bytes.length) >>> 0;
}

function slice(state: number, bytes: Uint8Array, from: number, to: number): number {
  let sum = state;
  for (let i = from; i < to; i++) sum = tables[(sum ^ bytes[i]!) & 255]! ^ (sum >>> 8);
  return sum;
}
