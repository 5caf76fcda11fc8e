import { type KustoOptions, kusto } from "../../../src/connectors/kusto/index.ts";
import { open } from "../../../src/open.ts";
import type { Table } from "../../../src/schema/table.ts";
import { parted, type WriteSinkOptions } from "../../../src/write-sink.ts";

/** A sink into a cluster: its options and those of the destination in one object, for tests that vary both. */
export function openKusto<T extends Table>(table: T, connection: KustoOptions, options: WriteSinkOptions) {
  const { ingestion, sink } = parted(options);
  return open<T>({ ...sink, table, to: kusto({ ...connection, ...ingestion }) });
}
