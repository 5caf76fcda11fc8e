import { MillraceError } from "../errors.ts";

/** The encodings that are decoded here, because TextDecoder does not have them or does not tell what it replaces. */
type OwnEncoding = "utf-8" | "utf-16le" | "utf-16be" | "utf-32le" | "utf-32be" | "latin1" | "windows-1252";

/** By their names as programs write them, in lower case and without `-` and `_`. */
const ownNames: Readonly<Record<string, OwnEncoding>> = {
  utf8: "utf-8",
  utf16: "utf-16le",
  utf16le: "utf-16le",
  ucs2: "utf-16le",
  unicode: "utf-16le",
  utf16be: "utf-16be",
  utf32: "utf-32le",
  utf32le: "utf-32le",
  utf32be: "utf-32be",
  latin1: "latin1",
  iso88591: "latin1",
  windows1252: "windows-1252",
  cp1252: "windows-1252",
};

/** The encoding by one of its names, as the messages call it; undefined: it is not known. */
export function encodingNamed(name: string): string | undefined {
  const own = ownNames[name.toLowerCase().replace(/[-_]/g, "")];
  if (own !== undefined) return own;
  try {
    return new TextDecoder(name).encoding;
  } catch {
    return undefined;
  }
}

/** The encoding that was asked for; where none was, that of the first bytes: by their mark, or by the zeros that ASCII leaves in them. */
export function encodingOf(head: Uint8Array, asked: string | undefined): string {
  const marked = markedEncoding(head);
  if (asked === undefined) return marked ?? unmarkedEncoding(head) ?? "utf-8";
  const encoding = encodingNamed(asked);
  if (encoding === undefined) throw new MillraceError("BAD_OPTION", `The encoding ${asked} is not known.`);
  // "utf-16" names both byte orders, and the mark says which.
  return /^utf[-_]?(16|32)$/i.test(asked) && marked?.startsWith(encoding.slice(0, 6)) ? marked : encoding;
}

/** Bytes from which a mark is known: all of UTF-32's. */
export const longestMark = 4;

function markedEncoding([a, b, c, d]: Uint8Array): OwnEncoding | undefined {
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? "utf-32le" : "utf-16le";
  if (a === 0xfe && b === 0xff) return "utf-16be";
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return "utf-32be";
  return undefined;
}

const bytesLooked = 4096;
/** A zero byte by chance weighs much among so few. */
const fewQuads = 4;

function unmarkedEncoding(head: Uint8Array): OwnEncoding | undefined {
  const length = Math.min(head.length, bytesLooked) & ~3;
  if (length === 0) return undefined;
  /** How many bytes are zero, by their place within four. */
  const zeros = [0, 0, 0, 0];
  for (let i = 0; i < length; i++) if (head[i] === 0) zeros[i & 3]!++;
  const [a, b, c, d] = zeros as [number, number, number, number];
  const quads = length / 4;
  if (d === quads && c * 2 > quads && b * 2 > quads && a * 4 <= quads) return "utf-32le";
  if (a === quads && b * 2 > quads && c * 2 > quads && d * 4 <= quads) return "utf-32be";
  // Half of the characters are ASCII or more, of a few bytes all; some others have a zero where ASCII has none.
  const least = quads < fewQuads ? 2 * quads : quads;
  if (b + d >= least && (a + c) * 4 <= b + d) return "utf-16le";
  if (a + c >= least && (b + d) * 4 <= a + c) return "utf-16be";
  return undefined;
}

/**
 * Turns text of another encoding into UTF-8. What is not valid becomes the byte 0xFF, which UTF-8 never has: so the reader
 * refuses the record in which it stands, and its neighbours arrive.
 *
 * @param onCut the text may still grow: a character that is not complete at its end is left out. Called with the length that it
 *   would have had.
 */
export async function* inUtf8(
  bytes: AsyncIterable<Uint8Array>,
  encoding: string,
  onCut?: (length: number) => void,
): AsyncGenerator<Uint8Array> {
  const decoder = decoderFor(encoding);
  for await (const chunk of bytes) {
    const text = decoder.decode(chunk, false);
    if (text.length > 0) yield text;
  }
  const rest = decoder.decode(new Uint8Array(0), true);
  if (onCut && rest.includes(invalidByte[0]!)) onCut(rest.length);
  else if (rest.length > 0) yield rest;
}

