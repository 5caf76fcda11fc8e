import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { constants, gunzipSync, gzip, inflateSync } from "node:zlib";
import { KustoError } from "../kusto-error.ts";

/** Of a query or command, packed and unpacked: a text of the longest that is parsed, however its characters are escaped. */
const largestRequest = 8 * 1024 * 1024;

/** The body of a query or command, unpacked if it says so. @throws KustoError 413. */
export async function readBody(request: IncomingMessage): Promise<string> {
  return unpack(await readBytes(request), request.headers["content-encoding"]).toString("utf8");
}

/** The bytes of a body as they came. @throws KustoError 413 where there are more than `most`. */
export async function readBytes(request: IncomingMessage, most = largestRequest): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > most) throw tooLarge(most);
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > most) throw tooLarge(most);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** An answer as its client takes it: packed where the request allows it, as the service's are. Java's SDK counts on it. */
export async function packed(text: string, request: IncomingMessage): Promise<PackedAnswer> {
  const accepted = String(request.headers["accept-encoding"] ?? "");
  if (!/\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(accepted)) return { bytes: Buffer.from(text), headers: {} };
  const bytes = await gzipped(text, { level: constants.Z_BEST_SPEED });
  return { bytes, headers: { "content-encoding": "gzip", vary: "accept-encoding" } };
}

export interface PackedAnswer {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const gzipped = promisify(gzip) as (text: string, options: { level: number }) => Promise<Buffer>;

function unpack(body: Buffer, encoding: string | undefined): Buffer {
  try {
    if (encoding === "gzip") return gunzipSync(body, { maxOutputLength: largestRequest });
    if (encoding === "deflate") return inflateSync(body, { maxOutputLength: largestRequest });
    return body;
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(largestRequest);
    throw new KustoError(`The request body is not valid ${encoding}.`);
  }
}

function tooLarge(most: number): KustoError {
  return new KustoError(`The request is larger than ${most} bytes.`, {
    status: 413,
    code: "PayloadTooLarge",
  });
}
