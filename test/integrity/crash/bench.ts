import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { filesService } from "./files-service.ts";
import { kustoService } from "./kusto-service.ts";
import type { CrashDestination } from "./points.ts";
import type { CrashBench } from "./trial.ts";

/** An emulator or a folder to write into, the child bundled into one file that starts in a third of a second, and a folder. */
export async function startCrashBench(destination: CrashDestination): Promise<CrashBench & { close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-crash-"));
  const program = resolve("build", `crash-child-${process.pid}.mjs`);
  const [service] = await Promise.all([
    destination === "files" ? filesService() : kustoService(),
    build({
      entryPoints: ["test/integrity/crash/child.ts"],
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      minify: true,
      // Packages within, too: half of a start was finding and reading them. Those in CommonJS ask for these names.
      banner: {
        js: [
          'import { createRequire } from "node:module";',
          "const require = createRequire(import.meta.url);",
          "const __filename = import.meta.filename;",
          "const __dirname = import.meta.dirname;",
        ].join("\n"),
      },
      outfile: program,
      logLevel: "error",
    }),
  ]);
  return {
    destination,
    service,
    program,
    folder,
    async close() {
      await service.close();
      await rm(program, { force: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}
