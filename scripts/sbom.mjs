// Writes the bill of materials of what an install of Millrace brings along and of what its page bundles, in CycloneDX, by npm's own `npm sbom`, from the
// lock file alone: `npm run sbom` writes build/sbom/millrace.cdx.json.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundledPackages, pagePackages, runtimePackages } from "./runtime-packages.mjs";

// `npm sbom --omit dev` leaves out every package that a development dependency needs too (npm 11.19: half of them), so it is
// asked about a project that has no development dependencies. npm names the component by its folder.
const folder = join("build", "sbom", "millrace");
mkdirSync(folder, { recursive: true });
const { devDependencies, ...manifest } = JSON.parse(readFileSync("package.json", "utf8"));
const { name, version, description, license } = manifest;
// What the emulator's page bundles is published as well.
const bundled = Object.fromEntries(pagePackages().map((each) => [each, devDependencies[each]]));
const dependencies = { ...manifest.dependencies, ...bundled };
writeFileSync(join(folder, "package.json"), JSON.stringify({ name, version, description, license, dependencies }));
copyFileSync("package-lock.json", join(folder, "package-lock.json"));
npm("install", "--package-lock-only", "--offline", "--ignore-scripts", "--no-audit");
const bill = JSON.parse(npm("sbom", "--package-lock-only", "--sbom-format", "cyclonedx"));

// What the project's own lock file would install, by name and version.
const wanted = [...runtimePackages(), ...bundledPackages()].map(
  ([path, entry]) => `${path.replace(/^.*node_modules\//, "")}@${entry.version}`,
);
const listed = new Set(bill.components.map((component) => `${component.name}@${component.version}`));
const missing = wanted.filter((one) => !listed.has(one));
if (missing.length > 0) throw new Error(`The bill lacks ${missing.join(", ")}`);

const file = join("build", "sbom", "millrace.cdx.json");
writeFileSync(file, `${JSON.stringify(bill, null, 2)}\n`);
console.log(`${file}: CycloneDX ${bill.specVersion}, ${listed.size} packages`);

function npm(...args) {
  const shell = process.platform === "win32";
  const { status, stdout, error } = spawnSync("npm", args, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "inherit"],
    shell,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`npm ${args.join(" ")} ended with ${status}`);
  return stdout;
}
