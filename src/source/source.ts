/**
 * Where a source stands in one partition: after the last record of a slice. It is stored as JSON and must be the same when it
 * is read again: null, booleans, texts, finite numbers other than -0, and arrays and plain objects of these, nested up to 64 deep.
 *
 * Refused with BAD_OPTION: a bigint (tell it as text), NaN and infinities, -0, undefined, functions, symbols, dates, maps, sets,
 * typed arrays, instances of classes, what has a `toJSON()`, arrays with holes, cycles. The positions of all partitions may take
 * 64 MiB of JSON together.
 */
export type Position = string | number | boolean | null | readonly Position[] | { readonly [key: string]: Position };

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
  /** The bytes as they stood, cut to a sane length. */
  readonly original: string;
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
