import { StorageSharedKeyCredential as BlobKey, BlobServiceClient, ContainerClient } from "@azure/storage-blob";
import { type QueueClient, StorageSharedKeyCredential as QueueKey, QueueServiceClient } from "@azure/storage-queue";
import { shownAddress } from "../blobs/requests.ts";
import type { FaultPlan } from "../faults/request-faults.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import { type Account, containerSas, queueSas, tableAccountSas, tableSas } from "./accounts.ts";
import { type Azurite, startAzurite } from "./azurite.ts";
import { type StorageFront, startFront } from "./front.ts";

const containerName = "ingestdata";
const readyQueueName = "readyforaggregation-secured";
const successQueueName = "successfulingestions";
const failureQueueName = "failedingestions";
const statusTableName = "ingestionsstatus";

/** Storage as the data management side uses it: Azurite, the fronts that clients see, and our own clients. */
export interface Storage {
  readonly azurite: Azurite;
  readonly accounts: readonly Account[];
  readonly fronts: { readonly blob: StorageFront; readonly queue: StorageFront; readonly table: StorageFront };
  /** The queues that clients post ingestion messages to, one per account. */
  readonly ready: readonly QueueClient[];
  readonly succeeded: QueueClient;
  readonly failed: QueueClient;
  /** Rows of `.get ingestion resources`: type and URL with a fresh SAS. */
  resources(): [type: string, root: string][];
  /** A client's storage URL as the emulator itself fetches it: past the proxy, with the client's own SAS. */
  direct(url: string): string;
  /** The blobs of a container, or of a prefix in it, that a storage connection string names. @throws IngestionFailure */
  list(connection: string): AsyncIterable<ListedBlob>;
  /** Posts a message to one of the ready queues. */
  post(message: object): Promise<void>;
  /** Removes a blob of our own containers; other blobs are left alone, and it says so. */
  remove(url: string): Promise<boolean>;
  /** Calls back when a message has been posted to a ready queue. */
  onPosted(listener: () => void): void;
  close(): Promise<void>;
}

export interface ListedBlob {
  readonly name: string;
  /** Its URL with what gives access to it. */
  readonly url: string;
  /** Its URL without that. */
  readonly shown: string;
  readonly bytes: number;
}

/** The ports of the services as clients see them, by account: those that clients may still have in their hands. */
export type StoragePorts = Readonly<Record<"blob" | "queue" | "table", readonly number[]>>;

export interface StorageOptions {
  readonly plan: FaultPlan;
  readonly accounts: readonly Account[];
  /** Where Azurite keeps its files, and the ports of the run before; undefined: in memory. */
  readonly durable: { readonly storage: string; readonly ports: StoragePorts } | undefined;
  readonly sasLifeMs: number;
  readonly node: string | undefined;
  readonly signal: AbortSignal | undefined;
}

