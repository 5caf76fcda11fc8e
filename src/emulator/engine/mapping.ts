import { IngestionFailure } from "../ingestion-failure.ts";

/** One column of an ingestion mapping. */
export interface MappingEntry {
  readonly column: string;
  readonly dataType: string | undefined;
  readonly ordinal: number | undefined;
  readonly path: string | undefined;
  /** The name of a field, where a format has names. */
  readonly field: string | undefined;
  readonly constant: string | undefined;
  readonly transform: string | undefined;
}

/**
 * Reads a mapping, in the form of today (`Column`, `Properties`), in that of Java's SDK (`columnName`, `columnType`) or the
 * older flat one; names of members in any case.
 *
 * @throws IngestionFailure BadRequest_InvalidMapping.
 */
export function parseMapping(text: string): MappingEntry[] {
  const parsed = parsedJson(text);
  if (!Array.isArray(parsed)) throw invalid("it must be a JSON array");
  return parsed.map((entry: unknown, index) => {
    if (typeof entry !== "object" || entry === null) throw invalid(`entry ${index} is not an object`);
    const outer = byLowerName(entry);
    const inner = byLowerName(outer.get("properties") ?? {});
    const read = (...names: string[]) => {
      for (const name of names) {
        const value = inner.get(name) ?? outer.get(name);
        if (value !== undefined && value !== null && value !== "") return String(value);
      }
      return undefined;
    };
    const column = read("column", "name", "columnname");
    if (column === undefined) throw invalid(`entry ${index} names no column`);
    const ordinal = read("ordinal");
    if (ordinal !== undefined && !/^\d+$/.test(ordinal))
      throw invalid(`the ordinal of column '${column}' is not a number`);
    const path = read("path");
    const isPath = path === undefined || path.startsWith("$");
    return {
      column,
      dataType: read("datatype", "type", "columntype"),
      ordinal: ordinal === undefined ? undefined : Number(ordinal),
      path: isPath ? path : undefined,
      field: read("field"),
      // A path that does not begin with $ is a constant (documentation, "JSON mapping").
      constant: read("constvalue", "constantvalue") ?? (isPath ? undefined : path),
      transform: read("transform"),
    };
  });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

function byLowerName(value: unknown): Map<string, unknown> {
  return new Map(Object.entries(value as object).map(([name, member]) => [name.toLowerCase(), member]));
}

function invalid(why: string): IngestionFailure {
  return new IngestionFailure("BadRequest_InvalidMapping", `Failed to parse ingestion mapping: ${why}.`);
}

export type PathStep = string | number;

/** The steps to a column's value, of a path or a field's name; undefined where it comes from elsewhere. */
export function pathOf({ path, field }: MappingEntry): PathStep[] | undefined {
  if (path !== undefined) return parsePath(path);
  return field === undefined ? undefined : field.startsWith("$") ? parsePath(field) : [field];
}

/**
 * The steps of a JSON path: `$.a.b`, `$['a b'].c`, `$.list[0]`; a bare `$` is the record itself.
 *
 * @throws IngestionFailure BadRequest_InvalidMapping.
 */
export function parsePath(path: string): PathStep[] {
  const steps: PathStep[] = [];
  let rest = path.trim();
  if (!rest.startsWith("$")) throw invalid(`path '${path}' does not begin with $`);
  rest = rest.slice(1);
  while (rest !== "") {
    const found =
      /^\.([^.[\]]+)/.exec(rest) ??
      /^\.?\[(\d+)\]/.exec(rest) ??
      /^\.?\['((?:[^'\\]|\\.)*)'\]/.exec(rest) ??
      /^\.?\["((?:[^"\\]|\\.)*)"\]/.exec(rest);
    if (!found) throw invalid(`path '${path}' cannot be read from '${rest}' on`);
    const step = found[1]!;
    if (/^\.?\[\d/.test(rest)) steps.push(Number(step));
    else steps.push(/^\.?\[/.test(rest) ? step.replaceAll(/\\(.)/g, "$1") : step);
    rest = rest.slice(found[0].length);
  }
  return steps;
}
