import { isCode, MillraceError, withoutQuery } from "../../errors.ts";
import type { KustoClient } from "./client.ts";
import type { Connection } from "./connection.ts";
import { assertStorageTrusted, type StorageService } from "./storage-hosts.ts";

/** A container or queue that the service lends us, by a URL with a SAS. */
export interface StorageRoot {
  readonly account: string;
  /** Of the container or queue. */
  readonly name: string;
  /** Secret: with the SAS. */
  readonly url: string;
}

/** What `.get ingestion resources` and `.get kusto identity token` gave, together. */
export interface Resources {
  readonly containers: readonly StorageRoot[];
  readonly queues: readonly StorageRoot[];
  readonly successQueues: readonly StorageRoot[];
  readonly failureQueues: readonly StorageRoot[];
  /** Proves to the service who posted a message. */
  readonly authorizationContext: string;
  /** Counts the fetches, from 1. */
  readonly generation: number;
}

/** Holds the resources for all batches of a session. */
export interface ResourceKeeper {
  /** The resources, fetched once for however many callers, and again when they grow old. */
  current(): Promise<Resources>;
  /** These were refused: fetch new ones, once for all who say so of the same generation. */
  refused(resources: Resources): Promise<Resources>;
  /** The storage took a call made with these. */
  worked(): void;
}

/** Microsoft's SDKs ask again after an hour as well. */
const freshForMs = 60 * 60_000;
/** When asking again failed, the old ones are used on, and it is tried again after this time. */
const retryAfterFailureMs = 60_000;
/** So many generations in a row, each refused: new ones will not help (a wrong clock, a firewall). */
const mostRefusals = 6;

/** `fetch` makes one attempt and brings its own time limit. */
export function resourceKeeper(
  fetch: (generation: number) => Promise<Resources>,
  now: () => number = () => performance.now(),
): ResourceKeeper {
  let held: Resources | undefined;
  let renewAt = 0;
  let fetching: Promise<Resources> | undefined;
  let refusals = 0;

  function fetchOnce(): Promise<Resources> {
    fetching ??= fetch((held?.generation ?? 0) + 1)
      .then((resources) => {
        held = resources;
        renewAt = now() + freshForMs;
        return resources;
      })
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  }

  return {
    async current() {
      if (held && now() < renewAt) return held;
      try {
        return await fetchOnce();
      } catch (error) {
        // A service that names foreign storage is not trusted for another hour.
        if (!held || isCode(error, "UNTRUSTED_HOST")) throw error;
        renewAt = now() + retryAfterFailureMs;
        return held;
      }
    },
    async refused(resources) {
      if (held && held.generation > resources.generation) return held;
      if (!fetching) refusals++;
      if (refusals > mostRefusals)
        throw new MillraceError(
          "FORBIDDEN",
          `The storage refused ${refusals} access signatures in a row, each freshly given by the service; check this machine's clock, and whether a firewall stands before the storage.`,
        );
      return fetchOnce();
    },
    worked() {
      refusals = 0;
    },
  };
}

/** The name that Kusto's clients send with a command that concerns no database. */
export const noDatabase = "NetDefaultDB";

/** Asks the data management endpoint for both, side by side. */
export async function fetchResources(
  client: KustoClient,
  trust: Pick<Connection, "isLoopback" | "trustedHosts">,
  generation: number,
  signal: AbortSignal,
): Promise<Resources> {
  const [resources, identity] = await Promise.all([
    client.execute(noDatabase, ".get ingestion resources", signal),
    client.execute(noDatabase, ".get kusto identity token", signal),
  ]);
  const [type, root] = ["ResourceTypeName", "StorageRoot"].map((name) =>
    resources.columns.findIndex((column) => column.name === name),
  );
  const rootsOf = (name: string, service: StorageService) =>
    resources.rows.filter((row) => row[type!] === name).map((row) => storageRoot(String(row[root!]), service, trust));
  const authorizationContext = identity.rows[0]?.[0];
  const found = {
    containers: rootsOf("TempStorage", "blob"),
    queues: rootsOf("SecuredReadyForAggregationQueue", "queue"),
    successQueues: rootsOf("SuccessfulIngestionsQueue", "queue"),
    failureQueues: rootsOf("FailedIngestionsQueue", "queue"),
    authorizationContext: typeof authorizationContext === "string" ? authorizationContext : "",
    generation,
  };
  if (found.containers.length === 0 || found.queues.length === 0 || found.authorizationContext === "")
    throw new MillraceError(
      "SERVICE_UNAVAILABLE",
      "The cluster named no storage to ingest through; is queued ingestion enabled, and is this its ingest- endpoint?",
      { retryable: true },
    );
  return found;
}

/** The values in them that no text may show: the identity token, and the signatures of the SAS. */
export function secretsOf({
  containers,
  queues,
  successQueues,
  failureQueues,
  authorizationContext,
}: Resources): string[] {
  const roots = [...containers, ...queues, ...successQueues, ...failureQueues];
  const signatures = roots.map(({ url }) => new URL(url).searchParams.get("sig") ?? "");
  return [authorizationContext, ...signatures];
}

/** `https://account.blob.core.windows.net/container?sas`, or with the account in the path where the host is an address. */
export function storageRoot(
  text: string,
  service: StorageService,
  trust: Pick<Connection, "isLoopback" | "trustedHosts">,
): StorageRoot {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) throw new MillraceError("BAD_REQUEST", `The service named a storage that is no URL: ${withoutQuery(text)}`);
  assertStorageTrusted(url, service, trust);
  const path = url.pathname.split("/").filter((segment) => segment !== "");
  const name = path.at(-1) ?? "";
  const account = path.length > 1 ? path[0]! : url.hostname.split(".")[0]!;
  // Not the text: what was looked at is what is called, however another parser would read it.
  url.hash = "";
  return { account, name, url: url.href };
}
