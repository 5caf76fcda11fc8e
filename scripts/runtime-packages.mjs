// What an install of Millrace brings along, by its lock file: not what is only for development.
import { readFileSync } from "node:fs";

/** Each package's place in node_modules, and what the lock file says of it. */
export function runtimePackages() {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  return Object.entries(packages).filter(([path, { dev, devOptional }]) => path !== "" && !dev && !devOptional);
}
