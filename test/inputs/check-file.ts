import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isKind, type Kind } from "../../src/schema/kinds.ts";
import { type CommandLine, lastLine } from "./command-line.ts";
import { type ComparedColumn, compareRows } from "./compare.ts";
import { type Difference, isTextForNull, refusedFiles, rejectedRows } from "./differences.ts";
import { askKusto, type KustoTable } from "./kusto-rows.ts";
import { narrowestKind } from "./narrowest-kind.ts";
import type { Oracle } from "./oracle.ts";
import { type Dialect, dialectOf, type Reading, readIndependently, type SourceRow, unpacked } from "./readings.ts";

/** A file of the campaign. */
export interface InputFile {
  /** For people: `npm:vega-datasets/data/cars.json`. */
  readonly name: string;
  /** Its last part decides the format, as for every user. */
  readonly path: string;
  /** Where a suite says what the rows are; else the independent readers do. */
  readonly rows?: readonly SourceRow[];
  /** What our readers read in its place, as NDJSON: they know no documents that follow one another. */
  readonly sameAs?: string;
  /** All columns are strings, so that texts can be compared with a suite's. */
  readonly isText?: boolean;
  /** CSV: where the file does not say it itself. */
  readonly delimiter?: string;
  /** No two readers count its rows alike: it is enough that something of it is rejected or that it is refused. */
  readonly isBroken?: boolean;
  /** Reasons of rejections and refusals that are right for this file, beside those that are right for all. */
  readonly forgiven?: readonly (readonly [reason: RegExp, why: string])[];
}

export interface Verdict {
  readonly name: string;
  readonly outcome: "same" | "differs" | "refused";
  readonly rows: number;
  readonly rejected: number;
  readonly cells: number;
  readonly different: number;
  readonly silent: number;
  /** What makes it differ, and why it was refused or rows were rejected. */
  readonly notes: readonly string[];
  readonly documented: ReadonlyMap<Difference, number>;
}

export interface Tools {
  readonly millrace: CommandLine;
  readonly cluster: string;
  readonly oracle: Oracle;
  /** For schemas and dead letters. */
  readonly folder: string;
}

interface Summary {
  readonly ok: boolean;
  readonly error?: { readonly code: string; readonly message: string };
  readonly read: number;
  readonly delivered: number;
  readonly rejected: number;
  /** By column. */
  readonly readAsNull?: Readonly<Record<string, { readonly count: number }>>;
}

interface Letter {
  readonly place?: string;
  readonly reason: string;
}

const table = "Inputs";

/** Runs a file through `schema`, `ingest --create-table` and `verify`, and compares every cell of the table with it. */
export async function checkFile(file: InputFile, tools: Tools): Promise<Verdict> {
  const bytes = unpacked(readFileSync(file.path));
  const dialect = dialectOf(file.path, bytes, file.delimiter);
  const { sameAs } = file;
  const read =
    sameAs === undefined
      ? readIndependently(bytes, dialect)
      : readIndependently(Buffer.from(sameAs), { ...dialect, format: "ndjson" });
  const reading = file.rows ? { ...read, rows: file.rows } : read;
  const letters = join(tools.folder, "letters.ndjson");
  rmSync(letters, { force: true });
  await askKusto(tools.cluster, `.drop table ${table} ifexists`);
  return new Check(file, reading, dialect, tools).run(letters);
}

/** The findings about one file, as they come. */
class Check {
  readonly #file: InputFile;
  readonly #reading: Reading;
  readonly #dialect: Dialect;
  readonly #tools: Tools;
  readonly #notes: string[] = [];
  readonly #documented = new Map<Difference, number>();
  #different = 0;
  #silent = 0;

  constructor(file: InputFile, reading: Reading, dialect: Dialect, tools: Tools) {
    this.#file = file;
    this.#reading = reading;
    this.#dialect = dialect;
    this.#tools = tools;
  }

  async run(letterFile: string): Promise<Verdict> {
    const { millrace, cluster, folder } = this.#tools;
    const { path } = this.#file;
    const { flags } = this.#dialect;
    const target = ["--cluster", cluster, "--database", "demo"];
    const proposed = await millrace.run("schema", path, "--table", table, "--json", "--infer-records", "0", ...flags);
    if (proposed.code !== 0) return this.#refused(proposed.err, await this.#ingest(letterFile, [...target, ...flags]));
    const columns = columnsOf(lastLine(proposed), this.#file.isText === true);
    this.#checkNames(columns);
    const schema = join(folder, "schema.json");
    writeFileSync(schema, schemaText(columns));
    const asText = this.#file.isText ? ["--schema", schema] : ["--infer-records", "0"];
    const summary = await this.#ingest(letterFile, [...target, ...flags, ...asText]);
    if (summary.error !== undefined) return this.#refused(summary.error.message, summary);

    const verified = await millrace.run("verify", path, "--table", table, "--json", ...target, ...flags);
    if (verified.code !== 0) this.#differ(1, `verify: ${(verified.out || verified.err).slice(0, 300)}`);
    return this.#compare(columns, summary, lettersIn(letterFile));
  }

  async #ingest(letterFile: string, flags: readonly string[]): Promise<Summary> {
    const { path } = this.#file;
    const common = ["--table", table, "--create-table", "--json", "--quiet", "--dead-letter", letterFile];
    const outcome = await this.#tools.millrace.run("ingest", path, ...common, ...flags);
    const summary = lastLine<Summary | null>(outcome);
    if (summary === null) throw new Error(`ingest wrote nothing: ${outcome.err}`);
    if ((outcome.code === 0) !== (summary.error === undefined && summary.rejected === 0))
      this.#lose(1, `ingest ended with ${outcome.code}, and ${JSON.stringify(summary).slice(0, 300)}`);
    return summary;
  }

