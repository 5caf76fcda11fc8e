import { Buffer } from "node:buffer";
import { wasmBase64 } from "./wasm.generated.ts";

let bytes: Uint8Array | undefined;

/**
 * The module's bytes, always the same array, so that they are compiled once. Apart from `wasm.ts` because a worker gets
 * them from its host, and its bundle need not carry them a second time.
 */
export function embeddedWasm(): Uint8Array {
  bytes ??= new Uint8Array(Buffer.from(wasmBase64, "base64"));
  return bytes;
}
