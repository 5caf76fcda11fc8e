import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";

const standIn = "bench/rows-module/gzip.as";

/**
 * The shipped WebAssembly module with its gzip taken out: an `encoder()` over it gives the rows as they are. So the bench
 * of the encoders runs the code that ships, and the product needs no seam for it. Kept in build/ under a hash of its sources.
 */
export async function rowsModule(): Promise<Uint8Array> {
  const config = readFileSync("asconfig.json", "utf8");
  const hash = createHash("sha256").update(config).update(readFileSync(standIn));
  for (const name of readdirSync("assembly").sort()) hash.update(name).update(readFileSync(`assembly/${name}`));
  const path = `build/rows-${hash.digest("hex").slice(0, 16)}.wasm`;
  if (!existsSync(path)) await compileTo(path);
  return new Uint8Array(readFileSync(path));
}

async function compileTo(path: string): Promise<void> {
  // Seconds to load, and needed only after a change.
  const { default: asc } = await import("assemblyscript/asc");
  mkdirSync("build", { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  const args = ["--config", "asconfig.json", "--target", "release", "--outFile", unfinished, "--textFile", "/dev/null"];
  const { error, stderr } = await asc.main(args, { readFile });
  if (error) throw new Error(`The encoders do not compile with ${standIn}: ${stderr.toString()}`, { cause: error });
  renameSync(unfinished, path);
}

/** What the compiler asks for; null where there is no such file. */
function readFile(name: string): string | null {
  const path = name === "assembly/gzip.ts" ? standIn : name;
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}
