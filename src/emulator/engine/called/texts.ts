import type { CalledFunction } from "./called-function.ts";
import { arrayText, itemsIn, longIn, textIn } from "./json-values.ts";

const text = (act: CalledFunction["act"]): CalledFunction => ({ gives: "text", act });
const long = (act: CalledFunction["act"]): CalledFunction => ({ gives: "long", act });
const json = (act: CalledFunction["act"]): CalledFunction => ({ gives: "json", act });

const texts = (items: readonly string[]) => arrayText(items.map((item) => JSON.stringify(item)));

function split(source: string, delimiter: string, index = "null"): string {
  const [whole, by] = [textIn(source), textIn(delimiter)];
  const parts = by === "" ? [whole] : whole.split(by);
  const at = longIn(index);
  if (at === null) return texts(parts);
  const found = parts[Number(at)];
  return found === undefined ? "[]" : texts([found]);
}

/** Where a text is found first, or for the n-th time, between two places; -1 if it is not. */
function indexOf(source: string, lookup: string, start = "0", length = "-1", occurrence = "1"): bigint | null {
  const [whole, wanted] = [[...textIn(source)], textIn(lookup)];
  const count = Number(longIn(length) ?? -1n);
  const times = Number(longIn(occurrence) ?? 1n);
  let from = Number(longIn(start) ?? 0n);
  if (times < 1) return null;
  if (from < 0) from = Math.max(0, whole.length + from);
  // The length holds anew from each place where the search goes on, as the documented example has it.
  const searched = (start: number) => whole.slice(start, count < 0 ? undefined : start + count).join("");
  let found = -1;
  for (let place = from, left = times; left > 0; left--, place = found + 1) {
    const part = searched(place);
    const at = part.indexOf(wanted);
    if (at < 0) return -1n;
    found = place + [...part.slice(0, at)].length;
  }
  return BigInt(found);
}

/** Occurrences may overlap (documentation, "countof()": normal). */
function countOf(source: string, search: string): bigint {
  const [whole, wanted] = [textIn(source), textIn(search)];
  if (wanted === "") return 0n;
  let count = 0n;
  for (let at = whole.indexOf(wanted); at >= 0; at = whole.indexOf(wanted, at + 1)) count++;
  return count;
}

function translated(from: string, to: string, source: string): string {
  const [search, replacement] = [[...textIn(from)], [...textIn(to)]];
  return [...textIn(source)]
    .map((char) => {
      const at = search.indexOf(char);
      if (at < 0) return char;
      return replacement[Math.min(at, replacement.length - 1)] ?? "";
    })
    .join("");
}

/** Bytes as text, or null where they are none: base64 of something else than UTF-8. */
function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function base64Bytes(source: string): Buffer | null {
  const encoded = textIn(source);
  return /^[A-Za-z0-9+/]*={0,2}$/.test(encoded) && encoded.length % 4 === 0 ? Buffer.from(encoded, "base64") : null;
}

function decodedUrl(source: string): string {
  try {
    return decodeURIComponent(textIn(source).replaceAll("+", " "));
  } catch {
    return textIn(source);
  }
}

/** A guid's bytes in .NET's order: its first three groups are little endian. */
function guidBytes(guid: string): Buffer {
  const bytes = Buffer.from(guid.replaceAll("-", ""), "hex");
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

function guidOf(bytes: Buffer): string | null {
  if (bytes.length !== 16) return null;
  const hex = guidBytes(bytes.toString("hex")).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function fromCodepoints(...args: string[]): string | null {
  const points = args.flatMap((each) => itemsIn(each) ?? [each]).map((each) => Number(longIn(each) ?? -1n));
  return points.every((point) => point >= 0 && point <= 0x10ffff) ? String.fromCodePoint(...points) : null;
}

const codepoints = (source: string) => arrayText([...textIn(source)].map((char) => String(char.codePointAt(0))));

const compared = (a: string, b: string): bigint => {
  const [x, y] = [textIn(a), textIn(b)];
  return x < y ? -1n : x > y ? 1n : 0n;
};

/**
 * All replacements at once: an earlier lookup comes before a later one, and what is replaced is not looked at again. A
 * lookup whose rewrite is no string keeps its text, and keeps others from it.
 */
function replacedAll(source: string, lookups: string, rewrites: string): string {
  const rewriteTexts = itemsIn(rewrites);
  let parts: { text: string; isDone: boolean }[] = [{ text: textIn(source), isDone: false }];
  (itemsIn(lookups) ?? []).forEach((lookup, index) => {
    const wanted = lookup.startsWith('"') ? textIn(lookup) : "";
    if (wanted === "") return;
    const rewrite = rewriteTexts ? rewriteTexts[index] : rewrites;
    const by = rewrite?.startsWith('"') ? textIn(rewrite) : wanted;
    parts = parts.flatMap((part) => {
      if (part.isDone) return [part];
      return part.text
        .split(wanted)
        .flatMap((text, place) => [...(place > 0 ? [{ text: by, isDone: true }] : []), { text, isDone: false }]);
    });
  });
  return parts.map(({ text }) => text).join("");
}

const mostRepeated = 1_024;

export const textFunctions: Readonly<Record<string, CalledFunction>> = {
  base64_decode_toarray: json((source) => {
    const bytes = base64Bytes(source!);
    return bytes && arrayText([...bytes].map(String));
  }),
  base64_decode_toguid: text((source) => {
    const bytes = base64Bytes(source!);
    return bytes && guidOf(bytes);
  }),
  base64_decode_tostring: text((source) => {
    const bytes = base64Bytes(source!);
    return bytes && utf8(bytes);
  }),
  base64_encode_fromarray: text((array) => {
    const items = itemsIn(array)?.map(Number);
    return items?.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256)
      ? Buffer.from(items).toString("base64")
      : null;
  }),
  base64_encode_fromguid: text((guid) => guidBytes(textIn(guid)).toString("base64")),
  base64_encode_tostring: text((source) => Buffer.from(textIn(source), "utf8").toString("base64")),
  countof: long(countOf),
  indexof: long(indexOf),
  isascii: { gives: "bool", act: (source) => [...textIn(source)].every((char) => char.charCodeAt(0) < 128) },
  make_string: text(fromCodepoints),
  replace_strings: text(replacedAll),
  reverse: text((source) => [...textIn(source)].reverse().join("")),
  split: json(split),
  strcmp: long(compared),
  strrep: text((value, count, delimiter) => {
    const times = Number(longIn(count) ?? 0n);
    return Array.from({ length: Math.min(mostRepeated, Math.max(0, times)) }, () => textIn(value)).join(
      textIn(delimiter),
    );
  }),
  to_utf8: json(codepoints),
  translate: text(translated),
  unicode_codepoints_from_string: json(codepoints),
  unicode_codepoints_to_string: text(fromCodepoints),
  url_decode: text(decodedUrl),
  url_encode: text((source) => encodeURIComponent(textIn(source)).replaceAll("%20", "+")),
  url_encode_component: text((source) => encodeURIComponent(textIn(source))),
};
