import { type SecretForms, secretForms, secretRanges } from "./encoded-secrets.ts";

/** Takes secrets out of text that may be shown. */
export interface Scrubber {
  (text: string): string;
  /** From now on this text is a secret too, in whatever writing: see encoded-secrets.ts. */
  add(secret: string | undefined): void;
}

const removed = "<removed>";

/** How many secrets are remembered beside the caller's own: the tokens of the last hours, and the SAS of the storage lent. */
const remembered = 128;

/** A shorter secret would blacken ordinary words, and is none. */
const shortestSecret = 6;

/**
 * The shapes in which secrets travel here: a SAS is the query of a URL (any query goes, its parts are secret together),
 * a token follows its scheme, a login sends form fields. What has no shape, as an app key, is removed by value.
 */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/(\bhttps?:\/\/)[^\s/"'<>@]*@/gi, "$1"],
  [/(\bhttps?:\/\/[^\s"'`<>?#]+)\?[^\s"'`<>]*/gi, `$1?${removed}`],
  [
    /\b(sig|client_secret|client_assertion|assertion|access_token|AccountKey)(["']?\s*[=:]\s*["']?)[^&\s"'<>,;]+/gi,
    `$1$2${removed}`,
  ],
  [/\b(Bearer|Basic|SharedKey)\s+(?!token\b)[^\s"'`<>,;]{6,}/gi, `$1 ${removed}`],
  [/\beyJ[\w-]{5,}(\.[\w-]+){1,4}/g, removed],
];

interface Secret {
  readonly value: string;
  readonly forms: SecretForms;
}

export function scrubber(...secrets: (string | undefined)[]): Scrubber {
  // The first ones are the caller's own and stay.
  const own = secrets.flatMap(secretsIn);
  const added: Secret[] = [];
  const scrub: Scrubber = (text) => {
    const known = [...own, ...added];
    let clean = text;
    for (const { value } of known) clean = clean.replaceAll(value, removed);
    clean = withoutRanges(
      clean,
      secretRanges(
        clean,
        known.map(({ forms }) => forms),
      ),
    );
    for (const [shape, replacement] of shapes) clean = clean.replace(shape, replacement);
    return clean;
  };
  scrub.add = (secret) => {
    for (const each of secretsIn(secret)) {
      if ([...own, ...added].some(({ value }) => value === each.value)) continue;
      added.push(each);
      if (added.length > remembered) added.shift();
    }
  };
  return scrub;
}

/** Of PEM the text between its lines of dashes, which are no secret. */
function secretsIn(text: string | undefined): Secret[] {
  return (text ?? "")
    .split(/-----[A-Z0-9 ]+-----/)
    .map((part) => part.trim())
    .filter((part) => part.length >= shortestSecret)
    .map((value) => ({ value, forms: secretForms(value) }));
}

function withoutRanges(text: string, ranges: readonly (readonly [number, number])[]): string {
  let clean = "";
  let at = 0;
  for (const [from, to] of ranges) {
    clean += text.slice(at, from) + removed;
    at = to;
  }
  return clean + text.slice(at);
}

/** The depth to which causes are kept; what lies deeper is the network stack's own. */
const deepestCause = 5;

/**
 * A copy of an error that is safe to print at any depth. The SDKs hang the whole request on their errors, with the SAS in
 * its URL and the token in its headers, so only name, message, code, status and stack are taken over, each cleaned.
 */
export function scrubbedError(error: unknown, scrub: Scrubber, depth = 0): Error {
  if (!(error instanceof Error)) return new Error(scrub(textOf(error)));
  const inner = innerOf(error);
  const copy = new Error(
    scrub(error.message),
    inner === undefined || depth >= deepestCause ? undefined : { cause: scrubbedError(inner, scrub, depth + 1) },
  );
  copy.name = scrub(error.name);
  if (error.stack !== undefined) copy.stack = scrub(error.stack);
  const { code, statusCode, status } = error as { code?: unknown; statusCode?: unknown; status?: unknown };
  const facts = {
    ...(typeof code === "string" && { code: scrub(code) }),
    ...(typeof (statusCode ?? status) === "number" && { status: statusCode ?? status }),
  };
  return Object.assign(copy, facts);
}

/** What an error wraps: `cause` by the standard, `inner` by azure-kusto-data, the first of an AggregateError. */
export function innerOf(error: Error): unknown {
  const { cause, inner, errors } = error as { cause?: unknown; inner?: unknown; errors?: unknown };
  return cause ?? inner ?? (Array.isArray(errors) ? errors[0] : undefined);
}

function textOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  return thrown === null || typeof thrown !== "object" ? String(thrown) : "a value that is not an error was thrown";
}
