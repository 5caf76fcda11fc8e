import type { Client, ClientRequestProperties } from "azure-kusto-data";
import { version } from "../../version.ts";
import { type Answer, answerOfV1, answerOfV2 } from "./answer.ts";
import type { TokenSource } from "./auth.ts";
import { cloudInfo } from "./cloud.ts";
import { withDeadline } from "./deadline.ts";
import { callFailure, toMillraceError } from "./errors.ts";
import { axiosNetwork } from "./network.ts";
import type { Scrubber } from "./scrub.ts";

/**
 * One endpoint of a cluster: commands and queries, one attempt each, with honest errors. A second attempt is made with a
 * new token, where the cluster refuses the old one before its time.
 */
export interface KustoClient {
  /** Runs a management command. */
  execute(database: string, csl: string, signal: AbortSignal): Promise<Answer>;
  query(database: string, kql: string, signal: AbortSignal): Promise<Answer>;
  close(): void;
}

/**
 * A client of azure-kusto-data for one URL. The SDK's own reading of answers rounds longs above 2^53 and loses what an
 * error said, so answers are taken raw and read here.
 */
export async function kustoClient(
  url: string,
  tokens: TokenSource | undefined,
  requestTimeoutMs: number,
  scrub: Scrubber,
): Promise<KustoClient> {
  const sdk = await import("azure-kusto-data");
  // A builder of its own for each client: the SDK's ingest client, for one, changes the one it is given.
  const builder = tokens
    ? sdk.KustoConnectionStringBuilder.withTokenProvider(url, tokens)
    : new sdk.KustoConnectionStringBuilder(url);
  // By default the SDK tells the service the operating system's user and the path of the running script.
  builder.setConnectorDetails("Millrace", version, "millrace", version, false);
  const client: Client = new sdk.Client(builder);
  Object.assign(client.axiosInstance.defaults, axiosNetwork(url));
  client.axiosInstance.defaults.transformResponse = [(text: unknown) => text];

  // The metadata is asked for by each call until it is there; cold calls that come together ask once.
  let cloud: Promise<unknown> | undefined;
  const life = new AbortController();
  function knowsCloud(): Promise<unknown> {
    cloud ??= cloudInfo(url, requestTimeoutMs, scrub, life.signal).catch((error) => {
      cloud = undefined;
      throw error;
    });
    return cloud;
  }

  async function call(...asked: Parameters<typeof attempt>): Promise<string> {
    const generation = tokens?.generation;
    try {
      return await attempt(...asked);
    } catch (error) {
      if (!tokens || generation === undefined || !isTokenRefused(error)) throw error;
      tokens.refuse(generation);
      return attempt(...asked);
    }
  }

  async function attempt(
    act: "executeMgmt" | "executeQuery",
    database: string,
    text: string,
    signal: AbortSignal,
  ): Promise<string> {
    const doing = `${act === "executeMgmt" ? "Command" : "Query"} ${firstWords(text)} at ${url}`;
    try {
      const properties = rawProperties(new sdk.ClientRequestProperties(), requestTimeoutMs);
      return await withDeadline(
        requestTimeoutMs,
        signal,
        doing,
        async () => {
          await knowsCloud();
          return client[act](database, text, properties) as unknown as Promise<string>;
        },
        url,
      );
    } catch (error) {
      throw toMillraceError(error, { doing, url, to: "kusto", scrub, context: { database } });
    }
  }

  function read(answer: (body: string) => Answer, body: string, text: string): Answer {
    try {
      return answer(body);
    } catch (error) {
      throw toMillraceError(error, { doing: `${firstWords(text)} at ${url}`, to: "kusto", scrub });
    }
  }

  return {
    execute: async (database, csl, signal) => read(answerOfV1, await call("executeMgmt", database, csl, signal), csl),
    query: async (database, kql, signal) => read(answerOfV2, await call("executeQuery", database, kql, signal), kql),
    close() {
      life.abort();
      client.close();
    },
  };
}

/** The cluster says so, and not the authority that was to give a token. */
function isTokenRefused(error: unknown): boolean {
  const failure = callFailure(error);
  return failure?.status === 401 && !failure.isLogin;
}

function rawProperties(properties: ClientRequestProperties, requestTimeoutMs: number): ClientRequestProperties {
  properties.setClientTimeout(requestTimeoutMs);
  properties.raw = true;
  return properties;
}

/** The beginning of a command or query, for messages: its end may hold data. */
export function firstWords(text: string): string {
  const line = text.trim().split("\n", 1)[0]!;
  return line.length > 60 ? `${line.slice(0, 60)}...` : line;
}
