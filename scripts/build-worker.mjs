// Bundles the subtask's worker into one text, embedded in src/batch/worker.generated.ts: started with
// `new Worker(text, { eval: true })` it needs no file of its own, so it survives bundlers, runs un-built and in dist alike.
import { writeFileSync } from "node:fs";
import { build } from "esbuild";

const result = await build({
  entryPoints: ["src/batch/thread-entry.ts"],
  bundle: true,
  write: false,
  format: "cjs",
  platform: "node",
  target: "node20",
  minifySyntax: true,
});
const text = result.outputFiles[0].text;
writeFileSync(
  "src/batch/worker.generated.ts",
  `// Made by scripts/build-worker.mjs from src/batch/thread-entry.ts; not in the repository.\nexport const workerText =\n  ${JSON.stringify(text)};\n`,
);
console.log(`src/batch/worker.generated.ts ${text.length} bytes`);
