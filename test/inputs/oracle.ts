import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { Kind } from "../../src/schema/kinds.ts";

/** What DuckDB casts a text to, for each kind of column; two texts are the same value where the results are equal. */
const casts: Partial<Record<Kind, string>> = {
  bool: "try_cast(v as boolean)::varchar",
  int: "try_cast(v as decimal(38, 9))::varchar",
  long: "try_cast(v as decimal(38, 9))::varchar",
  real: "try_cast(v as double)::varchar",
  decimal: "try_cast(v as decimal(38, 3))::varchar",
  // Kusto counts in 100 ns, DuckDB in microseconds: the seventh digit is compared as it stands.
  datetime: `epoch_us(try_cast(v as timestamptz))::varchar || regexp_extract(v, '\\.\\d{6}(\\d*?)0*(Z|[+-][\\d:]*)?$', 1)`,
  guid: "try_cast(v as uuid)::varchar",
};

export interface Oracle {
  /** What each text is worth in a column of the kind, as a text that is the same for all spellings. */
  worth(kind: Kind, texts: ReadonlySet<string>): Promise<ReadonlyMap<string, string>>;
  close(): void;
}

export async function duckOracle(): Promise<Oracle> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  await connection.run("set TimeZone = 'UTC'"); // as Kusto takes a time without a zone
  await connection.run("create table texts (v varchar)");
  return {
    async worth(kind, texts) {
      const cast = casts[kind];
      if (cast === undefined) return new Map([...texts].map((text) => [text, text]));
      return castAll(connection, cast, texts);
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function castAll(connection: DuckDBConnection, cast: string, texts: ReadonlySet<string>) {
  await connection.run("delete from texts");
  const appender = await connection.createAppender("texts");
  for (const text of texts) {
    appender.appendVarchar(text);
    appender.endRow();
  }
  appender.closeSync();
  const reader = await connection.runAndReadAll(`select v, ${cast} from texts`);
  const worth = new Map<string, string>();
  // A text that DuckDB does not read is equal to itself only.
  for (const [text, value] of reader.getRows())
    worth.set(String(text), value === null ? `text ${text}` : String(value));
  return worth;
}
