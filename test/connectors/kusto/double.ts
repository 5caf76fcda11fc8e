import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { StorageSharedKeyCredential as BlobKey, BlobServiceClient, ContainerSASPermissions } from "@azure/storage-blob";
import {
  QueueClient,
  StorageSharedKeyCredential as QueueKey,
  QueueSASPermissions,
  QueueServiceClient,
} from "@azure/storage-queue";
import { randomAccount } from "../../../src/emulator/storage/accounts.ts";
import { type Azurite, startAzurite } from "../../../src/emulator/storage/azurite.ts";

/** What a request to the double's management endpoint looked like. */
export interface SeenCommand {
  readonly csl: string;
  readonly database: string;
  readonly authorization: string | undefined;
}

export interface Answered {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

/**
 * A cluster double for tests of the client: real Azurite, whose SAS are made by Microsoft's own library, behind a few
 * scripted commands. Much smaller than the emulator, and with every answer under the test's control.
 */
export interface Double {
  readonly url: string;
  readonly commands: SeenCommand[];
  /** A command for which this returns something is answered with it. */
  answer: (csl: string) => Answered | undefined;
  /** Life of the SAS handed out from now on, in milliseconds; negative: expired already. */
  sasLifeMs: number;
  /** Replaces the rows of `.get ingestion resources`. */
  resources: () => [string, string][];
  defaultResources(): [string, string][];
  /** The table's columns: name and type. */
  columns: [string, string][];
  readonly blobs: BlobServiceClient;
  readonly queues: QueueServiceClient;
  /** The decoded messages in the ingestion queue, which are removed. */
  takeMessages(): Promise<IngestMessage[]>;
  putStatus(queue: "success" | "failed", message: object | string): Promise<void>;
  statusCount(queue: "success" | "failed"): Promise<number>;
  close(): Promise<void>;
}

export interface IngestMessage {
  readonly Id: string;
  readonly BlobPath: string;
  readonly RawDataSize: number;
  readonly DatabaseName: string;
  readonly TableName: string;
  readonly FlushImmediately: boolean;
  readonly ReportLevel: number;
  readonly ReportMethod: number;
  readonly AdditionalProperties: Record<string, unknown>;
}

export async function startDouble(): Promise<Double> {
  const account = randomAccount();
  const azurite: Azurite = await startAzurite([account]);
  const blobs = new BlobServiceClient(`${azurite.blob}/${account.name}`, new BlobKey(account.name, account.key));
  const queues = new QueueServiceClient(`${azurite.queue}/${account.name}`, new QueueKey(account.name, account.key));
  const names = { containers: ["temp-0", "temp-1"], queues: ["ready", "failed", "success"] };
  await Promise.all([
    ...names.containers.map((name) => blobs.createContainer(name)),
    ...names.queues.map((name) => queues.createQueue(name)),
  ]);

  const sasQueue = (name: string) => {
    const queue = new QueueClient(`${azurite.queue}/${account.name}/${name}`, new QueueKey(account.name, account.key));
    return queue.generateSasUrl({
      permissions: QueueSASPermissions.parse("raup"),
      expiresOn: new Date(Date.now() + double.sasLifeMs),
    });
  };
  const sasContainer = (name: string) =>
    blobs.getContainerClient(name).generateSasUrl({
      permissions: ContainerSASPermissions.parse("rw"),
      expiresOn: new Date(Date.now() + double.sasLifeMs),
    });

  const sasCache = new Map<string, string>();
  const server = createServer((request, response) => {
    void bodyOf(request).then(async (text) => {
      const { status, body, headers } = await reply(request, text);
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
    });
  });

  async function reply(request: IncomingMessage, text: string): Promise<Answered> {
    if (request.url === "/v1/rest/auth/metadata") return double.answer("metadata") ?? { status: 404, body: {} };
    const { csl, db } = JSON.parse(text) as { csl: string; db: string };
    double.commands.push({ csl, database: db, authorization: request.headers.authorization });
    const scripted = double.answer(csl);
    if (scripted) return scripted;
    if (csl === ".get ingestion resources") {
      sasCache.clear();
      for (const name of names.containers) sasCache.set(name, await sasContainer(name));
      for (const name of names.queues) sasCache.set(name, await sasQueue(name));
      return tableOf(["ResourceTypeName", "StorageRoot"], double.resources());
    }
    if (csl === ".get kusto identity token") return tableOf(["AuthorizationContext"], [["identity-token"]]);
    if (csl.endsWith("schema as json")) {
      const OrderedColumns = double.columns.map(([Name, CslType]) => ({ Name, CslType, Type: "System.Object" }));
      return tableOf(["TableName", "Schema"], [["T", JSON.stringify({ Name: "T", OrderedColumns })]]);
    }
    return { status: 400, body: { error: { code: "BadRequest_SyntaxError", "@message": csl, "@permanent": true } } };
  }

  const double: Double = {
    url: await listening(server),
    commands: [],
    answer: () => undefined,
    sasLifeMs: 3_600_000,
    columns: asColumns("a:long,b:string"),
    blobs,
    queues,
    defaultResources: () => [
      ...names.containers.map((name): [string, string] => ["TempStorage", sasCache.get(name)!]),
      ["SecuredReadyForAggregationQueue", sasCache.get("ready")!],
      ["FailedIngestionsQueue", sasCache.get("failed")!],
      ["SuccessfulIngestionsQueue", sasCache.get("success")!],
      ["IngestionsStatusTable", "https://x.table.core.windows.net/status?sig=table"],
    ],
    resources: () => double.defaultResources(),
    async takeMessages() {
      const { receivedMessageItems } = await queues.getQueueClient("ready").receiveMessages({ numberOfMessages: 32 });
      for (const { messageId, popReceipt } of receivedMessageItems)
        await queues.getQueueClient("ready").deleteMessage(messageId, popReceipt);
      return receivedMessageItems.map((m) => JSON.parse(Buffer.from(m.messageText, "base64").toString()));
    },
    async putStatus(queue, message) {
      const text = typeof message === "string" ? message : Buffer.from(JSON.stringify(message)).toString("base64");
      await queues.getQueueClient(queue).sendMessage(text);
    },
    async statusCount(queue) {
      return (await queues.getQueueClient(queue).getProperties()).approximateMessagesCount ?? -1;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await azurite.close();
    },
  };
  return double;
}

export function asColumns(text: string): [string, string][] {
  return text.split(",").map((column) => column.split(":") as [string, string]);
}

export function tableOf(columns: readonly string[], rows: readonly (readonly unknown[])[]): Answered {
  const Columns = columns.map((ColumnName) => ({ ColumnName, DataType: "String", ColumnType: "string" }));
  return { status: 200, body: { Tables: [{ TableName: "Table_0", Columns, Rows: rows }] } };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
