import { badArgument, checkText } from "./arguments.ts";
import type { StateBackend } from "./checkpoint/state-backend.ts";
import { kustoAdmin } from "./connectors/kusto/admin.ts";
import { type CommitMode, type KustoIngestionOptions, type KustoOptions, kusto } from "./connectors/kusto/index.ts";
import { ingestionDefaults, ingestionOptionNames } from "./connectors/kusto/ingestion-options.ts";
import { MillraceError } from "./errors.ts";
import { open } from "./open.ts";
import { type DeliveryGuarantee, defaults, type SinkOptions } from "./options.ts";
import { type RunSummary, run } from "./run/run.ts";
import { checkTable, type Table } from "./schema/table.ts";
import { checkIterable, iterable } from "./source/iterable.ts";
import type { Source } from "./source/source.ts";

/**
 * The vocabulary of Microsoft's Flink connector over `open()` and `run()`, for people who come from there: the same
 * builders, option names and defaults. What a Flink job takes from its type information, the columns, comes from the
 * table that `withTable()` is given, or from the cluster where it is given a name only.
 */

/** How to reach the cluster: the connector's `KustoConnectionOptions`. */
export class KustoConnectionOptions {
  readonly clusterUrl: string;
  readonly #credentials: Partial<KustoOptions>;

  private constructor(clusterUrl: string, credentials: Partial<KustoOptions>) {
    this.clusterUrl = clusterUrl;
    this.#credentials = credentials;
  }

  static builder(): KustoConnectionOptionsBuilder {
    return new KustoConnectionOptionsBuilder((url, credentials) => new KustoConnectionOptions(url, credentials));
  }

  /** What `kusto()` takes for this connection and a database. The key stays inside until then. */
  toKustoOptions(database: string): KustoOptions {
    return { cluster: this.clusterUrl, database, ...this.#credentials };
  }
}

/** Made by `KustoConnectionOptions.builder()`. */
export class KustoConnectionOptionsBuilder {
  readonly #make: (clusterUrl: string, credentials: Partial<KustoOptions>) => KustoConnectionOptions;
  readonly #credentials: { -readonly [N in keyof KustoOptions]?: KustoOptions[N] } = {};
  #clusterUrl = "";

  constructor(make: (clusterUrl: string, credentials: Partial<KustoOptions>) => KustoConnectionOptions) {
    this.#make = make;
  }

  setClusterUrl(clusterUrl: string): this {
    this.#clusterUrl = clusterUrl;
    return this;
  }

  setAppId(appId: string): this {
    this.#credentials.appId = appId;
    return this;
  }

  setAppKey(appKey: string): this {
    this.#credentials.appKey = appKey;
    return this;
  }

  setTenantId(tenantId: string): this {
    this.#credentials.tenantId = tenantId;
    return this;
  }

  /** "system", or the client id of a user-assigned identity. */
  setManagedIdentityAppId(managedIdentityAppId: string): this {
    this.#credentials.managedIdentityAppId = managedIdentityAppId;
    return this;
  }

  /** Beyond the connector: any credential of @azure/identity. */
  setCredential(credential: NonNullable<KustoOptions["credential"]>): this {
    this.#credentials.credential = credential;
    return this;
  }

