import { readFile } from "node:fs/promises";
import { checkPath } from "../../arguments.ts";
import { MillraceError, reasonOf } from "../../errors.ts";
import { checkScenario } from "./check-scenario.ts";
import type { FaultScenario } from "./scenario.ts";

/**
 * Reads a scenario from a JSON file and checks it.
 *
 * @throws MillraceError BAD_OPTION, which names the file, and the member that is wrong.
 */
export async function readFaultScenario(file: string): Promise<FaultScenario> {
  checkPath("readFaultScenario()", "file", file);
  const context = { file };
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new MillraceError("BAD_OPTION", `The fault scenario ${file} cannot be read: ${reasonOf(cause)}.`, {
      cause,
      context,
    });
  }
  try {
    return checkScenario(JSON.parse(text));
  } catch (cause) {
    throw new MillraceError("BAD_OPTION", `The fault scenario ${file} cannot be played: ${reasonOf(cause)}`, {
      cause,
      context,
    });
  }
}
