import { createRequire } from "node:module";
import { MillraceError } from "../errors.ts";

/** The packages that only the emulator needs, each with a file that the emulator loads. */
const filesOfPackages = {
  azurite: "azurite/dist/src/azurite.js",
  "@duckdb/node-api": "@duckdb/node-api",
  "@kusto/language-service-next": "@kusto/language-service-next/bridge.min.js",
} as const;

export type OptionalPackage = keyof typeof filesOfPackages;

export const optionalPackages = Object.keys(filesOfPackages) as readonly OptionalPackage[];

/** Installs everything that the emulator needs. Documents show this line; test/emulator/optional-package.test.ts compares. */
export const installLine = `npm install ${optionalPackages.join(" ")}`;

const resolvePackage = (name: OptionalPackage) => createRequire(import.meta.url).resolve(filesOfPackages[name]);

/** Names every package that is not installed in one error, so that one install is enough. */
export function requireOptionalPackages(resolve: (name: OptionalPackage) => string = resolvePackage): void {
  const missing: OptionalPackage[] = [];
  let cause: unknown;
  for (const name of optionalPackages) {
    try {
      resolve(name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      missing.push(name);
      cause ??= error;
    }
  }
  if (missing.length === 0) return;
  const what = missing.length === 1 ? "a package that is" : "packages that are";
  throw new MillraceError(
    "MISSING_PACKAGE",
    `The emulator needs ${what} not installed (${missing.join(", ")}): ${installLine}`,
    { cause, context: { package: missing.join(", ") } },
  );
}

/**
 * Loads a package that requireOptionalPackages() has found. One that lacks a part of its own, such as a binary for this
 * platform (npm's --omit=optional, node_modules copied from another machine), is named with that part.
 */
export async function loadOptionalPackage<T>(name: OptionalPackage, load: () => T | Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const reason = (error as Error).message.split("\n", 1)[0];
    throw new MillraceError("MISSING_PACKAGE", `The installed package ${name} is incomplete: ${reason}`, {
      cause: error,
      context: { package: name },
    });
  }
}

function isNotFound(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  return code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND";
}
