// The tools that judge the package, in exact versions: installed from npm at the first run, each into a folder of its own under
// build/package-tools/.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { npm } from "./children.mjs";

const folder = resolve("build", "package-tools");

/** The file that `node` runs for a tool's command; the command is named like the package unless it is said. */
export async function toolFile(name, version, command = name) {
  const place = join(folder, `${name.replace(/\W+/g, "-")}-${version}`);
  const root = join(place, "node_modules", name);
  const manifest = () => {
    const file = join(root, "package.json");
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  };
  if (manifest().version !== version) {
    mkdirSync(place, { recursive: true });
    const options = ["--no-save", "--no-package-lock", "--ignore-scripts", "--prefix", place];
    await npm(["install", ...options, `${name}@${version}`], { cwd: place });
  }
  const { bin } = manifest();
  return join(root, typeof bin === "string" ? bin : bin[command]);
}