export async function startStorage(options: StorageOptions): Promise<Storage> {
  const { accounts, durable } = options;
  const azurite = await startAzurite(accounts, { ...options, location: durable?.storage });
  const posted: (() => void)[] = [];
  const fronts = await Promise.all(
    (["blob", "queue", "table"] as const).map((place) =>
      startFront({
        place,
        target: azurite[place],
        accounts: place === "table" ? 1 : accounts.length,
        ports: durable?.ports[place],
        plan: options.plan,
        onDone: (method, path, status) => {
          if (place === "queue" && method === "POST" && status < 300 && path.includes(readyQueueName))
            for (const listener of posted) listener();
        },
      }),
    ),
  );
  const [blob, queue, table] = fronts as [StorageFront, StorageFront, StorageFront];
  const close = async () => {
    await Promise.all([...fronts.map((front) => front.close()), azurite.close()]);
  };
  try {
    const queues = await createEverything(azurite, accounts);
    return {
      azurite,
      accounts,
      fronts: { blob, queue, table },
      ...queues,
      resources: () => resourceRows(accounts, { blob, queue, table }, options.sasLifeMs),
      direct: (url) => directUrl(url, { blob, azurite, accounts }),
      list: (connection) => listBlobs(connection, { blob, azurite, accounts }),
      post: async (message) => {
        const to = queues.ready[Math.floor(Math.random() * queues.ready.length)]!;
        await to.sendMessage(Buffer.from(JSON.stringify(message)).toString("base64"));
        for (const listener of posted) listener();
      },
      remove: async (url) => {
        const direct = directUrl(url, { blob, azurite, accounts });
        const account = accounts.find(({ name }) => direct.startsWith(`${azurite.blob}/${name}/${containerName}/`));
        if (!account) return false;
        const name = decodeURIComponent(new URL(url).pathname.split("/").slice(3).join("/"));
        await blobService(azurite, account).getContainerClient(containerName).getBlobClient(name).deleteIfExists();
        return true;
      },
      onPosted: (listener) => void posted.push(listener),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What stands behind the semicolon of a storage connection string: a managed identity, the caller's own, or an account's key. */
const ownRights = /^(managed_identity=.*|impersonate|system)$/i;
const ownSasMs = 3_600_000;

/** As Azurite knows it. To its own accounts the emulator itself is the managed identity, and the caller too. */
function directUrl(
  url: string,
  { blob, azurite, accounts }: { blob: StorageFront; azurite: Azurite; accounts: readonly Account[] },
): string {
  const [address, access] = url.split(/;(.*)/s) as [string, string | undefined];
  const direct = blob.toAzurite(address) ?? formerUrl(address, azurite, accounts);
  if (!direct) return address;
  const [name, container] = new URL(address).pathname.split("/").slice(1);
  const account = accounts.find((each) => each.name === name);
  const isAllowed = access !== undefined && (ownRights.test(access) || access === account?.key);
  return isAllowed && account && container ? `${direct}?${containerSas(account, container, "rl", ownSasMs)}` : direct;
}

/** A blob's URL of an earlier run, whose ports were others: the name of one of our accounts is 64 random bits. */
function formerUrl(url: string, azurite: Azurite, accounts: readonly Account[]): string | undefined {
  const found = /^http:\/\/127\.0\.0\.1:\d+\/(\w+)\//.exec(url);
  if (!found || !accounts.some(({ name }) => name === found[1])) return undefined;
  return azurite.blob + url.slice(url.indexOf("/", "http://".length));
}

async function* listBlobs(
  connection: string,
  { blob, azurite, accounts }: { blob: StorageFront; azurite: Azurite; accounts: readonly Account[] },
): AsyncGenerator<ListedBlob> {
  const direct = directUrl(connection, { blob, azurite, accounts });
  if (!URL.canParse(direct)) throw notListed(connection, "it is not a URL", "BadRequest_InvalidBlobUri");
  const { origin, pathname, search } = new URL(direct);
  // Azurite has the account in the path; elsewhere it is in the host.
  const depth = origin === azurite.blob ? 2 : 1;
  const parts = pathname.split("/").slice(1);
  const container = `${origin}/${parts.slice(0, depth).join("/")}`;
  const access = connection.slice(shownAddress(connection).length);
  const shown = shownAddress(connection)
    .split("/")
    .slice(0, 3 + depth)
    .join("/");
  try {
    const client = new ContainerClient(container + search, undefined, { retryOptions: { maxTries: 2 } });
    const prefix = parts.slice(depth).map(decodeURIComponent).join("/");
    for await (const { name, properties } of client.listBlobsFlat({ prefix })) {
      const address = `${shown}/${name.split("/").map(encodeURIComponent).join("/")}`;
      yield { name, url: address + access, shown: address, bytes: properties.contentLength ?? 0 };
    }
  } catch (error) {
    const status = (error as { statusCode?: number }).statusCode;
    throw notListed(
      connection,
      status === undefined ? "storage did not answer" : `status ${status}`,
      status === 403 ? "Download_Forbidden" : status === 404 ? "Download_SourceNotFound" : "Download_UnknownError",
    );
  }
}

const notListed = (connection: string, why: string, code: string) =>
  new IngestionFailure(code, `Failed to list the blobs of '${shownAddress(connection)}': ${why}.`);

function blobService(azurite: Azurite, { name, key }: Account): BlobServiceClient {
  return new BlobServiceClient(`${azurite.blob}/${name}`, new BlobKey(name, key));
}

function queueService(azurite: Azurite, { name, key }: Account): QueueServiceClient {
  return new QueueServiceClient(`${azurite.queue}/${name}`, new QueueKey(name, key));
}

async function createEverything(azurite: Azurite, accounts: readonly Account[]) {
  const first = accounts[0]!;
  const ready = accounts.map((account) => queueService(azurite, account).getQueueClient(readyQueueName));
  const succeeded = queueService(azurite, first).getQueueClient(successQueueName);
  const failed = queueService(azurite, first).getQueueClient(failureQueueName);
  await Promise.all([
    ...accounts.map((account) => blobService(azurite, account).getContainerClient(containerName).createIfNotExists()),
    ...[...ready, succeeded, failed].map((queue) => queue.createIfNotExists()),
    createTable(azurite, first),
  ]);
  return { ready, succeeded, failed };
}

/** The table service has no client among our dependencies; one POST with an account-wide SAS does it. */
async function createTable(azurite: Azurite, account: Account): Promise<void> {
  const answer = await fetch(`${azurite.table}/${account.name}/Tables?${tableAccountSas(account)}`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json;odata=nometadata" },
    body: JSON.stringify({ TableName: statusTableName }),
  });
  const isThere = answer.status === 409;
  if (!answer.ok && !isThere) throw new Error(`Azurite refused to create the status table: ${answer.status}`);
}

function resourceRows(
  accounts: readonly Account[],
  { blob, queue, table }: Storage["fronts"],
  lifeMs: number,
): [string, string][] {
  const first = accounts[0]!;
  const queueUrl = (index: number, name: string, rights: string) =>
    `${queue.origins[index]}/${accounts[index]!.name}/${name}?${queueSas(accounts[index]!, name, rights, lifeMs)}`;
  const containerUrl = (index: number) =>
    `${blob.origins[index]}/${accounts[index]!.name}/${containerName}?${containerSas(accounts[index]!, containerName, "rw", lifeMs)}`;
  return [
    ...accounts.map((_, index): [string, string] => [
      "SecuredReadyForAggregationQueue",
      queueUrl(index, readyQueueName, "a"),
    ]),
    ["FailedIngestionsQueue", queueUrl(0, failureQueueName, "rap")],
    ["SuccessfulIngestionsQueue", queueUrl(0, successQueueName, "rap")],
    ...accounts.map((_, index): [string, string] => ["TempStorage", containerUrl(index)]),
    [
      "IngestionsStatusTable",
      `${table.origins[0]}/${first.name}/${statusTableName}?${tableSas(first, statusTableName, "rau", lifeMs)}`,
    ],
  ];
}
