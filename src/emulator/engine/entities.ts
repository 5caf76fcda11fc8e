import type { Kind } from "../../schema/kinds.ts";
import type { MappingEntry } from "./mapping.ts";
import type { RoleAssignment } from "./role-assignment.ts";

// What the catalogue keeps, as plain data. catalogue.ts and extents.ts change it.

export interface Database {
  readonly name: string;
  readonly id: string;
  prettyName: string;
  readonly tables: Map<string, StoredTable>;
  /** JSON text by the policy's name, as commands spell it: `merge`, `ingestionbatching`. Changed by changeDatabase(), as all below. */
  policies: ReadonlyMap<string, string>;
  /** By kind and name: `csv/m1`; they hold for tables that have none of the same kind and name. */
  mappings: ReadonlyMap<string, StoredMapping>;
  functions: ReadonlyMap<string, StoredFunction>;
  /** Who has which role, here and on its tables and functions. */
  roles: readonly RoleAssignment[];
}

/** A function of the user's, as `.create function` gives it: the texts go to Kusto's parser as they are. */
export interface StoredFunction {
  readonly name: string;
  /** `(a:long, T:(x:string))` */
  readonly parameters: string;
  /** `{ T | where x == a }` */
  readonly body: string;
  readonly folder: string;
  readonly docString: string;
}

export interface StoredTable {
  name: string;
  readonly id: string;
  physical: string;
  columns: StoredColumn[];
  folder: string;
  docString: string;
  isHidden: boolean;
  /** By kind and name: `csv/m1`. Changed by changeTable(), as all above and below but the extents. */
  mappings: ReadonlyMap<string, StoredMapping>;
  /** As those of the database, which hold where the table has none of its own. */
  policies: ReadonlyMap<string, string>;
  /** By id. Changed in one go, when the store has taken the change. */
  readonly extents: Map<string, Extent>;
  /** The end of the queue of those who change this table's rows. */
  last: Promise<unknown>;
  dropped: boolean;
}

export interface StoredColumn {
  readonly name: string;
  readonly kind: Kind;
  readonly physical: string;
  readonly docString?: string | undefined;
}

export interface StoredMapping {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
  readonly entries: readonly MappingEntry[];
  readonly updatedOn: bigint;
}

/**
 * A shard of a table's rows. It never changes: what moves, merges or tags extents makes new ones, with new ids, that take
 * the place of the old ones in one transaction (documentation, "Extents (data shards)").
 */
export interface Extent {
  readonly id: string;
  /** What the hidden column of its rows says: a number for each load that went into it. */
  readonly loads: readonly number[];
  readonly rows: number;
  /** Uncompressed bytes that came in. */
  readonly originalBytes: number;
  /** Bytes as they came in. */
  readonly packedBytes: number;
  readonly tags: readonly string[];
  readonly minCreatedOn: bigint;
  readonly maxCreatedOn: bigint;
}
