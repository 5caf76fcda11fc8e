import { calledAs, calledSql, type Functions, long, type ScalarFunction, text } from "./call.ts";

/** A negative start counts from the end. */
const substring: ScalarFunction = ({ args: [value, start, length] }) => {
  const from = long(start!);
  const size = `length(${text(value)})`;
  const first = /^CAST\('\d+' AS BIGINT\)$/.test(from)
    ? from
    : `CASE WHEN ${from} < 0 THEN greatest(0, ${size} + ${from}) ELSE ${from} END`;
  return `substring(${text(value)}, CAST(${first} AS BIGINT) + 1${length ? `, greatest(0, ${long(length)})` : ""})`;
};

const concatenated: ScalarFunction = ({ args }) => `concat(${args.map(text).join(", ")})`;

const joined: ScalarFunction = ({ args: [between, ...rest] }) =>
  `concat(${rest.flatMap((value, index) => (index === 0 ? [text(value)] : [text(between), text(value)])).join(", ")})`;

const pick =
  (name: string): ScalarFunction =>
  ({ args, result }) =>
    calledSql(name, args, result);

/** Functions over texts that need no pattern. */
export const strings: Functions = {
  ...calledAs(
    "base64_decode_toarray",
    "base64_decode_toguid",
    "base64_decode_tostring",
    "base64_encode_fromarray",
    "base64_encode_fromguid",
    "base64_encode_tostring",
    "indexof",
    "isascii",
    "make_string",
    "parse_csv",
    "parse_ipv4",
    "parse_path",
    "parse_url",
    "parse_urlquery",
    "parse_version",
    "ipv4_compare",
    "ipv4_is_in_range",
    "ipv4_is_match",
    "ipv4_is_private",
    "ipv4_netmask_suffix",
    "has_any_index",
    "replace_strings",
    "split",
    "strcat_array",
    "strcmp",
    "strrep",
    "to_utf8",
    "translate",
    "unicode_codepoints_from_string",
    "unicode_codepoints_to_string",
    "url_decode",
    "url_encode",
    "url_encode_component",
  ),
  base64_decodestring: pick("base64_decode_tostring"),
  base64_encodestring: pick("base64_encode_tostring"),
  isutf8: () => "true",
  reverse: ({ args, result }) => calledSql("reverse", [{ sql: text(args[0]), kind: "string" }], result),
  strcat: concatenated,
  strcat_delim: joined,
  string_size: ({ args }) => `strlen(${text(args[0])})`,
  strlen: ({ args }) => `length(${text(args[0])})`,
  substring,
  tohex: ({ args, result }) => calledSql(args[0]!.kind === "int" ? "tohex_int" : "tohex", args, result),
  tolower: ({ args }) => `lower(${text(args[0])})`,
  toupper: ({ args }) => `upper(${text(args[0])})`,
  replace_string: ({ args: [value, from, to] }) => `replace(${text(value)}, ${text(from)}, ${text(to)})`,
};
