import { setMaxListeners } from "node:events";
import type { SealedBatch } from "../../batch/sealed-batch.ts";
import type { DestinationContext, Outcome, StagedBatch } from "../../destination/destination.ts";
import { MillraceError } from "../../errors.ts";
import { tokenSource } from "./auth.ts";
import { type KustoClient, kustoClient } from "./client.ts";
import type { Connection } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { toMillraceError } from "./errors.ts";
import { type Into, messageBuilder } from "./ingest.ts";
import { storageNetwork } from "./network.ts";
import { patience } from "./patience.ts";
import { preflight } from "./preflight.ts";
import { fetchResources, type Resources, resourceKeeper, type StorageRoot, secretsOf } from "./resources.ts";
import { rotation } from "./rotation.ts";
import { type Scrubber, scrubber } from "./scrub.ts";
import { readStatusQueue } from "./status.ts";
import { assertTrusted } from "./trust.ts";
import { blobName, oneTry, upload } from "./upload.ts";

const postTimeoutMs = 30_000;

/** What every kind of session does with a cluster: one attempt per call, on one table of one database. */
export interface TableLink {
  readonly engine: KustoClient;
  /** The same with retries, for what is done once: opening and closing. */
  readonly patientEngine: KustoClient;
  readonly database: string;
  /** Stores the batch as a blob, unless it is there. */
  stage(batch: SealedBatch, signal: AbortSignal): Promise<StagedBatch>;
  /** Tells the service to load a blob. */
  announce(staged: StagedBatch, into: Into, signal: AbortSignal): Promise<void>;
  /** What the service's status queues say about these batches, as far as it has been said. */
  outcomes(ids: readonly string[], signal: AbortSignal): Promise<readonly Outcome[]>;
  close(): Promise<void>;
}

/** Connects to the cluster for one table: trust, login, resources, checks. */
export async function openLink(connection: Connection, context: DestinationContext): Promise<TableLink> {
  await assertTrusted(connection);
  const controller = new AbortController();
  // Every call of every batch listens to it.
  setMaxListeners(0, controller.signal);
  const stopOpening = () => controller.abort(context.signal.reason);
  if (context.signal.aborted) stopOpening();
  context.signal.addEventListener("abort", stopOpening, { once: true });
  try {
    return await connect(connection, { ...context, signal: controller.signal }, controller);
  } catch (error) {
    controller.abort(error);
    throw error;
  } finally {
    context.signal.removeEventListener("abort", stopOpening);
  }
}

