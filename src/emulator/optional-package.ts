import { MillraceError } from "../errors.ts";

const installLine = "npm install --save-dev azurite @duckdb/node-api @kusto/language-service-next";

/** Runs the loading of a package that only the emulator needs, and says how to install it where it is missing. */
export async function optionalPackage<T>(name: string, load: () => T | Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code !== "MODULE_NOT_FOUND" && code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new MillraceError("MISSING_PACKAGE", `The emulator needs the package ${name}: ${installLine}`, {
      cause: error,
      context: { package: name },
    });
  }
}
