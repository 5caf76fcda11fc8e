import { tooComplex } from "./text-bounds.ts";

/** How long the parser may keep the thread with one text, in milliseconds. */
export const parseTimeMs = 10_000;

/** The places that the parser comes by again and again: for each token that it reads, and for each node that it binds. */
export interface ParserStops {
  readonly Utils: { readonly CancellationToken: { readonly prototype: { ThrowIfCancellationRequested(): void } } };
  readonly Parsing: { readonly QueryParser: { readonly prototype: { PeekToken(): unknown } } };
}

let end = Number.POSITIVE_INFINITY;
let passed = 0;

/** How many stops are passed between two looks at the clock: a look costs as much as ten of them. */
const between = 256;

/** One stop of the parser. @throws KustoError when its time is over. */
export function passStop(): void {
  if (++passed % between === 0 && performance.now() > end)
    throw tooComplex(`parsing and translating it takes more than ${parseTimeMs / 1000} s`);
}

const patched = new WeakSet<object>();

/** Makes the parser look at the clock: it can be told to stop, but KustoCode.ParseAndAnalyze does not hand that on. */
export function stopParserInTime({ Utils, Parsing }: ParserStops): void {
  const token = Utils.CancellationToken.prototype;
  if (patched.has(token)) return;
  patched.add(token);
  const requested = token.ThrowIfCancellationRequested;
  token.ThrowIfCancellationRequested = function () {
    passStop();
    requested.call(this);
  };
  const parser = Parsing.QueryParser.prototype;
  const peek = parser.PeekToken;
  parser.PeekToken = function () {
    passStop();
    return peek.call(this);
  };
}

/**
 * Parses within the time there is.
 *
 * @throws KustoError where that is over, or where the text takes more frames than the stack has.
 */
export function inTime<T>(parse: () => T, forMs = parseTimeMs): T {
  const before = end;
  end = Math.min(before, performance.now() + forMs);
  try {
    return parse();
  } catch (error) {
    if (isStackOverflow(error)) throw tooComplex("its parts are nested too deep");
    throw error;
  } finally {
    end = before;
  }
}

/** Each engine words it its own way; the parser's runtime wraps it at times. */
const isStackOverflow = (error: unknown) =>
  error instanceof RangeError || (error instanceof Error && /call stack|too much recursion/i.test(error.message));