/** The beginning of a text in UTF-8; a character that is cut at the end is left out. */
export function headInUtf8(head: Uint8Array, encoding: string): Uint8Array {
  return encoding === "utf-8" ? head : decoderFor(encoding).decode(head, false);
}

interface Decoder {
  /** The text of the bytes in UTF-8; what is cut at the end is kept for the next call, unless this is the last. */
  decode(chunk: Uint8Array, isLast: boolean): Uint8Array;
}

function decoderFor(encoding: string): Decoder {
  if (encoding === "utf-16le" || encoding === "utf-16be") return unitDecoder(2, utf16(encoding === "utf-16be"));
  if (encoding === "utf-32le" || encoding === "utf-32be") return unitDecoder(4, utf32(encoding === "utf-32be"));
  if (encoding === "latin1") return { decode: (chunk) => Buffer.from(latin1(chunk)) };
  if (encoding === "windows-1252")
    return { decode: (chunk) => Buffer.from(latin1(chunk).replace(/[\x80-\x9f]/g, ofWindows1252)) };
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  return { decode: (chunk, isLast) => validUtf8(decoder.decode(chunk, { stream: !isLast }), "\ufffd") };
}

function latin1(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("latin1");
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Where windows-1252 differs from Latin-1. Its own table, for TextDecoder of some Node versions reads Latin-1 in its place. */
const windows1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

function ofWindows1252(character: string): string {
  return windows1252[character.charCodeAt(0) - 0x80]!;
}

/** Decodes units of `size` bytes; `read` gives the text of the bytes, and how many of them it took. */
function unitDecoder(
  size: number,
  read: (bytes: Buffer, isLast: boolean) => { readonly text: string; readonly taken: number },
): Decoder {
  let kept: Buffer = Buffer.alloc(0);
  return {
    decode(chunk, isLast) {
      const bytes = kept.length === 0 ? asBuffer(chunk) : Buffer.concat([kept, chunk]);
      const whole = bytes.length - (bytes.length % size);
      const { text, taken } = read(bytes.subarray(0, whole), isLast);
      kept = Buffer.from(bytes.subarray(taken));
      const utf8 = validUtf8(text);
      return isLast && kept.length > 0 ? Buffer.concat([utf8, invalidByte]) : utf8;
    },
  };
}

function utf16(isBigEndian: boolean) {
  return (bytes: Buffer, isLast: boolean) => {
    const units = isBigEndian ? Buffer.from(bytes).swap16() : bytes;
    const end = units.length - 2;
    // Half a pair waits for the other half.
    const isCut = !isLast && end >= 0 && (units.readUInt16LE(end) & 0xfc00) === 0xd800;
    const taken = isCut ? end : units.length;
    return { text: units.toString("utf16le", 0, taken), taken };
  };
}

function utf32(isBigEndian: boolean) {
  return (bytes: Buffer) => {
    const units = isBigEndian ? Buffer.from(bytes).swap32() : bytes;
    let text = "";
    for (let i = 0; i < units.length; i += 4) {
      const point = units.readUInt32LE(i);
      // Lone surrogates are invalid here, too, and two of them make no pair.
      text += point > 0x10ffff || (point & 0xfffff800) === 0xd800 ? notACharacter : String.fromCodePoint(point);
    }
    return { text, taken: units.length };
  };
}

/** Half a pair which cannot be completed by what stands beside it. */
const notACharacter = "\udfff";
const invalidByte = Buffer.of(0xff);

/** The text as UTF-8, with an invalid byte for each half of a surrogate pair, or for each `substitute`. */
function validUtf8(text: string, substitute?: string): Buffer {
  if (substitute === undefined ? text.isWellFormed() : !text.includes(substitute)) return Buffer.from(text);
  const pieces = substitute === undefined ? text.split(/\p{Surrogate}/u) : text.split(substitute);
  return Buffer.concat(
    pieces.flatMap((piece, i) => (i === 0 ? [Buffer.from(piece)] : [invalidByte, Buffer.from(piece)])),
  );
}
