// What an install of Millrace brings along, by its lock file: not what is only for development.
import { existsSync, readFileSync } from "node:fs";

const declarations = "src/emulator/http/page/chart-library.d.ts";

/** Each package's place in node_modules, and what the lock file says of it. */
export function runtimePackages() {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  return Object.entries(packages).filter(([path, { dev, devOptional }]) => path !== "" && !dev && !devOptional);
}

/** The packages that the emulator's page imports, which build:page bundles into dist/: they are published with Millrace. */
export function pagePackages() {
  const source = existsSync(declarations) ? readFileSync(declarations, "utf8") : "";
  const names = [...source.matchAll(/ from "((?:@[^/"]+\/)?[^/"]+)/g)].map(([, name]) => name);
  return [...new Set(names)];
}

/** Those, and what they need, as `runtimePackages` has them. */
export function bundledPackages() {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const found = new Map();
  const add = (name) => {
    const path = `node_modules/${name}`;
    if (found.has(path)) return;
    found.set(path, packages[path]);
    Object.keys(packages[path].dependencies ?? {}).forEach(add);
  };
  pagePackages().forEach(add);
  return [...found];
}
