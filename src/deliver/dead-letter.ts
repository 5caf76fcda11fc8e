import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { badArgument, checkPath } from "../arguments.ts";
import { MillraceError, reasonOf } from "../errors.ts";
import type { OriginalFormat } from "../source/original-format.ts";
import { letterJson } from "./letter-json.ts";

/** One refused record, with what is needed to mend and resend it. */
export interface Letter {
  readonly table: string;
  /** Where it came from: `events.ndjson:17`; undefined when the source names no places. */
  readonly place: string | undefined;
  /** Sequence number of the record, counted per sink from 0; -1 when it never became one. */
  readonly record: number;
  readonly reason: string;
  /**
   * What was refused: of a file the record by the names of its fields, as it was read, or the text that could not be read as one; of
   * `writeRaw()`, or refused by the service, the row's text; else the record as `write()` was given it.
   */
  readonly original: unknown;
  /** How `original` is to be read again; absent: it is a record as `write()` takes it. */
  readonly source?: OriginalFormat;
}

/**
 * Where refused records go. The sink waits for its calls, so until a call has settled nothing in it may wait for the sink: `write()`,
 * `writeRaw()`, `reject()`, `flush()`, `checkpoint()`, `committed()`, `close()` and `ready` are then refused with REENTRANT_CALL.
 */
export interface DeadLetter {
  /**
   * Keeps a letter: at once, or when the promise resolves. It throws or rejects when the letter could not be kept. A
   * checkpoint waits for it, because the source forgets the record then.
   */
  write(letter: Letter): Promise<void> | void;
  /** Everything written is durable when it resolves. */
  close(): Promise<void>;
}

/** What {@link memoryDeadLetter} gives: the letters can be looked at. */
export interface MemoryDeadLetter extends DeadLetter {
  readonly letters: readonly Letter[];
  /** Letters refused because `limit` had been reached. */
  readonly overflow: number;
}

/** Keeps the first `limit` letters, for tests and for looking at what was refused; later ones are counted only. */
export function memoryDeadLetter(limit = 10_000): MemoryDeadLetter {
  if (typeof limit !== "number" || !(limit >= 0))
    throw badArgument("memoryDeadLetter()", "limit", limit, "a number of letters");
  const letters: Letter[] = [];
  let overflow = 0;
  return {
    letters,
    get overflow() {
      return overflow;
    },
    write(letter) {
      if (letters.length < limit) letters.push(letter);
      else overflow++;
    },
    async close() {},
  };
}

/** The longest original that is kept whole, in characters of JSON; Kusto itself takes 1 MB per value. */
const longestOriginal = 4 * 1024 * 1024;

/**
 * Appends one JSON line per letter: `{time, table, place, record, reason, source, original}`, which `millrace replay-dlq` reads.
 * The file is made with the first letter, readable by its owner only, for it holds the data. `write()` resolves when the letter is on the disk; letters
 * that come together go there together.
 *
 * @throws MillraceError DEAD_LETTER_FAILED, from `write` and `close`, when the file cannot be written; the first failure stands.
 */
export function fileDeadLetter(path: string): DeadLetter {
  checkPath("fileDeadLetter()", "path", path);
  let pending = "";
  let file: FileHandle | undefined;
  /** The last group of letters on its way to the disk, behind all before it. */
  let last: Promise<void> = Promise.resolve();
  /** The group that letters still join. */
  let gathering: Promise<void> | undefined;
  let failure: MillraceError | undefined;
  let isClosed = false;

  async function append(): Promise<void> {
    const text = pending;
    pending = "";
    gathering = undefined;
    try {
      file ??= await openFile(path);
      await file.appendFile(text);
      await file.datasync();
    } catch (error) {
      failure = cannotWrite(path, error);
      throw failure;
    }
  }

  return {
    write(letter) {
      if (failure) throw failure;
      if (isClosed) throw new MillraceError("CLOSED", `The dead letter ${path} is closed.`);
      pending += lineOf(letter);
      if (!gathering) {
        last = last.then(append);
        last.catch(() => {}); // whoever does not wait for the letter is told by the next call, or by close()
        gathering = last;
      }
      return gathering;
    },
    async close() {
      isClosed = true;
      try {
        await last;
      } finally {
        await file?.close();
        file = undefined;
      }
    },
  };
}

/** To open a named pipe waits for a reader, and neither it nor a device could be synced. */
async function openFile(path: string): Promise<FileHandle> {
  const found = await stat(path).catch(() => undefined);
  if (found && !found.isFile()) throw new Error(found.isDirectory() ? "it is a directory" : "it is a pipe or device");
  return open(path, constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY, 0o600);
}

function lineOf({ table, place, record, reason, original, source }: Letter): string {
  const time = new Date().toISOString();
  const text = letterJson(original, source !== undefined);
  const isCut = text.length > longestOriginal;
  const kept = isCut ? JSON.stringify(`${text.slice(0, longestOriginal)}... (cut, ${text.length} characters)`) : text;
  const head = { time, table, place, record, reason, source: isCut ? { ...source, isCut } : source };
  return `${JSON.stringify(head).slice(0, -1)},"original":${kept}}\n`;
}

function cannotWrite(path: string, error: unknown): MillraceError {
  return new MillraceError("DEAD_LETTER_FAILED", `The dead letter ${path} cannot be written: ${reasonOf(error)}`, {
    cause: error,
    context: { path },
  });
}
