/** A query of Kusto's and the SQL that a DuckDB user would write for the same rows, over the table of `events.ts`. */
export interface Pair {
  readonly kql: string;
  readonly sql: string;
  /** Whether the order of the rows is part of the answer. */
  readonly isOrdered?: true;
}

const pair = (kql: string, sql: string): Pair => ({ kql, sql });
const ordered = (kql: string, sql: string): Pair => ({ kql, sql, isOrdered: true });

/** DuckDB's `\b` knows ASCII letters alone, and so do the texts of the corpus. */
const hasWord = (word: string) => `regexp_matches(msg, '(?i)\\b${word}\\b')`;

export const pairs: readonly Pair[] = [
  // Filters.
  pair("E | count", "SELECT count(*) FROM e"),
  pair("E | where id == 4242", "SELECT * FROM e WHERE id = 4242"),
  pair("E | where level == 'error' | count", "SELECT count(*) FROM e WHERE level = 'error'"),
  pair("E | where level =~ 'ERROR' | count", "SELECT count(*) FROM e WHERE lower(level) = 'error'"),
  pair("E | where value > 0.99 | project id, value", "SELECT id, value FROM e WHERE value > 0.99"),
  pair(
    "E | where ts between (datetime(2024-01-01) .. 1h) | count",
    "SELECT count(*) FROM e WHERE ts BETWEEN '2024-01-01' AND '2024-01-01 01:00:00'",
  ),
  pair("E | where level in ('error', 'warn') | count", "SELECT count(*) FROM e WHERE level IN ('error', 'warn')"),
  pair("E | where level !in ('error', 'warn') | count", "SELECT count(*) FROM e WHERE level NOT IN ('error', 'warn')"),
  pair(
    "E | where level in~ ('ERROR', 'WARN') | count",
    "SELECT count(*) FROM e WHERE lower(level) IN ('error', 'warn')",
  ),
  pair(
    "E | where level in (dynamic(['error', 'warn'])) | count",
    "SELECT count(*) FROM e WHERE level IN ('error', 'warn')",
  ),
  pair("E | where n in (dynamic([1, 2, 3])) | count", "SELECT count(*) FROM e WHERE n IN (1, 2, 3)"),
  pair(
    "E | where host in ((E | where value > 0.9999 | project host)) | count",
    "SELECT count(*) FROM e WHERE host IN (SELECT host FROM e WHERE value > 0.9999)",
  ),
  pair("E | where flag and n < 10 or isnull(n) | count", "SELECT count(*) FROM e WHERE flag AND n < 10 OR n IS NULL"),
  // Texts.
  pair("E | where msg has 'timeout' | count", `SELECT count(*) FROM e WHERE ${hasWord("timeout")}`),
  pair("E | where msg !has 'timeout' | count", `SELECT count(*) FROM e WHERE NOT ${hasWord("timeout")}`),
  pair("E | where msg has_cs 'Disk' | count", "SELECT count(*) FROM e WHERE regexp_matches(msg, '\\bDisk\\b')"),
  pair(
    "E | where msg has_any ('timeout', 'refused') | count",
    `SELECT count(*) FROM e WHERE ${hasWord("(timeout|refused)")}`,
  ),
  pair(
    "E | where msg has_any (dynamic(['timeout', 'refused'])) | count",
    `SELECT count(*) FROM e WHERE ${hasWord("(timeout|refused)")}`,
  ),
  pair(
    "E | where msg has_all (dynamic(['disk', 'refused'])) | count",
    `SELECT count(*) FROM e WHERE ${hasWord("disk")} AND ${hasWord("refused")}`,
  ),
  pair(
    "let words = toscalar(print w = dynamic(['timeout', 'refused'])); E | where msg has_any (words) | count",
    `SELECT count(*) FROM e WHERE ${hasWord("(timeout|refused)")}`,
  ),
  pair("E | where msg contains 'EOUT' | count", "SELECT count(*) FROM e WHERE contains(lower(msg), 'eout')"),
  pair("E | where msg startswith 'disk' | count", "SELECT count(*) FROM e WHERE starts_with(lower(msg), 'disk')"),
  pair(
    "E | where msg matches regex 'user[0-9]+ re' | count",
    "SELECT count(*) FROM e WHERE regexp_matches(msg, 'user[0-9]+ re')",
  ),
  pair("E | where * has 'timeout' | count", `SELECT count(*) FROM e WHERE ${hasWord("timeout")}`),
  pair("search in (E) 'timeout' | count", `SELECT count(*) FROM e WHERE ${hasWord("timeout")}`),
  pair("E | summarize sum(strlen(msg))", "SELECT sum(length(msg)) FROM e"),
  pair(
    "E | summarize count() by w = tostring(split(msg, ' ')[0])",
    "SELECT string_split(msg, ' ')[1], count(*) FROM e GROUP BY 1",
  ),
  pair(
    "E | extend u = extract('user([0-9]+)', 1, msg) | summarize dcount(u)",
    "SELECT count(DISTINCT regexp_extract(msg, 'user([0-9]+)', 1)) FROM e",
  ),
  pair(
    "E | extend x = replace_string(toupper(msg), 'DISK', 'd') | summarize countif(x startswith_cs 'd')",
    "SELECT count(*) FROM e WHERE starts_with(replace(upper(msg), 'DISK', 'd'), 'd')",
  ),
  pair("E | summarize dcount(strcat(host, '/', level))", "SELECT count(DISTINCT host || '/' || level) FROM e"),
  pair(
    "E | parse msg with * 'user' who:long ' ' rest | summarize max(who), countif(isnotempty(rest))",
    "SELECT max(TRY_CAST(regexp_extract(msg, 'user([0-9]+) ', 1) AS BIGINT)), count(*) FILTER (WHERE regexp_matches(msg, 'user[0-9]+ .')) FROM e",
  ),
  // Groups.
  pair("E | summarize count() by level", "SELECT level, count(*) FROM e GROUP BY 1"),
  pair(
    "E | summarize avg(value), max(n), min(ts) by host",
    "SELECT host, avg(value), max(n), min(ts) FROM e GROUP BY 1",
  ),
  pair("E | summarize count() by bin(ts, 1h)", "SELECT time_bucket(INTERVAL 1 HOUR, ts), count(*) FROM e GROUP BY 1"),
  pair(
    "E | summarize count() by startofday(ts), level",
    "SELECT date_trunc('day', ts)::TIMESTAMP, level, count(*) FROM e GROUP BY 1, 2",
  ),
  pair("E | summarize dcount(host), countif(flag)", "SELECT count(DISTINCT host), count(*) FILTER (WHERE flag) FROM e"),
  pair("E | summarize percentile(value, 95) by level", "SELECT level, quantile_disc(value, 0.95) FROM e GROUP BY 1"),
  pair("E | summarize stdev(value), variance(value)", "SELECT stddev_samp(value), var_samp(value) FROM e"),
  pair("E | summarize arg_max(id, msg) by host", "SELECT host, max(id), arg_max(msg, id) FROM e GROUP BY 1"),
  pair(
    "E | summarize make_set(level) by flag | project flag, n = array_length(set_level)",
    "SELECT flag, count(DISTINCT level) FROM e GROUP BY 1",
  ),
  pair(
    "E | summarize make_list(n) by host | project host, n = array_length(list_n)",
    "SELECT host, count(n) FROM e GROUP BY 1",
  ),
  pair("E | distinct host, level", "SELECT DISTINCT host, level FROM e"),
  pair(
    "E | summarize sumif(value, level == 'error') by host",
    "SELECT host, coalesce(sum(value) FILTER (WHERE level = 'error'), 0) FROM e GROUP BY 1",
  ),
  // Order.
  ordered("E | top 10 by value desc | project id", "SELECT id FROM e ORDER BY value DESC LIMIT 10"),
  ordered(
    "E | sort by host asc, id asc | take 100 | project host, id",
    "SELECT host, id FROM e ORDER BY host, id LIMIT 100",
  ),
  pair(
    "E | sort by id asc | extend d = id - prev(id) | summarize max(d)",
    "SELECT max(d) FROM (SELECT id - lag(id) OVER (ORDER BY id) AS d FROM e)",
  ),
  pair(
    "E | sort by id asc | extend c = row_cumsum(n) | summarize max(c)",
    "SELECT max(c) FROM (SELECT sum(n) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS c FROM e)",
  ),
  // Joins.
  pair(
    "E | join kind=inner (E | where value > 0.999 | project id, other = host) on id | count",
    "SELECT count(*) FROM e JOIN (SELECT id, host FROM e WHERE value > 0.999) USING (id)",
  ),
  pair(
    "E | join kind=leftanti (E | where value > 0.5) on id | count",
    "SELECT count(*) FROM e ANTI JOIN (SELECT id FROM e WHERE value > 0.5) USING (id)",
  ),
  pair(
    "E | lookup (E | summarize most = max(n) by host) on host | where n == most | count",
    "SELECT count(*) FROM e JOIN (SELECT host, max(n) AS most FROM e GROUP BY 1) USING (host) WHERE n = most",
  ),
  pair("union E, E | count", "SELECT count(*) FROM (FROM e UNION ALL FROM e)"),
  // Dynamics.
  pair("E | summarize sum(tolong(d.n))", "SELECT sum(CAST(d->>'$.n' AS BIGINT)) FROM e"),
  pair("E | summarize count() by u = tostring(d.user.name)", "SELECT d->>'$.user.name', count(*) FROM e GROUP BY 1"),
  pair("E | where d.user.name == 'user7' | count", "SELECT count(*) FROM e WHERE d->>'$.user.name' = 'user7'"),
  pair(
    "E | mv-expand t = d.tags to typeof(string) | summarize count() by t",
    "SELECT t, count(*) FROM (SELECT unnest(from_json(d->'$.tags', '[\"VARCHAR\"]')) AS t FROM e) GROUP BY 1",
  ),
  pair("E | summarize sum(array_length(d.tags))", "SELECT sum(json_array_length(d, '$.tags')) FROM e"),
  pair(
    "E | extend p = parse_json(tostring(d)) | summarize max(toint(p.n))",
    "SELECT max(CAST(d->>'$.n' AS INTEGER)) FROM e",
  ),
  // Conversions and dates.
  pair("E | summarize count() by tostring(n)", "SELECT coalesce(CAST(n AS VARCHAR), ''), count(*) FROM e GROUP BY 1"),
  pair("E | summarize max(tolong(substring(host, 4)))", "SELECT max(CAST(substr(host, 5) AS BIGINT)) FROM e"),
  pair("E | summarize max(strlen(tostring(value)))", "SELECT max(length(CAST(value AS VARCHAR))) FROM e"),
  pair("E | summarize dcount(tostring(ts))", "SELECT count(DISTINCT CAST(ts AS VARCHAR)) FROM e"),
  pair("E | summarize count() by dayofweek(ts)", "SELECT dayofweek(ts), count(*) FROM e GROUP BY 1"),
  pair(
    "E | summarize count() by hourofday(ts), getmonth(ts)",
    "SELECT hour(ts), month(ts), count(*) FROM e GROUP BY 1, 2",
  ),
  pair(
    "E | summarize dcount(format_datetime(ts, 'yyyy-MM-dd HH'))",
    "SELECT count(DISTINCT strftime(ts, '%Y-%m-%d %H')) FROM e",
  ),
  pair(
    "E | summarize count() by c = case(value < 0.3, 'low', value < 0.7, 'mid', 'high')",
    "SELECT CASE WHEN value < 0.3 THEN 'low' WHEN value < 0.7 THEN 'mid' ELSE 'high' END, count(*) FROM e GROUP BY 1",
  ),
  pair("E | summarize sum(round(value, 2))", "SELECT sum(round(value, 2)) FROM e"),
];
