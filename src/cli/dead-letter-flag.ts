import { fstatSync } from "node:fs";
import { stat } from "node:fs/promises";
import { isCode } from "../errors.ts";
import { usage } from "./connection.ts";
import { mustBeDeadLetter } from "./letter-source.ts";

/**
 * Refuses a `--dead-letter` that is an input file under any of its names, or that holds other data: letters would be appended to it.
 *
 * @param inputs paths; "stdin" stands for standard input where no file has that name
 * @throws MillraceError BAD_OPTION
 */
export async function checkDeadLetter(
  deadLetter: string,
  inputs: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const id = await idOf(deadLetter);
  if (id === undefined) return; // a file that does not exist yet is none of those that do, and holds nothing
  for (const input of inputs) {
    if (id !== ((await idOf(input)) ?? (input === "stdin" ? stdinId() : undefined))) continue;
    throw usage(
      `--dead-letter ${deadLetter} is the same file as the input ${input}: rejected records would be appended to it. Give another file.`,
    );
  }
  try {
    await mustBeDeadLetter(deadLetter, signal);
  } catch (error) {
    if (!isCode(error, "BAD_SOURCE")) throw error;
    throw usage(
      `--dead-letter ${deadLetter} holds other data than rejected records, which would be appended to it. Give another file.`,
    );
  }
}

interface FileId {
  readonly dev: bigint;
  readonly ino: bigint;
  isFile(): boolean;
}

/** What two names of one file have in common: symbolic and hard links, and other spellings. */
function idText(file: FileId): string | undefined {
  return file.isFile() ? `${file.dev}:${file.ino}` : undefined; // /dev/null, a pipe or a terminal is no file that grows
}

async function idOf(path: string): Promise<string | undefined> {
  return stat(path, { bigint: true }).then(idText, () => undefined);
}

/** Standard input may be a file too: `millrace ingest - < FILE`. */
function stdinId(): string | undefined {
  try {
    return idText(fstatSync(0, { bigint: true }));
  } catch {
    return undefined;
  }
}
