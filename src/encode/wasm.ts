import { MillraceError, reasonOf } from "../errors.ts";

/**
 * The one place that names WebAssembly. Its types are spelt out here, as far as they are used: lib.dom would bring them,
 * and with them every global of a browser.
 */
export interface WasmModule {
  readonly [brand]: never;
}
declare const brand: unique symbol;

export interface WasmEngine {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule) => { readonly exports: unknown };
}

/** The functions that assembly/index.ts exports; addresses and lengths are bytes of `memory`. */
export interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  reserveDescriptor(bytes: number): number;
  setup(): void;
  begin(level: number, batchRows: number, batchBytes: number): void;
  goOn(): void;
  reserveChunk(tapeBytes: number, nodesBytes: number, textBytes: number): number;
  nodesStart(): number;
  textStart(): number;
  openChunk(rows: number, textUnits: number, keysAt: number, from: number): void;
  encode(maxRows: number, maxBytes: number): number;
  openRaw(bytes: number, from: number): void;
  encodeRaw(maxRows: number, maxBytes: number): number;
  cutRaw(bytes: number, maxBytes: number): number;
  jsonFault(bytes: number): number;
  jsonFaultAt(): number;
  rawStart(): number;
  rawEnd(): number;
  rawRefusal(): number;
  rawRefusalDetail(): number;
  flush(): void;
  finish(): void;
  segmentCrc(): number;
  rowsTaken(): number;
  rawBytesTaken(): number;
  output(): number;
  outputLength(): number;
  outputTaken(): void;
  rowEnds(): number;
  rowEndsCount(): number;
  sumBytes(sum: number, bytes: number): number;
}

/** The module's bytes, or the module where one was compiled already (a module can be posted to a worker in Node). */
export type WasmSource = Uint8Array | WasmModule;

const compiled = new WeakMap<Uint8Array, WasmModule>();

/** A fresh instance with a memory of its own; the bytes are compiled once, on first use (a millisecond), not at import. */
export function instantiate(source: WasmSource, engine = hostEngine()): Kernel | undefined {
  if (engine === undefined) return undefined;
  try {
    return new engine.Instance(moduleOf(source, engine)).exports as Kernel;
  } catch {
    // No code generation (a content security policy, a hardened runtime), no SIMD: the plain JavaScript encoder serves.
    return undefined;
  }
}

function hostEngine(): WasmEngine | undefined {
  return (globalThis as { WebAssembly?: WasmEngine }).WebAssembly;
}

function moduleOf(source: WasmSource, engine: WasmEngine): WasmModule {
  if (!ArrayBuffer.isView(source)) return source;
  const known = compiled.get(source);
  if (known) return known;
  const made = new engine.Module(source);
  compiled.set(source, made);
  return made;
}

/** The instance's memory as bytes. A view dies when the memory grows, so whoever may have caused that asks again. */
export function memoryOf(kernel: Kernel): () => Uint8Array<ArrayBuffer> {
  let view = new Uint8Array(kernel.memory.buffer);
  return () => {
    if (view.buffer !== kernel.memory.buffer) view = new Uint8Array(kernel.memory.buffer);
    return view;
  };
}

/** A trap inside the module: out of memory, or a defect. The instance is not to be used after it. */
export function trapped(error: unknown, doing: string): MillraceError {
  return new MillraceError("INTERNAL", `The WebAssembly encoder stopped while ${doing}: ${reasonOf(error)}.`, {
    cause: error,
  });
}
