import type { DuckDBConnection, DuckDBType } from "@duckdb/node-api";
import {
  addDecimals,
  canonicalDecimal,
  type Decimal,
  decimalKey,
  decimalText,
  divideDecimals,
  multiplyDecimals,
  negatedDecimal,
  parseDecimal,
} from "../values/decimal.ts";
import { elementsOf } from "../values/json-texts.ts";
import { realText } from "../values/real-text.ts";
import type { Stored } from "../values/stored.ts";
import { dynamicOf, textReaders } from "../values/text-values.ts";
import { longDatetimeText, timespanText } from "../values/ticks.ts";
import { calledFunctions } from "./called/called.ts";
import { bagIn, itemsIn } from "./called/json-values.ts";
import { datetimeInQuery } from "./datetime-texts.ts";
import type { DuckDB } from "./store.ts";

type SqlType = "BOOLEAN" | "BIGINT" | "BLOB" | "INTEGER" | "DOUBLE" | "VARCHAR";

/** A function of SQL that is written here, because SQL has nothing as exact. A null argument makes the result null. */
interface SqlFunction {
  readonly takes: readonly SqlType[];
  readonly gives: SqlType;
  readonly act: (...values: never[]) => Stored;
}

const text1 = (gives: SqlType, act: (text: string) => Stored): SqlFunction => ({ takes: ["VARCHAR"], gives, act });
const ofTicks = (act: (ticks: bigint) => Stored): SqlFunction => ({ takes: ["BIGINT"], gives: "VARCHAR", act });

/** Takes any text as bytes: DuckDB's client would drop a U+FEFF at its head. */
function ofBytes(act: (text: string) => Stored): SqlFunction {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return { takes: ["BLOB"], gives: "VARCHAR", act: ({ bytes }: { bytes: Uint8Array }) => act(decoder.decode(bytes)) };
}

const decimal2 = (act: (a: Decimal, b: Decimal) => Decimal | null): SqlFunction => ({
  takes: ["VARCHAR", "VARCHAR"],
  gives: "VARCHAR",
  act: (a: string, b: string) => {
    const result = act(parseDecimal(a)!, parseDecimal(b)!);
    return result && decimalText(result);
  },
});

const functions: Readonly<Record<string, SqlFunction>> = {
  k_to_bool: text1("BOOLEAN", textReaders.bool),
  k_to_datetime: text1("BIGINT", datetimeInQuery),
  k_to_decimal: text1("VARCHAR", canonicalDecimal),
  k_to_guid: text1("VARCHAR", textReaders.guid),
  k_to_int: text1("INTEGER", textReaders.int),
  k_to_long: text1("BIGINT", textReaders.long),
  k_to_real: text1("DOUBLE", textReaders.real),
  k_to_timespan: text1("BIGINT", textReaders.timespan),
  k_to_dynamic: ofBytes(dynamicOf),
  k_text_datetime: ofTicks(longDatetimeText),
  k_text_timespan: ofTicks(timespanText),
  k_text_real: { takes: ["DOUBLE"], gives: "VARCHAR", act: realText },
  k_decimal_of_real: { takes: ["DOUBLE"], gives: "VARCHAR", act: (value: number) => canonicalDecimal(String(value)) },
  k_decimal_add: decimal2(addDecimals),
  k_decimal_subtract: decimal2((a, b) => addDecimals(a, negatedDecimal(b))),
  k_decimal_multiply: decimal2(multiplyDecimals),
  k_decimal_divide: decimal2(divideDecimals),
  k_decimal_key: text1("VARCHAR", (text) => decimalKey(parseDecimal(text)!)),
  k_decimal_sum: text1("VARCHAR", sumOf),
  k_dynamic_get: {
    takes: ["VARCHAR", "VARCHAR"],
    gives: "VARCHAR",
    act: (json: string, step: string) => memberOf(json, step),
  },
  k_dynamic_text: text1("VARCHAR", dynamicText),
  k_dynamic_length: text1("BIGINT", (json) => {
    const items = itemsIn(json);
    return items && BigInt(items.length);
  }),
  k_dynamic_string: ofBytes((text) => JSON.stringify(text)),
};

/** Kusto's functions that are written in JavaScript, called by name with their arguments as one JSON array. */
const called = (gives: SqlType): SqlFunction => ({
  takes: ["VARCHAR", "VARCHAR"],
  gives,
  act: (name: string, args: string) => calledFunctions[name]!.act(...elementsOf(args)),
});

const allFunctions: Readonly<Record<string, SqlFunction>> = {
  ...functions,
  k_json: called("VARCHAR"),
  k_text: called("VARCHAR"),
  k_long: called("BIGINT"),
  k_real: called("DOUBLE"),
  k_bool: called("BOOLEAN"),
  k_items: text1("VARCHAR", itemsOf),
  k_key_values: text1("VARCHAR", keyValuesOf),
};

/** The separator of JSON texts in one text: JSON never holds it. */
const separator = "\u0001";

/** What an array or a bag expands to; null if that is nothing at all, and what is neither is its own item. */
function itemsOf(json: string): string | null {
  const members = bagIn(json);
  const items = members
    ? [...members].map(([name, value]) => `{${JSON.stringify(name)}:${value}}`)
    : (itemsIn(json) ?? [json]);
  return items.length === 0 ? null : items.join(separator);
}

function keyValuesOf(json: string): string | null {
  const members = bagIn(json);
  if (!members) return itemsOf(json);
  return members.size === 0
    ? null
    : [...members].map(([name, value]) => `[${JSON.stringify(name)},${value}]`).join(separator);
}

/** Makes the functions known to every connection of the instance. */
export function registerFunctions(duckdb: DuckDB, connection: DuckDBConnection): void {
  for (const [name, { takes, gives, act }] of Object.entries(allFunctions))
    connection.registerScalarFunction(
      duckdb.DuckDBScalarFunction.create({
        name,
        returnType: duckdb[gives] as DuckDBType,
        parameterTypes: takes.map((type) => duckdb[type] as DuckDBType),
        mainFunction(_info, input, output) {
          const columns = takes.map((_, index) => input.getColumnVector(index));
          const result = output as unknown as { setItem(row: number, value: Stored): void; flush(): void };
          for (let row = 0; row < input.rowCount; row++) {
            const values = columns.map((column) => column.getItem(row));
            result.setItem(row, values.includes(null) ? null : act(...(values as never[])));
          }
          result.flush();
        },
      }),
    );
}

/** The sum of decimals that come as one text, with a blank between them: an aggregate can only gather texts. */
function sumOf(texts: string): string {
  return decimalText(texts.split(" ").reduce((sum, text) => addDecimals(sum, parseDecimal(text)!), parseDecimal("0")!));
}

/** A member of a property bag by name, or an element of an array by index, from the end if it is negative. */
function memberOf(json: string, step: string): string | null {
  const key = JSON.parse(step) as string | number;
  let found: string | undefined;
  if (typeof key === "number") found = itemsIn(json)?.at(key);
  if (typeof key === "string") found = bagIn(json)?.get(key);
  return found === undefined || found === "null" ? null : found;
}

function dynamicText(json: string): string {
  return json.trimStart().startsWith('"') ? (JSON.parse(json) as string) : json;
}
