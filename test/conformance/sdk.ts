import { Client, KustoConnectionStringBuilder } from "azure-kusto-data";
import { IngestClient, ManagedStreamingIngestClient, StreamingIngestClient } from "azure-kusto-ingest";
import type { Emulator } from "../../src/emulator/index.ts";

/** The connection string a user would write: the address and nothing else. Fresh each time, for the clients change it. */
const connection = (emulator: Emulator) => new KustoConnectionStringBuilder(`Data Source=${emulator.url}`);

export interface Clients {
  readonly data: Client;
  readonly queued: IngestClient;
  readonly streaming: StreamingIngestClient;
  readonly managed: ManagedStreamingIngestClient;
  close(): void;
}

/** The unmodified SDKs against an emulator. */
export function clientsOf(emulator: Emulator): Clients {
  const data = new Client(connection(emulator));
  const queued = new IngestClient(connection(emulator));
  const streaming = new StreamingIngestClient(connection(emulator));
  const managed = new ManagedStreamingIngestClient(connection(emulator), connection(emulator));
  return {
    data,
    queued,
    streaming,
    managed,
    close() {
      for (const client of [data, queued, streaming, managed]) client.close();
    },
  };
}

export async function countOf(data: Client, table: string): Promise<number> {
  const answer = await data.execute("demo", `['${table}'] | count`);
  return Number(answer.primaryResults[0]!.toJSON<{ Count: number }>().data[0]!.Count);
}
