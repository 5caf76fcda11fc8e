import { stringify } from "csv-stringify/sync";
import fastJson from "fast-json-stringify";
import type { Kind } from "../../src/schema/kinds.ts";
import type { Corpus } from "../corpora/corpora.ts";

/** Rows by the packages that people use for them. */

export function csvStringify({ table, records }: Corpus): () => string {
  const options = {
    columns: table.list.map((column) => column.name),
    cast: { date: (value: Date) => value.toISOString(), boolean: String },
  };
  return () => stringify(records as object[], options);
}

const jsonSchemas: Partial<Record<Kind, object>> = {
  bool: { type: "boolean" },
  dynamic: {},
  int: { type: "integer" },
  long: { type: "integer" },
  real: { type: "number" },
};

export function fastJsonStringify({ table, records }: Corpus): () => string {
  const properties = table.list.map(({ name, kind, isOptional }) => {
    const example = records.find((record) => record[name] != null)?.[name];
    const schema = jsonSchemas[kind] ?? { type: "string", ...(example instanceof Date && { format: "date-time" }) };
    return [name, isOptional ? { ...schema, nullable: true } : schema] as const;
  });
  const write = fastJson({ type: "object", properties: Object.fromEntries(properties) });
  return () => {
    let text = "";
    for (const record of records) text += `${write(record)}\n`;
    return text;
  };
}
