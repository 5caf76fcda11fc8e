import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { constants, gunzipSync, gzip, inflateSync } from "node:zlib";
import { KustoError } from "../kusto-error.ts";

const largestRequest = 64 * 1024 * 1024;

/** The body of a query or command, unpacked if it says so. */
export async function readBody(request: IncomingMessage): Promise<string> {
  return unpack(await readBytes(request), request.headers["content-encoding"]).toString("utf8");
}

/** The bytes of a body as they came. */
export async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > largestRequest) throw tooLarge();
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
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge();
    throw new KustoError(`The request body is not valid ${encoding}.`);
  }
}

function tooLarge(): KustoError {
  return new KustoError(`The request is larger than ${largestRequest} bytes.`, {
    status: 413,
    code: "PayloadTooLarge",
  });
}