  /** A name that Kusto takes stays as it is. */
  #checkNames(columns: readonly Column[]): void {
    const given = this.#reading.fields;
    if (columns.length !== given.length)
      this.#differ(
        1,
        `${columns.length} columns of ${given.length} fields: ${columns
          .map((c) => c.field)
          .join(", ")
          .slice(0, 300)}`,
      );
  }

  async #compare(columns: readonly Column[], summary: Summary, letters: readonly Letter[]): Promise<Verdict> {
    const { rows } = this.#reading;
    const { cluster, oracle } = this.#tools;
    const { columns: actual, rows: arrived } = await askKusto(cluster, table);
    const types = (list: readonly { name: string; type: string }[]) =>
      list
        .map(({ name, type }) => `${name}:${type}`)
        .sort()
        .join(", ");
    const [is, said] = [types(actual), types(columns.map(({ name, kind }) => ({ name, type: kind })))];
    if (is !== said) this.#differ(1, `the table is ${is.slice(0, 300)}, and schema said ${said.slice(0, 300)}`);

    if (this.#file.isBroken && letters.length > 0) return this.#verdict("same", letters.length);
    if (letters.length !== summary.rejected)
      this.#lose(1, `${summary.rejected} rejected, and ${letters.length} letters`);
    const gone = rows.length - arrived.length - summary.rejected;
    if (gone !== 0)
      this.#lose(
        Math.abs(gone),
        `${rows.length} rows in the file, ${arrived.length} arrived, ${summary.rejected} rejected`,
      );

    const lines = new Set(letters.map(({ place }) => Number(/:(\d+)$/.exec(place ?? "")?.[1])));
    const isByLine = rows.every(({ line }) => line !== undefined);
    const kept = rows.filter(({ line, fault }) => fault === undefined && !(isByLine && lines.has(line!)));
    const placed = this.#placed(columns, actual);
    if (!this.#file.isText)
      for (const column of placed) {
        const narrowest = narrowestKind(column, kept);
        if (narrowest !== undefined && narrowest !== column.kind)
          this.#differ(1, `column ${column.name} is ${column.kind}, and all its values are ${narrowest}`);
      }
    this.#checkNullTexts(placed, kept, summary);
    const compared = await compareRows(placed, this.#reading, kept, arrived, oracle);
    if (compared.different > 0) this.#differ(compared.different, ...compared.examples);
    const faulty = rows.filter(({ fault }) => fault !== undefined);
    const undue =
      letters.length - faulty.length - (isByLine ? rows.length - faulty.length - kept.length : compared.missing);
    if (compared.surplus > 0) {
      const why = faulty[0] ? `; line ${faulty[0].line}: ${faulty[0].fault}` : "";
      this.#lose(compared.surplus, `${compared.surplus} rows of the table are none of the file's sound rows${why}`);
    }
    if (compared.missing > 0 && (isByLine || undue !== 0))
      this.#differ(compared.missing, `${compared.missing} rows are not in the table`);
    this.#judgeRejections(rows, letters);
    return {
      ...this.#verdict(this.#different + this.#silent > 0 ? "differs" : "same", letters.length, compared.documented),
      cells: compared.cells,
    };
  }

  /** What became null is counted and named, column by column. */
  #checkNullTexts(placed: readonly ComparedColumn[], kept: readonly SourceRow[], { readAsNull = {} }: Summary): void {
    for (const { name, kind, field, index } of placed) {
      const isNull = ({ value }: SourceRow) => Array.isArray(value) && isTextForNull(kind, String(value[index]));
      const expected = kept.filter(isNull).length;
      const told = (readAsNull[name] ?? readAsNull[field])?.count ?? 0;
      if (told !== expected) this.#lose(1, `${expected} texts for null in column ${name}, and ingest tells of ${told}`);
    }
  }

  /** The table's columns, each with its field's place in the file's header. */
  #placed(columns: readonly Column[], actual: KustoTable["columns"]): ComparedColumn[] {
    const { fields } = this.#reading;
    const fieldOf = new Map(columns.map(({ name, field }) => [name, field]));
    const isThere = new Set(fieldOf.values());
    // A field without a name, and the second of two, bear names that the header does not have: they are met in its order.
    const others = fields.flatMap((name, i) => (isThere.has(name) && fields.indexOf(name) === i ? [] : [i]));
    return actual.map(({ name, type }) => {
      const field = fieldOf.get(name) ?? name;
      const index = fields.indexOf(field);
      return { name, kind: kindOf(type), field, index: index < 0 ? others.shift()! : index };
    });
  }

  /** A sound row may be rejected for a documented reason only, and a place leads to it. */
  #judgeRejections(rows: readonly SourceRow[], letters: readonly Letter[]): void {
    const faultAt = new Map(rows.map(({ line, fault }) => [line, fault]));
    const hasFaults = rows.some(({ fault }) => fault !== undefined);
    for (const { place, reason } of letters) {
      const line = Number(/:(\d+)$/.exec(place ?? "")?.[1]);
      if (!(line > 0)) this.#differ(1, `rejected without a place: ${reason}`);
      const fault = faultAt.get(line);
      const why = fault ?? this.#reasonFor(rejectedRows, reason);
      const isJson = this.#reading.form === "json" && hasFaults;
      if (why === undefined && !isJson) this.#differ(1, `line ${line} is sound, and rejected: ${reason}`);
      else if (this.#notes.length < 5) this.#notes.push(`line ${line} rejected: ${reason}${fault ? "" : ` (${why})`}`);
    }
  }

  /** Why a rejection or a refusal is right, if it is. */
  #reasonFor(list: typeof rejectedRows, reason: string): string | undefined {
    return [...list, ...(this.#file.forgiven ?? [])].find(([pattern]) => pattern.test(reason))?.[1];
  }

  #refused(message: string, summary: Summary): Verdict {
    const text =
      message
        .trim()
        .split("\n")
        .filter((line) => line.startsWith("millrace:") || !message.includes("millrace:"))
        .at(-1) ?? "";
    if (summary.error === undefined) this.#lose(1, `schema refuses what ingest takes: ${text}`);
    const { fault, rows } = this.#reading;
    const why =
      fault ??
      (rows.every((row) => row.fault !== undefined) ? (rows[0]?.fault ?? "it has no rows") : undefined) ??
      this.#reasonFor(refusedFiles, text);
    if (why === undefined) this.#differ(1, `refused: ${text}`);
    else this.#notes.push(`refused: ${text} (${why})`);
    return this.#verdict(why === undefined ? "differs" : "refused", 0);
  }

  #verdict(outcome: Verdict["outcome"], rejected: number, compared: Verdict["documented"] = new Map()): Verdict {
    const { name } = this.#file;
    const rows = this.#reading.rows.length;
    const documented = new Map([...compared, ...this.#documented]);
    const [different, silent, notes] = [this.#different, this.#silent, this.#notes];
    return { name, outcome, rows, rejected, cells: 0, different, silent, notes, documented };
  }

  #differ(count: number, ...notes: readonly string[]): void {
    this.#different += count;
    this.#notes.unshift(...notes.map((note) => `DIFFERENT ${note}`).slice(0, 6));
  }

  #lose(count: number, note: string): void {
    this.#silent += count;
    this.#notes.unshift(`SILENT ${note}`);
  }
}

