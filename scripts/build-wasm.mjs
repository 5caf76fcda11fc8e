// Compiles assembly/ and embeds the module as base64 in src/encode/wasm.generated.ts. A .wasm file beside an
// import.meta.url would break as soon as a bundler moves the JavaScript, so the bytes travel inside it.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";

mkdirSync("build", { recursive: true });
const { error, stderr } = await asc.main(["--config", "asconfig.json", "--target", "release"]);
if (error) {
  console.error(stderr.toString());
  process.exit(1);
}
const wasm = readFileSync("build/millrace.wasm");
const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm));
if (imports.length > 0) {
  console.error(`build:wasm: the module must import nothing, it imports ${imports.map((i) => i.name).join(", ")}`);
  process.exit(1);
}
writeFileSync(
  "src/encode/wasm.generated.ts",
  `// Made by scripts/build-wasm.mjs from assembly/; not in the repository.\nexport const wasmBase64 =\n  "${wasm.toString("base64")}";\n`,
);
console.log(`build/millrace.wasm ${wasm.length} bytes, 0 imports`);
