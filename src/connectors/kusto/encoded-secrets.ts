// A server may echo a token in another writing: in base64 (with what stood around it), in hex, percent-encoded, escaped for JSON
// or XML, broken into lines, or only the beginning of any of these. So text and secrets are brought to one writing first.

/** A secret in the writings that decoding does not undo, each in its plain text; see `plainText`. */
export type SecretForms = readonly string[];

/** A piece of a secret of so many characters is one; a shorter one could be a word. */
const gramLength = 16;
/** Of a long form every eighth gram is looked up: 23 characters in a row are found wherever they begin, and 16 at its start. */
const gramStep = 8;
/** A writing of fewer characters says too little. */
const shortestForm = 8;

export function secretForms(secret: string): SecretForms {
  const bytes = Buffer.from(secret);
  const forms = [plainText(secret).text, bytes.toString("hex")];
  // What stands before the secret shifts its bits: there are three ways to cut it into sextets.
  for (const before of [0, 1, 2]) {
    const base64 = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    forms.push(base64.slice(Math.ceil((before * 8) / 6), whole));
  }
  return forms.filter((form) => form.length >= shortestForm);
}

/** The stretches of the text that spell a secret, or enough of one, in their order. */
export function secretRanges(text: string, secrets: readonly SecretForms[]): [from: number, to: number][] {
  if (text.length < shortestForm || secrets.length === 0) return [];
  const plain = plainText(text);
  const found = cover(plain.text, secrets, (form) => form);
  // Hex is written in either case; nothing else may be compared so.
  const lower = plain.text.toLowerCase();
  if (lower.length === plain.text.length) cover(lower, secrets, (form) => (/^[\da-f]+$/.test(form) ? form : ""), found);
  return rangesOf(found, plain);
}

interface PlainText {
  readonly text: string;
  /** Where each character begins in the original, and where it ends. */
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** Text may be encoded twice: a URL in a JSON string in a URL. */
const mostLayers = 3;

const layer =
  /[\s\u200b=]+|\\[nrt]|\\u([\da-f]{4})|\\(["\\/])|%([\da-f]{2})|&#x([\da-f]{1,6});|&#(\d{1,7});|&(amp|lt|gt|quot|apos);/gi;
const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/**
 * The text without white space and escapes, in the alphabet of base64 where it is in that of base64url, and without `=`: it
 * fills base64 up, and breaks the lines of quoted-printable.
 */
export function plainText(original: string): PlainText {
  let text = original;
  let from = Array.from({ length: text.length }, (_, index) => index);
  let to = from.map((index) => index + 1);
  for (let layers = 0; layers < mostLayers; layers++) {
    let next = "";
    const nextFrom: number[] = [];
    const nextTo: number[] = [];
    let at = 0;
    const copy = (end: number) => {
      next += text.slice(at, end);
      for (; at < end; at++) {
        nextFrom.push(from[at]!);
        nextTo.push(to[at]!);
      }
    };
    for (const match of text.matchAll(layer)) {
      copy(match.index);
      const character = decoded(match);
      at = match.index + match[0].length;
      if (character === "") continue;
      next += character;
      nextFrom.push(from[match.index]!);
      nextTo.push(to[at - 1]!);
    }
    if (at === 0) break;
    copy(text.length);
    text = next;
    from = nextFrom;
    to = nextTo;
  }
  return { text: text.replaceAll("-", "+").replaceAll("_", "/"), from, to };
}

/** One UTF-16 unit; nothing for white space and `=`. A byte beyond ASCII is part of a character and of no secret: it becomes a mark. */
function decoded([, unit, escaped, percent, hex, decimal, entity]: RegExpMatchArray): string {
  if (escaped !== undefined) return escaped;
  if (entity !== undefined) return entities[entity.toLowerCase()]!;
  const digits = unit ?? percent ?? hex;
  const code = digits === undefined ? Number(decimal ?? 0x20) : Number.parseInt(digits, 16);
  if (code <= 0x20 || code === 0x3d) return "";
  return code < 0x7f ? String.fromCharCode(code) : "\ufffd";
}

/** Marks the characters that belong to a form. */
function cover(
  text: string,
  secrets: readonly SecretForms[],
  formOf: (form: string) => string,
  covered: Uint8Array = new Uint8Array(text.length),
): Uint8Array {
  let grams: Map<string, number[]> | undefined;
  for (const form of secrets.flat().map(formOf)) {
    if (form === "") continue;
    if (form.length <= gramLength) {
      for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) covered.fill(1, at, at + form.length);
      continue;
    }
    grams ??= gramsOf(text);
    if (grams.size === 0) continue;
    const last = form.length - gramLength;
    for (let offset = 0; ; offset = Math.min(offset + gramStep, last)) {
      for (const at of grams.get(form.slice(offset, offset + gramLength)) ?? []) grow(text, form, at, offset, covered);
      if (offset === last) break;
    }
  }
  return covered;
}

function gramsOf(text: string): Map<string, number[]> {
  const grams = new Map<string, number[]>();
  for (let at = 0; at + gramLength <= text.length; at++) {
    const gram = text.slice(at, at + gramLength);
    const places = grams.get(gram);
    if (places) places.push(at);
    else grams.set(gram, [at]);
  }
  return grams;
}

/** The text has `form` at `at`, from `offset` of it on, for a gram at least: marks all that they have in common there. */
function grow(text: string, form: string, at: number, offset: number, covered: Uint8Array): void {
  const free = covered.indexOf(0, at);
  if (free < 0 || free >= at + gramLength) return;
  let before = 0;
  while (before < Math.min(at, offset) && text[at - before - 1] === form[offset - before - 1]) before++;
  let behind = gramLength;
  while (at + behind < text.length && offset + behind < form.length && text[at + behind] === form[offset + behind])
    behind++;
  covered.fill(1, at - before, at + behind);
}

function rangesOf(covered: Uint8Array, { from, to }: PlainText): [number, number][] {
  const ranges: [number, number][] = [];
  for (let at = covered.indexOf(1); at >= 0; at = covered.indexOf(1, at)) {
    const end = covered.indexOf(0, at);
    const stop = end < 0 ? covered.length : end;
    ranges.push([from[at]!, to[stop - 1]!]);
    at = stop;
  }
  return ranges;
}
