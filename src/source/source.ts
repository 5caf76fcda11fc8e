import type { ExcessPrecision } from "../schema/excess-precision.ts";
import type { Rename } from "../schema/names.ts";
import type { RowDialect } from "./csv-dialect.ts";

/**
 * Where a source stands in one partition: after the last record of a slice. It is stored as JSON and must be the same when it
 * is read again: null, booleans, texts, finite numbers other than -0, and arrays and plain objects of these, nested up to 64 deep.
 *
 * Refused with BAD_OPTION: a bigint (tell it as text), NaN and infinities, -0, undefined, functions, symbols, dates, maps, sets,
 * typed arrays, instances of classes, what has a `toJSON()`, arrays with holes, cycles. The positions of all partitions may take
 * 64 MiB of JSON together.
 */
export type Position = string | number | boolean | null | readonly Position[] | { readonly [key: string]: Position };

/** How an original is to be read again: what a dead letter says beside it. */
export interface OriginalFormat {
  /**
   * Of the source, or of the row. `csv`: a record's values are texts, and an empty one is null. Absent: the original is a record as
   * `write()` takes it. `letter`: a line of a dead letter, which `millrace replay-dlq` could not read.
   */
  readonly format?: "csv" | "ndjson" | "json" | "letter";
  /** CSV text only: the names of its fields, in order. */
  readonly header?: readonly string[];
  /** CSV text only. Default ",". */
  readonly delimiter?: string;
  /** CSV text only: how the row is written, where it is not RFC 4180. */
  readonly dialect?: RowDialect;
  /** The `nullTexts` and `excessPrecision` of `coerce()`, where they were given. */
  readonly nullTexts?: readonly string[];
  readonly excessPrecision?: ExcessPrecision;
  /** Fields whose column has another name. */
  readonly renames?: readonly Rename[];
  /** Only the beginning of the original was kept. */
  readonly isCut?: true;
  /** The bytes were not UTF-8: U+FFFD stands for what could not be read. */
  readonly isUtf8?: false;
  /** A function of the program (`through` of `run()`) converted the records of this source: only that program can read it again. */
  readonly isConverted?: true;
}

/** A record as its source read it, and how to read it again. */
export interface Origin {
  readonly original: unknown;
  readonly source: OriginalFormat;
}

/** Positions by partition (a file, a topic partition, ...): a checkpoint stores them, a restart reads on from them. */
export type Positions = Readonly<Record<string, Position>>;

/** Some records of one partition, in order, and the position behind them. */
export interface Slice<R> {
  readonly partition: string;
  /** `run()` copies it when the slice arrives: the source may go on with its object. */
  readonly position: Position;
  readonly records: readonly R[];
  /** What could not be read as a record at all. Its neighbours are in `records`. */
  readonly refused?: readonly Refusal[];
  /** Where a record came from, for messages: `events.ndjson:17`. The index is into `records`. */
  placeOf?(index: number): string;
  /** The record as a dead letter should keep it, where that is not the one that is written. The index is into `records`. */
  originOf?(index: number): Origin;
  /** Positions of other partitions that change at the same moment: of files that were moved. To be stored with `position`. */
  readonly moved?: Positions;
  /** Bytes of the source that this slice consumed, for progress. */
  readonly bytes?: number;
}

/** Something that a source could not read as a record. */
export interface Refusal {
  /** `events.ndjson:17` */
  readonly place: string;
  readonly reason: string;
  /** The text as it stood; `source` says whether it was cut. */
  readonly original: string;
  /** How the text is to be read again, for the dead letter. */
  readonly source?: OriginalFormat;
}

/** What a source may know of whoever reads it. */
export interface ReadMode {
  /** The positions are kept in a state, and a later run reads on from them. */
  readonly isContinued: boolean;
}

/** A source knows nothing of the sink. */
export interface Source<R> {
  readonly name: string;
  /** Can it be read again from a position? One that cannot is at-least-once at best. */
  readonly replayable: boolean;
  read(from: Positions, signal: AbortSignal, mode?: ReadMode): AsyncIterable<Slice<R>>;
  /** The destination has accepted every record before these positions. */
  acknowledge?(positions: Positions): Promise<void>;
  /**
   * Nothing more is wanted: the source gives the records that it has taken already, and ends. `run()` calls it when its `stop` fires.
   * Needed where records would be lost otherwise: a source without it is read no further than the slice at hand.
   */
  stop?(): void;
  close?(): Promise<void>;
}
