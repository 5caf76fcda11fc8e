import { type DeadLetter, fileDeadLetter, type Letter } from "../deliver/dead-letter.ts";
import { MillraceError } from "../errors.ts";
import { inPhrases } from "./option-words.ts";

export interface Rejection {
  readonly place: string | undefined;
  readonly reason: string;
}

/** Counts what is rejected, keeps the first reasons, and passes all to the dead letter file if there is one. */
export interface Rejections extends DeadLetter {
  readonly count: number;
  /** The first of them, for the report. */
  readonly first: readonly Rejection[];
}

export interface RejectionOptions {
  /** The dead letter file. */
  readonly path?: string | undefined;
  /** How many may be rejected before `onExceeded` is called. */
  readonly max?: number | undefined;
  /** How many are kept for the report. */
  readonly keep: number;
  onRejected?(rejection: Rejection, count: number): void;
  onExceeded?(error: MillraceError): void;
}

export function rejections({ path, max, keep, onRejected, onExceeded }: RejectionOptions): Rejections {
  const file = path === undefined ? undefined : fileDeadLetter(path);
  const first: Rejection[] = [];
  let count = 0;
  return {
    get count() {
      return count;
    },
    first,
    write(letter) {
      count++;
      const rejection = { place: letter.place, reason: reasonAlone(letter) };
      if (first.length < keep) first.push(rejection);
      onRejected?.(rejection, count);
      if (max !== undefined && count === max + 1)
        onExceeded?.(
          new MillraceError(
            "RECORD_REFUSED",
            `More than ${max} records were rejected, the last at ${letter.place ?? `record ${letter.record}`}: ${rejection.reason}`,
          ),
        );
      return file?.write(letter);
    },
    close: async () => file?.close(),
  };
}

/** The sink's message without the words that say where, for the report has the place beside it. */
function reasonAlone({ table, place, record, reason }: Letter): string {
  const heads = [
    `Record ${record} (${place}) does not fit table ${table}: `,
    `Record ${record} does not fit table ${table}: `,
    `Table ${table}: ${place}: `,
  ];
  const head = heads.find((h) => reason.startsWith(h)) ?? "";
  return inPhrases(reason.slice(head.length));
}
