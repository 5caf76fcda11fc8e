import type { CloudInfo } from "azure-kusto-data";
import { withDeadline } from "./deadline.ts";
import { BrokenAnswerError, toMillraceError } from "./errors.ts";
import { axiosNetwork } from "./network.ts";
import type { Scrubber } from "./scrub.ts";

const metadataPath = "/v1/rest/auth/metadata";

/**
 * Asks the cluster which cloud it lives in. The SDK keeps the answer for the process, and its clients find it there. The
 * SDK's own request would take whatever cannot be read, such as an answer that was cut, for the public cloud, and keep that.
 */
export async function cloudInfo(
  url: string,
  timeoutMs: number,
  scrub: Scrubber,
  signal: AbortSignal,
): Promise<CloudInfo> {
  const doing = `Asking ${url} for its cloud`;
  const { Client, CloudSettings, KustoConnectionStringBuilder } = await import("azure-kusto-data");
  const known: CloudInfo | undefined = CloudSettings.getFromCache(url);
  if (known) return known;
  const client = new Client(new KustoConnectionStringBuilder(url));
  Object.assign(client.axiosInstance.defaults, axiosNetwork(url));
  try {
    const answer = await withDeadline(
      timeoutMs,
      signal,
      doing,
      (abortSignal) =>
        client.axiosInstance.get<unknown>(new URL(metadataPath, url).href, {
          signal: abortSignal,
          headers: { "Cache-Control": "no-cache" },
          responseType: "text",
          transformResponse: [(text: unknown) => text],
          // A service without this endpoint lives in the public cloud.
          validateStatus: (status) => status === 200 || status === 404,
        }),
      url,
    );
    const info = answer.status === 404 ? CloudSettings.defaultCloudInfo : cloudIn(String(answer.data));
    CloudSettings.writeToCache(url, info ?? CloudSettings.defaultCloudInfo);
    return CloudSettings.getFromCache(url);
  } catch (error) {
    throw toMillraceError(error, { doing, url, to: "kusto", scrub });
  } finally {
    client.close();
  }
}

/** `{"AzureAD":{...},"dSTS":{...}}`; an empty object, or one with dSTS alone, means the public cloud. */
function cloudIn(text: string): CloudInfo | undefined {
  const answer: unknown = JSON.parse(text);
  if (answer === null || typeof answer !== "object" || Array.isArray(answer))
    throw new BrokenAnswerError("the answer is not Kusto's");
  const { AzureAD: info, dSTS: _, ...others } = answer as { AzureAD?: CloudInfo | null; dSTS?: unknown };
  if (!info && Object.keys(others).length === 0) return undefined;
  if (typeof info?.KustoServiceResourceId !== "string" || typeof info.LoginEndpoint !== "string")
    throw new BrokenAnswerError("the answer is not Kusto's");
  return info;
}
