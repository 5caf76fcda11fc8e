/**
 * A text as long as this is worth a name; a subquery is, however short, for a lambda cannot hold one, and so is a function that is written in
 * JavaScript, which DuckDB calls for each place where it stands.
 */
const isWorthIt = (sql: string) => sql.length >= 100 || sql.includes("SELECT ") || sql.includes("k_");

/**
 * `use` of a value that stands there several times: a long expression is computed once, under a name, since each use
 * within another would double the text.
 */
export function once(sql: string, use: (name: string) => string, name = "v"): string {
  return !isWorthIt(sql) ? use(sql) : `list_transform([${sql}], lambda ${name}: ${use(name)})[1]`;
}
