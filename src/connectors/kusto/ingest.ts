import type { DataFormat, IngestClient, IngestionMappingKind } from "azure-kusto-ingest";
import type { SealedBatch } from "../../batch/sealed-batch.ts";
import { MillraceError } from "../../errors.ts";
import { version } from "../../version.ts";
import type { Connection } from "./connection.ts";
import type { Resources } from "./resources.ts";

/** One blob to be announced. */
export interface Announcement {
  readonly id: string;
  /** Secret: with the SAS by which the service will read it. */
  readonly blobUrl: string;
  readonly rawBytes: number;
}

/** Builds queue messages by azure-kusto-ingest, whose format the service knows. */
export interface MessageBuilder {
  /** Calls `send` with the encoded message. */
  announce(
    announcement: Announcement,
    into: Into,
    resources: Resources,
    send: (message: string) => Promise<void>,
  ): Promise<void>;
  close(): void;
}

/** Azure queues take no more, in bytes of encoded text (documentation, "Put Message"). */
const mostMessageBytes = 64 * 1024;

/** What all messages of a session have in common. */
export interface Target {
  readonly database: string;
  readonly format: SealedBatch["format"];
  readonly ingestionMappingRef: string | undefined;
}

/** Where one blob goes, and what it is to be told of. */
export interface Into {
  readonly table: string;
  readonly additionalTags: readonly string[];
  /** Without their prefix. */
  readonly ingestByTags: readonly string[];
  /** Ingest-by tags, without their prefix: if an extent bears one of them, the blob is skipped. */
  readonly ingestIfNotExists: readonly string[];
  readonly flushImmediately: boolean;
  /** What the service writes into its status queues: nothing but what it must, failures, or failures and successes. */
  readonly report: "none" | "failures" | "all";
}

/**
 * The SDK's `ingestFromBlob` makes the message; sending it is ours. Its own sender tries three queues with a client that
 * holds a dead account for 16 s each, cannot be aborted, and drops the cause. So each call goes to a copy of the client
 * whose `resourceManager` gives what has been fetched already and whose `sendQueueMessage` is `send`.
 */
export async function messageBuilder({ ingestUrl }: Connection, target: Target): Promise<MessageBuilder> {
  const [data, sdk] = await Promise.all([import("azure-kusto-data"), import("azure-kusto-ingest")]);
  // It never talks to the service, so it gets no credential.
  const builder = new data.KustoConnectionStringBuilder(ingestUrl);
  builder.setConnectorDetails("Millrace", version, "millrace", version, false);
  const client: IngestClient = new sdk.IngestClient(builder, undefined, false);
  const { database, format, ingestionMappingRef } = target;

  /** Fresh each time: the SDK writes into what it is given, and the tags of one call would stick to the next. */
  function freshProperties(into: Into) {
    return new sdk.IngestionProperties({
      database,
      table: into.table,
      format: (format === "csv" ? "csv" : "multijson") as DataFormat,
      ...(ingestionMappingRef !== undefined && {
        ingestionMappingReference: ingestionMappingRef,
        ingestionMappingKind: (format === "csv" ? "Csv" : "Json") as IngestionMappingKind,
      }),
      additionalTags: [...into.additionalTags],
      ingestByTags: [...into.ingestByTags],
      ...(into.ingestIfNotExists.length > 0 && { ingestIfNotExists: JSON.stringify(into.ingestIfNotExists) }),
      flushImmediately: into.flushImmediately,
      reportLevel: into.report === "all" ? sdk.ReportLevel.FailuresAndSuccesses : sdk.ReportLevel.FailuresOnly,
      reportMethod: sdk.ReportMethod.Queue,
      additionalProperties: {},
    });
  }

  return {
    async announce({ id, blobUrl, rawBytes }, into, resources, send) {
      const descriptor = new sdk.BlobDescriptor(blobUrl, rawBytes, id);
      const own: IngestClient = Object.create(client, {
        resourceManager: { value: { getAuthorizationContext: async () => resources.authorizationContext } },
        sendQueueMessage: { value: (_: number, blobInfo: unknown) => send(encoded(blobInfo, into.table)) },
      });
      await own.ingestFromBlob(descriptor, freshProperties(into));
    },
    close: () => client.close(),
  };
}

function encoded(blobInfo: unknown, table: string): string {
  const message = Buffer.from(JSON.stringify(blobInfo)).toString("base64");
  if (message.length > mostMessageBytes)
    throw new MillraceError(
      "BAD_OPTION",
      `The message that announces a batch of table ${table} is ${message.length} bytes long, and a queue takes ${mostMessageBytes}; shorten ingestByTags and additionalTags.`,
      { context: { table, messageBytes: message.length } },
    );
  return message;
}