async function connect(
  connection: Connection,
  context: DestinationContext,
  controller: AbortController,
): Promise<TableLink> {
  const { signal } = controller;
  const { database, requestTimeoutMs, engineUrl, ingestUrl, login } = connection;
  const { format } = context;
  const scrub = scrubber(
    "appKey" in login ? login.appKey : undefined,
    "certificate" in login && "certificate" in login.certificate ? login.certificate.certificate : undefined,
  );
  const patient = patience(context.retries);
  const tokens = await patient.repeat("asking for the login", signal, () => tokenSource(connection, scrub, signal));
  const engine = await kustoClient(engineUrl, tokens, requestTimeoutMs, scrub);
  const management = ingestUrl === engineUrl ? engine : await kustoClient(ingestUrl, tokens, requestTimeoutMs, scrub);
  const patientEngine = patient.client(engine);
  const keeper = resourceKeeper(async (generation) => {
    const resources = await fetchResources(management, connection, generation, signal);
    for (const secret of secretsOf(resources)) scrub.add(secret);
    return resources;
  });
  const closeClients = () => {
    engine.close();
    management.close();
  };
  let builder: Awaited<ReturnType<typeof messageBuilder>>;
  try {
    [builder] = await Promise.all([
      messageBuilder(connection, { database, format, ingestionMappingRef: connection.ingestion.ingestionMappingRef }),
      patient.repeat("asking for storage to ingest through", signal, () => keeper.current()),
      preflight(patientEngine, connection, context),
    ]);
  } catch (error) {
    closeClients();
    throw error;
  }

  const accounts = rotation();
  /** Batches of this session whose fate is not yet known, and fates that nobody has asked for yet. */
  const submitted = new Set<string>();
  const fates = new Map<string, Outcome>();

  /** One call to a storage account, told to the rotation; a refused SAS has the resources fetched again. */
  async function atStorage(
    doing: string,
    root: StorageRoot,
    resources: Resources,
    callerSignal: AbortSignal,
    act: () => Promise<void>,
  ): Promise<void> {
    try {
      await act();
      accounts.succeeded(root.account);
      keeper.worked();
    } catch (thrown) {
      const error = toMillraceError(thrown, {
        doing,
        url: root.url,
        to: "storage",
        scrub,
        context: { account: root.account, place: root.name },
      });
      if (callerSignal.aborted || error.code === "BAD_OPTION") throw error;
      if (error.code === "SAS_EXPIRED") await keeper.refused(resources);
      else accounts.failed(root.account);
      throw error;
    }
  }

  function rootOf(place: string, resources: Resources): { root: StorageRoot; blob: string } {
    const [account, name, blob] = place.split("/");
    const root = resources.containers.find((each) => each.account === account && each.name === name);
    if (root && blob) return { root, blob };
    throw new MillraceError(
      "PLACE_GONE",
      `The service no longer offers the container of ${place}; it is stored again.`,
      { retryable: true, context: { place } },
    );
  }

  return {
    engine,
    patientEngine,
    database,
    async stage(batch: SealedBatch, callerSignal: AbortSignal): Promise<StagedBatch> {
      const resources = await keeper.current();
      const root = accounts.next("container", resources.containers);
      const name = blobName(database, batch);
      const doing = `Uploading ${name} to ${root.account}/${root.name}`;
      await atStorage(doing, root, resources, callerSignal, () => upload(root, name, batch, callerSignal));
      return {
        id: batch.id,
        place: `${root.account}/${root.name}/${name}`,
        rows: batch.rows,
        rawBytes: batch.rawBytes,
      };
    },

    async announce({ id, place, rawBytes }: StagedBatch, into: Into, callerSignal: AbortSignal): Promise<void> {
      const resources = await keeper.current();
      const { root, blob } = rootOf(place, resources);
      const queue = accounts.next("queue", resources.queues);
      const blobUrl = root.url.replace(/\?|$/, `/${blob}$&`);
      const doing = `Announcing ${blob} at ${queue.account}/${queue.name}`;
      fates.delete(id.toLowerCase());
      if (into.report !== "none") submitted.add(id.toLowerCase());
      await atStorage(doing, queue, resources, callerSignal, () =>
        builder.announce({ id, blobUrl, rawBytes }, into, resources, (message) =>
          post(queue, message, doing, callerSignal),
        ),
      );
    },

    async outcomes(ids: readonly string[], callerSignal: AbortSignal): Promise<readonly Outcome[]> {
      for (const id of ids) submitted.add(id.toLowerCase());
      const resources = await keeper.current();
      const look = (roots: readonly StorageRoot[], kind: "success" | "failure") =>
        roots.map(async (root) => {
          const doing = `Reading the ${kind} queue ${root.account}/${root.name}`;
          await atStorage(doing, root, resources, callerSignal, async () => {
            const told: string[] = [];
            const isOurs = (id: string) => submitted.has(id);
            const onOutcome = (outcome: Outcome) => {
              fates.set(outcome.id, cleaned(outcome, scrub));
              told.push(outcome.id);
            };
            try {
              await readStatusQueue(root, kind, isOurs, onOutcome, callerSignal);
            } finally {
              for (const id of told) submitted.delete(id);
            }
          });
        });
      const looks = await Promise.allSettled([
        ...look(resources.failureQueues, "failure"),
        ...look(resources.successQueues, "success"),
      ]);
      const known = ids.flatMap((id) => {
        const fate = fates.get(id.toLowerCase());
        if (!fate) return [];
        fates.delete(id.toLowerCase());
        return [{ ...fate, id }];
      });
      // One queue out of reach does not hide what the others said.
      const failed = looks.find((look) => look.status === "rejected");
      if (known.length === 0 && failed) throw failed.reason;
      return known;
    },

    async close(): Promise<void> {
      controller.abort(new MillraceError("CLOSED", "The session was closed."));
      builder.close();
      closeClients();
    },
  };
}

/** The service may quote the blob's URL, with its SAS. */
function cleaned(outcome: Outcome, scrub: Scrubber): Outcome {
  if (outcome.status === "landed") return outcome;
  return { ...outcome, errorCode: scrub(outcome.errorCode), details: scrub(outcome.details) };
}

async function post(queue: StorageRoot, message: string, doing: string, signal: AbortSignal): Promise<void> {
  const { QueueClient } = await import("@azure/storage-queue");
  const client = new QueueClient(queue.url, undefined, { ...oneTry, ...storageNetwork(queue.url) });
  await withDeadline(
    postTimeoutMs,
    signal,
    doing,
    (abortSignal) => client.sendMessage(message, { abortSignal }),
    queue.url,
  );
}