  build(): KustoConnectionOptions {
    if (this.#clusterUrl === "") missing("KustoConnectionOptions", "setClusterUrl");
    checkText("KustoConnectionOptions", "clusterUrl", this.#clusterUrl, "a URL");
    return this.#make(this.#clusterUrl, this.#credentials);
  }
}

/** The connector's write options are in part the sink's and in part the destination's. */
export type WriteSinkOptions = SinkOptions & KustoIngestionOptions;

/** Where and how to write: the connector's `KustoWriteOptions`. */
export class KustoWriteOptions {
  readonly database: string;
  /** The table, or its name: then its columns are asked of the cluster, in their order and all optional. */
  readonly table: Table | string;
  readonly options: Readonly<WriteSinkOptions>;

  /** Use {@link builder}. */
  constructor(database: string, table: Table | string, options: WriteSinkOptions) {
    this.database = database;
    this.table = table;
    this.options = options;
  }

  static builder(): KustoWriteOptionsBuilder {
    return new KustoWriteOptionsBuilder();
  }
}

/** Made by `KustoWriteOptions.builder()`. */
export class KustoWriteOptionsBuilder {
  #database = "";
  #table: Table | string = "";
  readonly #options: WriteSinkOptions = {};

  withDatabase(database: string): this {
    this.#database = database;
    return this;
  }

  withTable(table: Table | string): this {
    this.#table = table;
    return this;
  }

  withIngestionMappingRef(ingestionMappingRef: string): this {
    return this.#with({ ingestionMappingRef });
  }

  /** Default false. */
  withFlushImmediately(flushImmediately: boolean): this {
    return this.#with({ flushImmediately });
  }

  /** At least once: a tag on every blob's extents, `millrace-batch:<source id>`. Default false. */
  withTagBatches(tagBatches: boolean): this {
    return this.#with({ tagBatches });
  }

  /** Milliseconds. Default 30 000; the connector's -1 ("not applicable") means no limit of age. */
  withBatchIntervalMs(batchIntervalMs: number): this {
    return this.#with({ batchIntervalMs: batchIntervalMs === -1 ? 0 : batchIntervalMs });
  }

  /** Records. Default 1 000. */
  withBatchSize(batchSize: number): this {
    return this.#with({ batchSize });
  }

  /** Uncompressed bytes. Default 300 MB. */
  withClientBatchSizeLimit(clientBatchSizeLimit: number): this {
    return this.#with({ clientBatchSizeLimit });
  }

  withIngestByTags(ingestByTags: readonly string[]): this {
    return this.#with({ ingestByTags });
  }

  withAdditionalTags(additionalTags: readonly string[]): this {
    return this.#with({ additionalTags });
  }

  /** Default false. */
  withPollForIngestionStatus(pollForIngestionStatus: boolean): this {
    return this.#with({ pollForIngestionStatus });
  }

  /** Milliseconds between two looks at the status, at most. Default 5 000. */
  withPollIntervalMs(pollIntervalMs: number): this {
    return this.#with({ pollIntervalMs });
  }

  /** Milliseconds. Default 300 000, the connector's five minutes. */
  withPollTimeoutMs(pollTimeoutMs: number): this {
    return this.#with({ pollTimeoutMs });
  }

  /** Default "at-least-once". */
  withDeliveryGuarantee(deliveryGuarantee: DeliveryGuarantee): this {
    return this.#with({ deliveryGuarantee });
  }

  /** For `buildWriteAheadSink()`: where checkpoints are kept. Beyond the connector, whose state is Flink's. */
  withState(state: StateBackend): this {
    return this.#with({ state });
  }

  /** For `buildWriteAheadSink()`: how an epoch becomes visible. Default "move". */
  withCommitMode(commitMode: CommitMode): this {
    return this.#with({ commitMode });
  }

  build(): KustoWriteOptions {
    if (this.#database === "") missing("KustoWriteOptions", "withDatabase");
    if (this.#table === "") missing("KustoWriteOptions", "withTable");
    checkText("KustoWriteOptions", "database", this.#database, "the name of a database");
    if (typeof this.#table !== "string") checkTable("KustoWriteOptions", this.#table);
    return new KustoWriteOptions(this.#database, this.#table, { ...writeDefaults(), ...this.#options });
  }

  #with(options: WriteSinkOptions): this {
    Object.assign(this.#options, options);
    return this;
  }
}

/** The write options' share of the defaults, so that they can be read from what `build()` returns. */
function writeDefaults(): WriteSinkOptions {
  const { deliveryGuarantee, batchSize, batchIntervalMs, clientBatchSizeLimit } = defaults;
  const { ingestByTags, additionalTags, pollForIngestionStatus } = ingestionDefaults;
  const shared = { deliveryGuarantee, batchSize, batchIntervalMs, clientBatchSizeLimit };
  return { ...shared, flushImmediately: false, ingestByTags, additionalTags, pollForIngestionStatus };
}

/** Those of the destination, and those of the sink. */
export function parted(options: WriteSinkOptions): { ingestion: KustoIngestionOptions; sink: SinkOptions } {
  const isIngestion = (name: string) => (ingestionOptionNames as readonly string[]).includes(name);
  const entries = Object.entries(options);
  return {
    ingestion: Object.fromEntries(entries.filter(([name]) => isIngestion(name))),
    sink: Object.fromEntries(entries.filter(([name]) => !isIngestion(name))),
  };
}

/** A source attached to a sink, as `build()` of the connector attaches a stream; `execute()` runs it to its end. */
export interface KustoJob {
  readonly name: string;
  /** @param options `stop` ends it in good order, with all that was read delivered; `signal` aborts it. */
  execute(options?: { stop?: AbortSignal; signal?: AbortSignal; checkpointMs?: number }): Promise<RunSummary>;
}

/**
 * Attaches a source to a table, in the connector's words: options first, then `build()` or `buildWriteAheadSink()`, whose
 * job's `execute()` opens the sink, runs the source to its end and closes it.
 */
export class KustoWriteSink {
  #connection: KustoConnectionOptions | undefined;
  #write: KustoWriteOptions | undefined;

  static builder(): KustoWriteSink {
    return new KustoWriteSink();
  }

  setConnectionOptions(options: KustoConnectionOptions): this {
    this.#connection = options;
    return this;
  }

  setWriteOptions(options: KustoWriteOptions): this {
    this.#write = options;
    return this;
  }

  /**
   * Attaches a source: an array, a generator, a stream, or a `Source`. Nothing runs before `execute()`.
   *
   * @throws MillraceError BAD_OPTION when connection or write options are missing.
   */
  build<R>(source: Source<R> | Iterable<R> | AsyncIterable<R>, parallelism = 1, name?: string): KustoJob {
    return this.#attach(source, parallelism, name, {});
  }

  /**
   * The same with a write-ahead log: rows become visible only after the checkpoint that holds them, and exactly once. The
   * write options must have a state; a run that was killed goes on from it. The job's name is part of the state: keep it.
   *
   * @throws MillraceError BAD_OPTION when connection or write options, or the state, are missing.
   */
  buildWriteAheadSink<R>(source: Source<R> | Iterable<R> | AsyncIterable<R>, parallelism = 1, name?: string): KustoJob {
    const write = this.#write ?? missing("KustoWriteSink", "setWriteOptions");
    if (!(write instanceof KustoWriteOptions) || !write.options.state) missing("KustoWriteOptions", "withState");
    return this.#attach(source, parallelism, name, { deliveryGuarantee: "exactly-once", ...(name && { job: name }) });
  }

  #attach<R>(
    source: Source<R> | Iterable<R> | AsyncIterable<R>,
    parallelism: number,
    name: string | undefined,
    more: SinkOptions,
  ): KustoJob {
    const connection = this.#connection ?? missing("KustoWriteSink", "setConnectionOptions");
    const write = this.#write ?? missing("KustoWriteSink", "setWriteOptions");
    if (!(connection instanceof KustoConnectionOptions))
      throw badArgument("KustoWriteSink", "connectionOptions", connection, "KustoConnectionOptions");
    if (!(write instanceof KustoWriteOptions))
      throw badArgument("KustoWriteSink", "writeOptions", write, "KustoWriteOptions");
    if (!isSource(source)) checkIterable("KustoWriteSink", "source", source);
    const { database, table } = write;
    const { ingestion, sink: options } = parted(write.options);
    const jobName = name ?? `KustoSink-${database}-${typeof table === "string" ? table : table.name}`;
    const to = { ...connection.toKustoOptions(database), ...ingestion };
    return {
      name: jobName,
      async execute({ stop, signal, checkpointMs } = {}) {
        const sink = await open({
          ...options,
          ...more,
          table: typeof table === "string" ? await tableOfCluster(to, table, signal, { ...options, ...more }) : table,
          to: kusto(to),
          parallelism,
          ...(signal && { signal }),
        });
        try {
          const summary = await run({
            from: isSource(source) ? source : iterable(source, jobName),
            into: sink as Awaited<typeof sink> & { write(record: R): boolean },
            ...(checkpointMs && { checkpointMs }),
            ...(stop && { stop }),
            ...(signal && { signal }),
          });
          await sink.close();
          return { ...summary, stats: sink.stats };
        } catch (error) {
          await sink.abort(error);
          throw error;
        }
      },
    };
  }
}

async function tableOfCluster(
  connection: KustoOptions,
  name: string,
  signal: AbortSignal | undefined,
  { retryBaseMs, retryMaxMs, retryTimeoutMs }: SinkOptions,
): Promise<Table> {
  const retries = Object.entries({ retryBaseMs, retryMaxMs, retryTimeoutMs }).filter(
    ([, value]) => value !== undefined,
  );
  const admin = await kustoAdmin(connection, signal, Object.fromEntries(retries));
  try {
    return await admin.table(name, signal);
  } finally {
    admin.close();
  }
}

function isSource<R>(source: Source<R> | Iterable<R> | AsyncIterable<R>): source is Source<R> {
  return typeof source === "object" && source !== null && "read" in source && "recovery" in source;
}

function missing(what: string, setter: string): never {
  throw new MillraceError("BAD_OPTION", `${what}: ${setter}() has not been called.`);
}
