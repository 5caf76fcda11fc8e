import type { Place } from "../batch/batcher.ts";
import type { Letter } from "../deliver/dead-letter.ts";
import type { RefusedRow } from "../encode/raw-chunk.ts";
import { rawReasons, rawRowRefused, rawRowText } from "../encode/raw-reasons.ts";
import type { RowFormat } from "../encode/row-format.ts";
import { isCode, MillraceError, reasonOf } from "../errors.ts";
import { publish, type RejectionReason } from "../events.ts";
import type { ResolvedOptions } from "../options.ts";
import type { Table } from "../schema/table.ts";
import type { OriginalFormat } from "../source/original-format.ts";
import { type LetterCall, letterScope } from "./letter-scope.ts";
import type { SinkCounters } from "./stats.ts";
import { underWay } from "./under-way.ts";

/** How long a sink that has failed waits for its dead letter to close. */
const deadLetterPatienceMs = 5_000;

export interface RefusalPorts {
  hasFailed(): boolean;
  fail(error: MillraceError): void;
  /** A call of the dead letter begins: it may call the sink at once. */
  onLetter(): void;
  /** The number of letters under way has grown. */
  onAdded(): void;
  onSettled(): void;
}

/** Counts and tells what was refused, and writes it to the dead letter. */
export interface Refusals {
  /** Letters that are being written. */
  readonly waiting: number;
  /** Some call of the dead letter has not settled. */
  readonly isCalling: boolean;
  /** The call of the dead letter that the running code belongs to. */
  readonly currentCall: LetterCall | undefined;
  /** @throws MillraceError the given one, where there is no dead letter */
  refuse(
    code: RejectionReason,
    error: MillraceError,
    record: unknown,
    from: Place | undefined,
    source: OriginalFormat | undefined,
  ): void;
  /** A row of `writeRaw()` that a subtask has refused. Without a dead letter the sink fails: there is no call to throw at. */
  refuseRaw(row: number, rawChunk: ArrayBuffer, refused: RefusedRow): void;
  /** A row that was accepted, and that the service then refused. */
  refuseLanded(text: string, format: RowFormat, place: string, reason: string): void;
  /** Resolves when every letter so far is written. */
  settled(): Promise<unknown>;
  /** Closes the dead letter. Never rejects: the sink fails. */
  close(): Promise<void>;
  /** Bounds the wait for the dead letter, which may never answer, once the sink has failed. */
  hurry(): void;
}

export function refusals(
  sink: string,
  table: Table,
  { deadLetter, clientBatchSizeLimit, format: rawFormat }: ResolvedOptions,
  counters: SinkCounters,
  ports: RefusalPorts,
): Refusals {
  const letters = underWay(ports.onAdded, ports.onSettled);
  const scope = letterScope();
  let hurry = () => {};

  function refuse(...[code, error, original, from, source]: Parameters<Refusals["refuse"]>): void {
    counters.rejected++;
    // The packer has asked a function already.
    const { place: told } = error.context;
    const place = typeof told === "string" || typeof from === "function" ? (told as string | undefined) : from;
    const reason = String(error.context.reason ?? error.message);
    const record = typeof error.context.record === "number" ? error.context.record : -1;
    const isKept = deadLetter !== undefined;
    publish("millrace:record:rejected", { sink, table: table.name, code, isKept, record, place, reason });
    if (!deadLetter) throw error;
    const { message } = error;
    const letter: Letter = { table: table.name, record, place, reason: message, original, ...(source && { source }) };
    ports.onLetter();
    letters.add(
      scope.run("write()", () => deadLetter.write(letter)),
      (error) => ports.fail(deadLetterFailed(error)),
    );
  }

  /** How a row of a batch is to be read again. */
  function rowFormat(format: RowFormat): OriginalFormat {
    return format === "csv" ? { format, header: table.list.map(({ name }) => name) } : { format };
  }

  return {
    get waiting() {
      return letters.size;
    },
    get isCalling() {
      return scope.isOpen;
    },
    get currentCall() {
      return scope.current;
    },
    refuse,
    refuseRaw(row, rawChunk, refused) {
      if (ports.hasFailed()) return;
      const error = rawRowRefused(table, clientBatchSizeLimit, row, rawChunk, refused);
      try {
        const source = { ...rowFormat(rawFormat), ...(refused.reason === rawReasons.notUtf8 && notUtf8) };
        refuse("raw", error, rawRowText(rawChunk, refused), `raw row ${row}`, source);
      } catch {
        ports.fail(error);
      }
    },
    refuseLanded(text, format, place, reason) {
      const { name } = table;
      const message = `Table ${name}: ${place}: the destination refused it: ${reason}`;
      const error = new MillraceError("RECORD_REFUSED", message, { context: { table: name, reason } });
      refuse("service", error, text, place, rowFormat(format));
    },
    settled: () => letters.settled(),
    async close() {
      if (!deadLetter) return;
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<MillraceError>((resolve) => {
        hurry = () => {
          timer ??= setTimeout(() => resolve(deadLetterSilent()), deadLetterPatienceMs);
        };
      });
      if (ports.hasFailed()) hurry();
      const closed = (async () => {
        await letters.settled();
        await scope.run("close()", () => deadLetter.close());
      })();
      try {
        const silent = await Promise.race([closed, patience]);
        if (silent) throw silent;
      } catch (error) {
        ports.fail(deadLetterFailed(error));
      } finally {
        clearTimeout(timer);
        hurry = () => {};
      }
    },
    hurry: () => hurry(),
  };
}

const notUtf8 = { isUtf8: false } as const;

/** Its own code, whatever it was that the dead letter threw: the error of another sink, or of a call that this one refused. */
function deadLetterFailed(error: unknown): MillraceError {
  if (isCode(error, "DEAD_LETTER_FAILED")) return error;
  return new MillraceError("DEAD_LETTER_FAILED", `The dead letter failed: ${reasonOf(error)}`, { cause: error });
}

function deadLetterSilent(): MillraceError {
  return new MillraceError(
    "DEAD_LETTER_FAILED",
    `The dead letter did not close within ${deadLetterPatienceMs / 1000} s of the sink being given up.`,
  );
}
