import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import asc from "assemblyscript/asc";

/** The compiler's library for Node does not name it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

/** The exports of assembly/kernels-test-entry.ts: i64 and u64 cross as bigint, addresses as numbers. */
export interface Kernels {
  readonly memory: { readonly buffer: ArrayBuffer };
  arena(): number;
  writeU32(out: number, v: number): number;
  writeI32(out: number, v: number): number;
  writeU64(out: number, v: bigint): number;
  writeI64(out: number, v: bigint): number;
  writeF64(out: number, v: number): number;
  writeF64Lines(values: number, count: number, out: number): number;
  writeSixteenDigits(out: number, upper: bigint, lower: bigint): number;
  writeU64Lines(values: number, count: number, out: number): number;
  writeDatetime(out: number, ticks: bigint): number;
  writeTimespan(out: number, ticks: bigint): number;
  writeGuid(out: number, hi: bigint, lo: bigint): number;
  crc32(crc: number, src: number, length: number): number;
  crc32c(crc: number, src: number, length: number): number;
  powerHigh(power: number): bigint;
  powerLow(power: number): bigint;
  buildLengths(frequencies: number, count: number, limit: number, lengths: number): void;
  buildCodes(lengths: number, count: number, codes: number): void;
  gzipReset(level: number): void;
  gzipInput(): number;
  gzipInputCapacity(): number;
  gzipWrite(length: number): void;
  gzipFinish(): void;
  gzipOutput(): number;
  gzipOutputLength(): number;
  gzipOutputConsume(): void;
  gzipRawLength(): number;
  gzipSegmentBegin(level: number): void;
  gzipSegmentGoOn(): void;
  gzipSegmentFinish(): void;
  gzipCrc(): number;
}

/**
 * Compiles the kernels with the options of asconfig.json and instantiates them without imports. The module is kept in build/ under a
 * hash of its sources, so that one of the test files compiles and the others load.
 */
export async function compileKernels(): Promise<Kernels> {
  const config = JSON.parse(readFileSync("asconfig.json", "utf8"));
  const hash = createHash("sha256").update(JSON.stringify(config));
  for (const name of readdirSync("assembly").sort()) hash.update(name).update(readFileSync(`assembly/${name}`));
  const path = `build/kernels-${hash.digest("hex").slice(0, 16)}.wasm`;
  if (!existsSync(path)) await compileTo(path, config.options);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), {});
  return instance.exports as Kernels;
}

async function compileTo(path: string, options: Record<string, unknown>): Promise<void> {
  mkdirSync("build", { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  const flags = Object.entries(options).flatMap(([name, value]) => flag(name, value));
  // asconfig.json would add its own entry file; "none" is the name of no file.
  const entry = ["assembly/kernels-test-entry.ts", "--config", "none", "--outFile", unfinished];
  const { error, stderr } = await asc.main([...entry, ...flags]);
  if (error) throw new Error(stderr.toString(), { cause: error });
  renameSync(unfinished, path);
}

function flag(name: string, value: unknown): string[] {
  if (value === true) return [`--${name}`];
  if (value === false) return [];
  return [`--${name}`, Array.isArray(value) ? value.join(",") : String(value)];
}

/** Reads the ASCII text that a kernel wrote from `out` on. */
export function textOf(kernels: Kernels, out: number, end: number): string {
  return Buffer.from(kernels.memory.buffer, out, end - out).toString("latin1");
}

/** MILLRACE_SEED, or a fresh one; printed, so that a failure can be repeated. */
export function seedOf(): number {
  const seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 32));
  console.log(`MILLRACE_SEED=${seed}`);
  return seed;
}

/** Seeded 32-bit words (sfc32, C. Doty-Humphrey, PractRand). */
export function randomWords(seed: number): () => number {
  let a = 0x9e3779b9;
  let b = seed | 0;
  let c = 0x243f6a88;
  let counter = 1;
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}
