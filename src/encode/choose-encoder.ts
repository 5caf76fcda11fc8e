import type { BatchLimits, Encoder, GzipLevel } from "./encoder.ts";
import { jsEncoder } from "./js-encoder.ts";
import type { TableShape } from "./layout.ts";
import type { Payload } from "./payload.ts";
import type { RowFormat } from "./row-format.ts";
import { instantiate, type WasmEngine, type WasmSource } from "./wasm.ts";
import { wasmEncoder } from "./wasm-encoder.ts";

export interface EncoderOptions {
  /** Default 1. */
  readonly gzipLevel?: GzipLevel | undefined;
  /** What becomes of the rows. Default "gzip". */
  readonly payload?: Payload;
  /** For tests: what stands in for the runtime's WebAssembly. */
  readonly engine?: WasmEngine;
}

/**
 * The WebAssembly encoder where the runtime allows it, else the plain JavaScript one. Each has its own instance and
 * memory, so a thread may have as many as it has subtasks.
 *
 * @param wasm `embeddedWasm()` of wasm-embedded.ts, or what the host of a worker sent of it.
 */
export function encoder(
  table: TableShape,
  format: RowFormat,
  limits: BatchLimits,
  wasm: WasmSource | undefined,
  { gzipLevel = 1, payload = "gzip", engine }: EncoderOptions = {},
): Encoder {
  const kernel = wasm === undefined ? undefined : instantiate(wasm, engine);
  return kernel
    ? wasmEncoder(table, format, limits, kernel, gzipLevel, payload)
    : jsEncoder(table, format, limits, gzipLevel, payload);
}
