import { listen } from "../events.ts";
import type { SinkStats } from "../sink/stats.ts";
import { decorated } from "../source/decorated.ts";
import type { Slice, Source } from "../source/source.ts";
import type { FilePosition } from "../source/splitter.ts";

/** What became of one file's records in this run. */
export interface FileReport {
  readonly path: string;
  /** "in part" also where it cannot be told whether there is more. */
  readonly state: "read" | "in part" | "not read";
  /** Records, and what could not be read as one. */
  readonly read: number;
  readonly rejected: number;
  /** Records in the table (or taken by the service, where that is what was waited for). */
  readonly delivered: number;
  /** Records in the log of the state, which the next run delivers. */
  readonly inState: number;
}

export interface InputFile {
  readonly path: string;
  /** 0 where it is packed, or has no end that could be known. */
  readonly bytes: number;
}

interface FileCount {
  read: number;
  accepted: number;
  delivered: number;
  inState: number;
  byte: number;
}

/** A slice that was read and not written. */
interface Read {
  readonly path: string;
  readonly size: number;
  readonly byte: number;
}

/** A partition may have another name than the file was given by: that is in the places of its records. */
function fileOf(slice: Slice<unknown>): string {
  const place = slice.records.length > 0 ? slice.placeOf?.(0) : slice.refused?.[0]?.place;
  return place?.replace(/:\d+$/, "") ?? slice.partition;
}

const untouched: Readonly<FileCount> = { read: 0, accepted: 0, delivered: 0, inState: 0, byte: 0 };

/** Records that go one way together: a batch, or with a state a checkpoint. */
interface Unit {
  readonly records: number;
  isDelivered: boolean;
}

/**
 * Follows records from their files into batches or checkpoints. Records keep their order in these, as the CLI's preset `bulk` has one
 * batch filled by all subtasks; so counts are enough to tell whose records a batch holds.
 */
export interface LandedRecords {
  /** The same source, noted. */
  watch<R>(source: Source<R>): Source<R>;
  /** A slice has been written, or with `isWhole` false a part of it. */
  note(stats: SinkStats, isWhole?: boolean): void;
  /** The source has given everything. */
  end(): void;
  /** Records, and what could not be read as one. */
  readonly read: number;
  /** Records in the checkpoints of this run. */
  readonly checkpointed: number;
  /** Rows that an earlier run has left in the state, and that were committed in this one. */
  readonly fromEarlierRun: number;
  report(failedFile: string | undefined): FileReport[];
  /** Ends the listening. */
  close(): void;
}

export interface LandedOptions {
  readonly files: readonly InputFile[];
  readonly hasState: boolean;
  /** A batch is delivered when it has landed, not when it was taken. */
  readonly isWaiting: boolean;
  /** The checkpoint that the run goes on from. */
  resumedFrom(): number;
}

export function landedRecords({ files, hasState, isWaiting, resumedFrom }: LandedOptions): LandedRecords {
  const counts = new Map<string, FileCount>();
  /** Which file's records were accepted, in order. */
  const accepted: { readonly file: FileCount; records: number }[] = [];
  const units = new Map<string | number, Unit>();
  /** In order. Some are read ahead while one is written. */
  const unwritten: Read[] = [];
  let known = 0;
  let isEnded = false;
  let fromEarlierRun = 0;

  const deliver = (unit: string | number) => {
    const found = units.get(unit);
    if (found) found.isDelivered = true;
  };
  const close = listen(
    hasState
      ? {
          "millrace:checkpoint": ({ epoch, records }) => void units.set(epoch, { records, isDelivered: false }),
          "millrace:epoch:committed"({ epoch, rows }) {
            if (epoch <= resumedFrom()) fromEarlierRun += rows;
            else deliver(epoch);
          },
        }
      : {
          "millrace:batch:sealed": ({ batch, rows }) => void units.set(batch, { records: rows, isDelivered: false }),
          [isWaiting ? "millrace:batch:landed" : "millrace:batch:taken"]: ({ batch }: { batch: string }) =>
            deliver(batch),
        },
  );

  function countOf(path: string): FileCount {
    const found = counts.get(path);
    if (found) return found;
    const made = { read: 0, accepted: 0, delivered: 0, inState: 0, byte: 0 };
    counts.set(path, made);
    return made;
  }

  /** Goes over the records in the order in which they were accepted, and beside it over the units that they are in. */
  function allot(): void {
    for (const each of counts.values()) each.delivered = each.inState = 0;
    const runs = accepted.map((run) => ({ ...run }));
    let at = 0;
    for (const { records, isDelivered } of units.values())
      for (let left = records; left > 0 && at < runs.length; ) {
        const run = runs[at]!;
        const taken = Math.min(left, run.records);
        if (isDelivered) run.file.delivered += taken;
        else if (hasState) run.file.inState += taken;
        run.records -= taken;
        left -= taken;
        if (run.records === 0) at++;
      }
  }

  return {
    watch: (source) =>
      decorated(source, async function* (from, signal, context) {
        for await (const slice of source.read(from, signal, context)) {
          unwritten.push({
            path: fileOf(slice),
            size: slice.records.length + (slice.refused?.length ?? 0),
            byte: Number((slice.position as Partial<FilePosition> | null)?.byte ?? 0),
          });
          yield slice;
        }
      }),
    note({ accepted: total }, isWhole = true) {
      const more = total - known;
      known = total;
      const [current] = unwritten;
      if (!current) return;
      const { path, size, byte } = current;
      const file = countOf(path);
      file.read += isWhole ? size : more;
      if (isWhole) {
        file.byte = byte;
        unwritten.shift();
      }
      if (more <= 0) return;
      file.accepted += more;
      const last = accepted.at(-1);
      if (last?.file === file) last.records += more;
      else accepted.push({ file, records: more });
    },
    end() {
      isEnded = true;
    },
    get read() {
      return [...counts.values()].reduce((sum, { read }) => sum + read, 0);
    },
    get checkpointed() {
      return hasState ? [...units.values()].reduce((sum, { records }) => sum + records, 0) : 0;
    },
    get fromEarlierRun() {
      return fromEarlierRun;
    },
    report(failedFile) {
      allot();
      const begun = files.findLastIndex(({ path }) => counts.has(path));
      const failed = files.findIndex(({ path }) => path === failedFile);
      const reached = Math.max(begun, failed);
      return files.map(({ path, bytes }, i): FileReport => {
        const { read, accepted, delivered, inState, byte } = counts.get(path) ?? untouched;
        const isRead = isEnded || i < reached || (i === begun && i > failed && bytes > 0 && byte >= bytes);
        const state = isRead ? "read" : read > 0 ? "in part" : "not read";
        return { path, state, read, rejected: read - accepted, delivered, inState };
      });
    },
    close,
  };
}
