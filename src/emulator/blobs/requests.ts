import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { IngestionFailure } from "../ingestion-failure.ts";

/** A blob's address without what gives access to it: its SAS, or what follows a semicolon in a storage connection string. */
export const shownAddress = (url: string): string => url.replace(/[?;].*$/s, "");

const silenceMs = 30_000;

/**
 * The bytes of a blob.
 *
 * @throws IngestionFailure Download_*; the transient ones may be tried again.
 */
export async function* download(url: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const response = await ask("GET", url, signal);
  yield* response as AsyncIterable<Uint8Array>;
}

/** The size of a blob as it is stored, in bytes. @throws IngestionFailure as {@link download}. */
export async function sizeOf(url: string, signal: AbortSignal): Promise<number> {
  const response = await ask("HEAD", url, signal);
  response.resume();
  return Number(response.headers["content-length"] ?? 0);
}

/** Removes a blob with its own SAS, if that allows it. @throws IngestionFailure where it does not. */
export async function removeBlob(url: string, signal: AbortSignal): Promise<void> {
  (await ask("DELETE", url, signal)).resume();
}

async function ask(method: "GET" | "HEAD" | "DELETE", url: string, signal: AbortSignal): Promise<IncomingMessage> {
  const shown = shownAddress(url);
  const target = httpUrl(url);
  if (!target)
    throw new IngestionFailure(
      "Download_BadRequest",
      `Failed to download source from Azure Storage because of bad request: '${shown}' is not a blob's URL.`,
    );
  const send = target.protocol === "https:" ? httpsRequest : httpRequest;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send(target, { method, signal, headers: { "x-ms-version": "2021-12-02" } }, resolve);
    request.on("error", (error) => reject(unreachable((error as { code?: string }).code, shown)));
    // A source that says nothing would keep its table from everybody else.
    request.setTimeout(silenceMs, () => request.destroy(Object.assign(new Error("silent"), { code: "ETIMEDOUT" })));
    request.end();
  });
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) {
    response.resume();
    throw refused(status, shown);
  }
  return response;
}

function httpUrl(url: string): URL | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed?.protocol === "http:" || parsed?.protocol === "https:" ? parsed : undefined;
}

function unreachable(code: string | undefined, shown: string): IngestionFailure {
  return code === "ENOTFOUND" || code === "EAI_AGAIN"
    ? new IngestionFailure(
        "Download_TransientNameResolutionFailure",
        `Failed to download source from Azure Storage. The storage account's name was not resolved: '${shown}'.`,
        false,
      )
    : new IngestionFailure(
        "Download_UnknownError",
        `Failed to download source '${shown}': ${code ?? "connection failed"}.`,
        false,
      );
}

function refused(status: number, shown: string): IngestionFailure {
  if (status === 404)
    return new IngestionFailure(
      "Download_SourceNotFound",
      `Failed to download source from Azure Storage. Source not found: '${shown}'.`,
    );
  if (status === 401 || status === 403)
    return new IngestionFailure(
      "Download_Forbidden",
      `Failed to download source from Azure Storage. Access forbidden: '${shown}'.`,
    );
  if (status === 412)
    return new IngestionFailure(
      "Download_AccessConditionNotSatisfied",
      `Failed to download source from Azure Storage. Access condition not satisfied: '${shown}'.`,
    );
  if (status === 400)
    return new IngestionFailure(
      "Download_BadRequest",
      `Failed to download source from Azure Storage because of bad request: '${shown}'.`,
    );
  if (status > 400 && status < 500 && status !== 408 && status !== 429)
    return new IngestionFailure("Download_NotTransient", `Failed to download source '${shown}': status ${status}.`);
  return new IngestionFailure(
    "Download_UnknownError",
    `Failed to download source '${shown}': status ${status}.`,
    false,
  );
}
