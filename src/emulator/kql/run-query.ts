import type { DuckDBVector } from "@duckdb/node-api";
import type { Catalogue } from "../engine/catalogue.ts";
import type { Database } from "../engine/entities.ts";
import { KustoError } from "../kusto-error.ts";
import type { Access } from "../security/access.ts";
import { type ResultTable, rowOf } from "../values/result.ts";
import type { Stored } from "../values/stored.ts";
import { checkCommonParts, checkSql, type SharedParts } from "./context.ts";
import type { Code } from "./language.ts";
import { inTime } from "./parse-deadline.ts";
import { translate } from "./query.ts";
import { limitsOf, type QueryLimits, timedOut, tooManyRows } from "./query-limits.ts";
import { finalSql, type Relation } from "./relation.ts";

export interface QueryOptions {
  /** The result of a command at the head of the pipe. */
  readonly command?: Relation;
  /** Values for `declare query_parameters`, as the request gives them. */
  readonly parameters?: ReadonlyMap<string, string>;
  /** Options of the request, such as `servertimeout`. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** What the caller may read; undefined where everybody may read everything. */
  readonly access?: Access | undefined;
}

/** Runs a parsed query, or the pipe behind a command whose result is given. */
export async function runQuery(
  code: Code,
  catalogue: Catalogue,
  database: Database,
  options: QueryOptions = {},
): Promise<ResultTable> {
  const limits = limitsOf(options.options ?? {}, code.text);
  return read(catalogue, translated(code, catalogue, database, options), limits);
}

/** What a parsed query yields, not yet read. */
export function translated(
  code: Code,
  catalogue: Catalogue,
  database: Database,
  { command, parameters = new Map(), access }: QueryOptions = {},
): Relation {
  const shared: SharedParts = { common: [], aliases: 0, calls: 0, visualization: undefined, parameters, access };
  const relation = inTime(() =>
    translate(code.root, {
      catalogue,
      database,
      text: code.text,
      lets: new Map(),
      command,
      now: catalogue.clock.ticks(),
      shared,
      isCorrelated: false,
      depth: 0,
    }),
  );
  checkCommonParts(shared.common);
  const sql = shared.common.length > 0 ? `WITH ${shared.common.join(", ")} ${relation.sql}` : relation.sql;
  return checkSql({ ...relation, sql, visualization: shared.visualization });
}

async function read(catalogue: Catalogue, relation: Relation, limits: QueryLimits): Promise<ResultTable> {
  const columns = relation.columns.map(({ name, kind }) => ({ name, kind }));
  const rows: string[] = [];
  let characters = 0;
  const take = (values: Stored[]) => {
    const row = rowOf(columns, values);
    characters += row.length;
    if (rows.length >= limits.rows) throw tooManyRows("record count", limits.rows);
    if (characters > limits.characters) throw tooManyRows("data size", limits.characters);
    rows.push(row);
  };
  await eachRow(catalogue, relation, take, limits);
  const { visualization } = relation;
  return visualization ? { columns, rows, visualization } : { columns, rows };
}

/** How often DuckDB is told again to stop: what it does not hear while it plans, it hears when it runs. */
const interruptEveryMs = 1_000;

/** Hands over the rows of a relation, in its order; DuckDB is interrupted when the time is over. */
export async function eachRow(
  catalogue: Catalogue,
  relation: Relation,
  act: (values: Stored[]) => void,
  limits: QueryLimits = limitsOf({}, ""),
): Promise<void> {
  await catalogue.store.withConnection(async (connection) => {
    let isOver = false;
    let again: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      isOver = true;
      connection.interrupt();
      again = setInterval(() => connection.interrupt(), interruptEveryMs);
    }, limits.timeMs);
    try {
      const result = await connection.stream(finalSql(relation));
      for (;;) {
        const chunk = await result.fetchChunk();
        if (!chunk || chunk.rowCount === 0) break;
        if (isOver) throw timedOut(limits);
        const vectors = relation.columns.map((_, index) => chunk.getColumnVector(index));
        for (let row = 0; row < chunk.rowCount; row++) {
          act(vectors.map((vector) => storedIn(vector, row)));
        }
      }
    } catch (error) {
      throw isOver ? timedOut(limits) : refusedByStore(error);
    } finally {
      clearTimeout(timer);
      clearInterval(again);
    }
  });
}

/** DuckDB's client takes a U+FEFF at the head of a text for a mark and drops it, so texts come as bytes: see finalSql. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

interface BytesVector {
  getItemBytes(row: number): Uint8Array | null;
}

function storedIn(vector: DuckDBVector, row: number): Stored {
  if (!("getItemBytes" in vector)) return vector.getItem(row) as Stored;
  const bytes = (vector as unknown as BytesVector).getItemBytes(row);
  return bytes && decoder.decode(bytes);
}

/** DuckDB speaks of its own SQL, which is nobody's business but names the value it could not take. */
export function refusedByStore(error: unknown): unknown {
  if (error instanceof KustoError || !(error instanceof Error)) return error;
  const said = error.message.split("\n")[0];
  return new KustoError(`Query execution has resulted in error (0x80DA0001): ${said}`, {
    code: "General_BadRequest",
    type: "Kusto.Data.Exceptions.KustoServicePartialQueryFailureException",
  });
}