interface ProposedColumn {
  readonly name?: string;
  readonly type: string;
  readonly from?: string;
}

interface SchemaJson {
  readonly columns: Readonly<Record<string, string | ProposedColumn>>;
}

/** A column as `millrace schema` proposes it. */
interface Column {
  readonly name: string;
  readonly kind: Kind;
  readonly field: string;
}

function columnsOf({ columns }: SchemaJson, isText: boolean): Column[] {
  return Object.entries(columns).map(([key, given]) => {
    // A list where a column is named like an array index.
    const { name = key, type, from = name } = typeof given === "string" ? ({ type: given } as ProposedColumn) : given;
    return { name, kind: isText ? "string" : kindOf(type.replace(/!$/, "")), field: from };
  });
}

function kindOf(type: string): Kind {
  if (!isKind(type)) throw new Error(`a column of the type ${type}`);
  return type;
}

/** JSON; KQL for columns that are named like numbers, whose order JSON does not keep. */
function schemaText(columns: readonly Column[]): string {
  if (columns.some(({ name }) => /^\d+$/.test(name)))
    return columns.map(({ name, kind }) => `['${name.replace(/[\\']/g, "\\$&")}']:${kind}`).join(", ");
  const entries = columns.map(({ name, kind, field }) => [name, name === field ? kind : { type: kind, from: field }]);
  return JSON.stringify({ table, columns: Object.fromEntries(entries) });
}

function lettersIn(path: string): Letter[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Letter);
}
