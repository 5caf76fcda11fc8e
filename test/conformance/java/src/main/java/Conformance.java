import com.azure.core.util.BinaryData;
import com.azure.storage.blob.BlobClientBuilder;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.microsoft.azure.kusto.data.Client;
import com.microsoft.azure.kusto.data.ClientFactory;
import com.microsoft.azure.kusto.data.ClientRequestProperties;
import com.microsoft.azure.kusto.data.KustoOperationResult;
import com.microsoft.azure.kusto.data.KustoResultSetTable;
import com.microsoft.azure.kusto.data.StreamingClient;
import com.microsoft.azure.kusto.data.WellKnownDataSet;
import com.microsoft.azure.kusto.data.auth.ConnectionStringBuilder;
import com.microsoft.azure.kusto.data.exceptions.DataWebException;
import com.microsoft.azure.kusto.data.exceptions.OneApiError;
import com.microsoft.azure.kusto.ingest.ColumnMapping;
import com.microsoft.azure.kusto.ingest.IngestClient;
import com.microsoft.azure.kusto.ingest.IngestClientFactory;
import com.microsoft.azure.kusto.ingest.IngestionMapping;
import com.microsoft.azure.kusto.ingest.IngestionProperties;
import com.microsoft.azure.kusto.ingest.IngestionProperties.DataFormat;
import com.microsoft.azure.kusto.ingest.IngestionProperties.IngestionReportLevel;
import com.microsoft.azure.kusto.ingest.IngestionProperties.IngestionReportMethod;
import com.microsoft.azure.kusto.ingest.TransformationMethod;
import com.microsoft.azure.kusto.ingest.result.IngestionResult;
import com.microsoft.azure.kusto.ingest.result.IngestionStatus;
import com.microsoft.azure.kusto.ingest.result.OperationStatus;
import com.microsoft.azure.kusto.ingest.result.ValidationPolicy;
import com.microsoft.azure.kusto.ingest.source.BlobSourceInfo;
import com.microsoft.azure.kusto.ingest.source.CompressionType;
import com.microsoft.azure.kusto.ingest.source.FileSourceInfo;
import com.microsoft.azure.kusto.ingest.source.ResultSetSourceInfo;
import com.microsoft.azure.kusto.ingest.source.StreamSourceInfo;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.Types;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.zip.GZIPOutputStream;
import javax.sql.rowset.CachedRowSet;
import javax.sql.rowset.RowSetMetaDataImpl;
import javax.sql.rowset.RowSetProvider;

/**
 * What Microsoft's Java SDK does against the emulator: a line for each check, and a line of JSON at the end.
 * MILLRACE_CLUSTER is the address of the emulator, MILLRACE_FILES a folder for files.
 */
public final class Conformance {
  private static final String CLUSTER = System.getenv("MILLRACE_CLUSTER");
  private static final Path FILES = Path.of(System.getenv("MILLRACE_FILES"));
  private static final String DATABASE = "demo";

  private interface Check {
    void run() throws Exception;
  }

  private final Client data;
  private final StreamingClient streams;
  private final IngestClient queued;
  private final IngestClient streaming;
  private final IngestClient managed;
  private final List<String> passed = new ArrayList<>();
  private final Map<String, String> failed = new LinkedHashMap<>();

  private Conformance() throws Exception {
    data = ClientFactory.createClient(connection());
    streams = ClientFactory.createStreamingClient(connection());
    queued = IngestClientFactory.createClient(connection());
    streaming = IngestClientFactory.createStreamingIngestClient(connection());
    managed = IngestClientFactory.createManagedStreamingIngestClient(connection(), connection());
  }

  /**
   * The connection string a user would write: the address and nothing else. It must say localhost: the ingest clients put
   * "ingest-" before 127.0.0.1, for they take its port as part of the name.
   */
  private static ConnectionStringBuilder connection() {
    return new ConnectionStringBuilder("Data Source=" + CLUSTER.replace("127.0.0.1", "localhost"));
  }

  private void check(String name, Check check) {
    try {
      check.run();
      passed.add(name);
      System.out.println("pass  " + name);
    } catch (Exception | AssertionError error) {
      failed.put(name, error.toString());
      System.out.println("FAIL  " + name);
      error.printStackTrace(System.out);
    }
  }

  private static void equal(Object found, Object expected) {
    if (!Objects.equals(found, expected)) throw new AssertionError("expected " + expected + ", found " + found);
  }

  private static void holds(boolean condition, Object found) {
    if (!condition) throw new AssertionError("found " + found);
  }

  private static <T> T until(Callable<T> get, Predicate<T> isThere) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (true) {
      T found = get.call();
      if (isThere.test(found)) return found;
      if (System.nanoTime() > end) throw new AssertionError("waited 30 s in vain; last seen: " + found);
      Thread.sleep(20);
    }
  }

  private KustoResultSetTable ask(String text) throws Exception {
    KustoOperationResult answer = text.startsWith(".") ? data.executeMgmt(DATABASE, text) : data.executeQuery(DATABASE, text);
    return answer.getPrimaryResults();
  }

  /** The rows as text: integers come as Integer or Long by their size. */
  private String rows(String text) throws Exception {
    return ask(text).getData().toString();
  }

  private String fresh(String table, String columns) throws Exception {
    data.executeMgmt(DATABASE, ".create table " + table + " (" + columns + ")");
    return table;
  }

  private String fresh(String table) throws Exception {
    return fresh(table, "a:string, b:long");
  }

  private String landed(String table, long count) throws Exception {
    until(() -> {
      long found = count(table);
      if (found < count && failures(table).contains("_")) throw new AssertionError(failures(table));
      return found;
    }, found -> found >= count);
    return rows(table + " | sort by b asc");
  }

  private long count(String table) throws Exception {
    KustoResultSetTable answer = ask(table + " | count");
    answer.next();
    return answer.getLong(0);
  }

  @SafeVarargs
  private static IngestionProperties properties(String table, Consumer<IngestionProperties>... more) {
    IngestionProperties properties = new IngestionProperties(DATABASE, table);
    properties.setDataFormat(DataFormat.CSV);
    for (Consumer<IngestionProperties> each : more) each.accept(properties);
    return properties;
  }

  private static InputStream bytes(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] packed(String text) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  private static FileSourceInfo file(String name, byte[] content) throws Exception {
    return new FileSourceInfo(Files.write(FILES.resolve(name), content).toString());
  }

  private static FileSourceInfo file(String name, String content) throws Exception {
    return file(name, content.getBytes(StandardCharsets.UTF_8));
  }

  /** Into one of the emulator's own containers; gives the URL with its SAS. */
  private String upload(String name, String content) throws Exception {
    KustoResultSetTable resources = ask(".get ingestion resources");
    while (resources.next()) {
      if (!resources.getString(0).equals("TempStorage")) continue;
      String[] parts = resources.getString(1).split("\\?", 2);
      String url = parts[0] + "/" + name + "?" + parts[1];
      new BlobClientBuilder().endpoint(url).buildClient().upload(BinaryData.fromString(content), true);
      return url;
    }
    throw new AssertionError("no container");
  }

  /** Rows as a database would give them. */
  private static ResultSet resultSet() throws Exception {
    CachedRowSet rows = RowSetProvider.newFactory().createCachedRowSet();
    RowSetMetaDataImpl columns = new RowSetMetaDataImpl();
    columns.setColumnCount(2);
    columns.setColumnName(1, "a");
    columns.setColumnType(1, Types.VARCHAR);
    columns.setColumnName(2, "b");
    columns.setColumnType(2, Types.BIGINT);
    rows.setMetaData(columns);
    for (int n = 7; n <= 8; n++) {
      rows.moveToInsertRow();
      rows.updateString(1, "set \"" + n + "\"");
      rows.updateLong(2, n);
      rows.insertRow();
      rows.moveToCurrentRow();
    }
    rows.beforeFirst();
    return rows;
  }

  private static OneApiError apiError(Throwable error) {
    for (Throwable each = error; each != null; each = each.getCause())
      if (each instanceof DataWebException web && web.getApiError() != null) return web.getApiError();
    throw new AssertionError("no error of the service in " + error, error);
  }

  private static OneApiError refusal(Check check) {
    try {
      check.run();
    } catch (Exception error) {
      return apiError(error);
    }
    throw new AssertionError("it was answered");
  }

  private void queries() {
    check("query: all ten types", () -> {
      KustoResultSetTable row = ask(
        "print s='a \"q\" \uD83D\uDE00', b=true, i=int(-5), l=9223372036854775807, r=1.5, t=datetime(2020-02-29T23:59:59.1234567Z),"
          + " g=2h + 3m + 4.5s, u=guid(74be27de-1e4e-49d9-b579-fe0b331d3642), m=decimal(12345678901234567.89),"
          + " d=dynamic({'x':[1,2.5,null]})");
      holds(row.next(), "no row");
      equal(row.getString("s"), "a \"q\" \uD83D\uDE00");
      equal(row.getBoolean("b"), true);
      equal(row.getInt("i"), -5);
      equal(row.getLong("l"), Long.MAX_VALUE);
      equal(row.getDouble("r"), 1.5);
      equal(row.getKustoDateTime("t"), LocalDateTime.of(2020, 2, 29, 23, 59, 59, 123456700));
      equal(row.getLocalTime("g").toString(), "02:03:04.500");
      equal(row.getUUID("u"), UUID.fromString("74be27de-1e4e-49d9-b579-fe0b331d3642"));
      equal(row.getBigDecimal("m"), new BigDecimal("12345678901234567.89"));
      equal(row.getJSONObject("d").toString(), "{\"x\":[1,2.5,null]}");
      equal(
        Arrays.stream(row.getColumns()).map(column -> column.getColumnType()).toList(),
        List.of("string", "bool", "int", "long", "real", "datetime", "timespan", "guid", "decimal", "dynamic"));
    });
    check("query: nulls of all types", () -> equal(
      rows("print s='', b=bool(null), i=int(null), l=long(null), r=real(null), t=datetime(null), g=timespan(null),"
        + " u=guid(null), m=decimal(null), d=dynamic(null)"),
      "[[, null, null, null, null, null, null, null, null, null]]"));
    check("query: parameters of every kind, options and a request id", () -> {
      ClientRequestProperties request = new ClientRequestProperties();
      request.setClientRequestId("millrace.java;1");
      request.setApplication("conformance");
      request.setTimeoutInMilliSec(60_000L);
      request.setParameter("n", 41L);
      request.setParameter("i", 5);
      request.setParameter("r", 1.5);
      request.setParameter("b", true);
      request.setParameter("who", "it's");
      request.setParameter("u", UUID.fromString("74be27de-1e4e-49d9-b579-fe0b331d3642"));
      request.setParameter("t", LocalDateTime.of(2020, 1, 1, 0, 0));
      request.setParameter("g", Duration.ofMinutes(90));
      KustoOperationResult answer = data.executeQuery(DATABASE,
        "declare query_parameters(n:long, i:int, r:real, b:bool, who:string, u:guid, t:datetime, g:timespan);"
          + " print n + i, r, b, who, u, t + g", request);
      equal(answer.getPrimaryResults().getData().toString(),
        "[[46, 1.5, true, it's, 74be27de-1e4e-49d9-b579-fe0b331d3642, 2020-01-01T01:30:00Z]]");
      KustoResultSetTable completion = answer.getResultTables().stream()
        .filter(table -> table.getTableKind() == WellKnownDataSet.QueryCompletionInformation).findFirst().orElseThrow();
      completion.next();
      equal(completion.getString("ClientRequestId"), "millrace.java;1");
    });
    check("query: as JSON and as a stream", () -> {
      ClientRequestProperties request = new ClientRequestProperties();
      holds(data.executeToJsonResult(DATABASE, "print x=42", request).contains("[42]"), "another answer");
      try (InputStream answer = streams.executeStreamingQuery(DATABASE, "range n from 1 to 3 step 1", request)) {
        String text = new String(answer.readAllBytes(), StandardCharsets.UTF_8);
        holds(text.contains("[1],[2],[3]"), text);
      }
    });
    check("query: asynchronously", () -> equal(
      data.executeQueryAsync(DATABASE, "print 1").block(Duration.ofSeconds(30)).getPrimaryResults().getData().toString(), "[[1]]"));
    check("query: what cannot be read is a semantic error", () -> {
      OneApiError error = refusal(() -> data.executeQuery(DATABASE, "print nope"));
      holds(error.getDescription().contains("Semantic error"), error.getDescription());
      equal(error.isPermanent(), true);
    });
    check("command: of the engine and of data management", () -> {
      KustoResultSetTable about = ask(".show version");
      about.next();
      equal(about.getString("ServiceType"), "Engine");
      holds(rows(".get ingestion resources").contains("IngestionsStatusTable"), "no status table");
      equal(ask(".get kusto identity token").count(), 1);
    });
    check("command: a refusal has a code", () -> {
      OneApiError error = refusal(() -> data.executeMgmt(DATABASE, ".show table NoSuchTable details"));
      holds(!error.getCode().isEmpty() && error.getDescription().contains("NoSuchTable"), error.getDescription());
    });
  }

  private void queuedIngestion() {
    check("queued: a file, a packed file, a stream, a packed stream, a blob, a result set", () -> {
      String table = fresh("Queued");
      queued.ingestFromFile(file("rows.csv", "file,1\n"), properties(table));
      queued.ingestFromFile(file("rows.csv.gz", packed("packed file,2\n")), properties(table));
      queued.ingestFromStream(new StreamSourceInfo(bytes("stream,3\n")), properties(table));
      StreamSourceInfo stream = new StreamSourceInfo(new ByteArrayInputStream(packed("packed stream,4\n")));
      stream.setCompressionType(CompressionType.gz);
      queued.ingestFromStream(stream, properties(table));
      IngestionResult result = queued.ingestFromBlob(new BlobSourceInfo(upload("java/ünï.csv", "blob,5\n")), properties(table));
      equal(result.getIngestionStatusCollection().get(0).status, OperationStatus.Queued);
      queued.ingestFromResultSet(new ResultSetSourceInfo(resultSet()), properties(table));
      equal(landed(table, 7),
        "[[file, 1], [packed file, 2], [stream, 3], [packed stream, 4], [blob, 5], [set \"7\", 7], [set \"8\", 8]]");
    });
    check("queued: parquet", () -> {
      String table = fresh("Parquet");
      FileSourceInfo source = new FileSourceInfo(FILES.resolve("rows.parquet").toString());
      queued.ingestFromFile(source, properties(table, each -> each.setDataFormat(DataFormat.PARQUET)));
      equal(landed(table, 2), "[[x, 1], [, 2]]");
    });
    check("queued: JSON, without a mapping, by an inline one, by reference", () -> {
      String table = fresh("Json", "a:string, b:long, c:dynamic");
      queued.ingestFromStream(new StreamSourceInfo(bytes("[{\"a\":\"array\",\"b\":1,\"c\":{\"x\":[1]}}]")),
        properties(table, each -> each.setDataFormat(DataFormat.MULTIJSON)));
      ColumnMapping b = new ColumnMapping("b", "long");
      b.setPath("$.v['the b']");
      ColumnMapping a = new ColumnMapping("a", "string");
      a.setPath("$.at");
      a.setTransform(TransformationMethod.DateTimeFromUnixSeconds);
      // The SDK refuses a constant in a mapping of JSON.
      queued.ingestFromStream(new StreamSourceInfo(bytes("{\"v\":{\"the b\":2},\"at\":1577836800}")), properties(table, each -> {
        each.setDataFormat(DataFormat.MULTIJSON);
        each.setIngestionMapping(new ColumnMapping[] {a, b}, IngestionMapping.IngestionMappingKind.JSON);
      }));
      data.executeMgmt(DATABASE, ".create table " + table
        + " ingestion json mapping 'ref' '[{\"column\":\"b\",\"Properties\":{\"Path\":\"$.n\"}}]'");
      queued.ingestFromStream(new StreamSourceInfo(bytes("{\"n\":3}")), properties(table, each -> {
        each.setDataFormat(DataFormat.MULTIJSON);
        each.setIngestionMapping("ref", IngestionMapping.IngestionMappingKind.JSON);
      }));
      equal(landed(table, 3), "[[array, 1, {\"x\":[1]}], [2020-01-01T00:00:00Z, 2, null], [, 3, null]]");
    });
    check("queued: CSV by ordinals, a header left out, tabs", () -> {
      String table = fresh("Csv", "a:string, b:long, c:string");
      ColumnMapping a = new ColumnMapping("a", "string");
      a.setOrdinal(1);
      ColumnMapping b = new ColumnMapping("b", "long");
      b.setOrdinal(0);
      ColumnMapping c = new ColumnMapping("c", "string");
      c.setConstantValue("const");
      queued.ingestFromStream(new StreamSourceInfo(bytes("b,a\n1,first\n")), properties(table, each -> {
        each.setIgnoreFirstRecord(true);
        each.setIngestionMapping(new ColumnMapping[] {a, b, c}, IngestionMapping.IngestionMappingKind.CSV);
      }));
      queued.ingestFromStream(new StreamSourceInfo(bytes("second\t2\tc\n")), properties(table, each -> each.setDataFormat(DataFormat.TSV)));
      equal(landed(table, 2), "[[first, 1, const], [second, 2, c]]");
    });
    check("queued: tags, and ingestIfNotExists skips", () -> {
      String table = fresh("Tagged");
      Consumer<IngestionProperties> tags = each -> {
        each.setAdditionalTags(List.of("plain"));
        each.setDropByTags(List.of("day"));
        each.setIngestByTags(List.of("batch-1"));
        each.setIngestIfNotExists(List.of("batch-1"));
        each.setFlushImmediately(true);
      };
      queued.ingestFromStream(new StreamSourceInfo(bytes("x,1\n")), properties(table, tags));
      landed(table, 1);
      queued.ingestFromStream(new StreamSourceInfo(bytes("x,1\n")), properties(table, tags));
      until(() -> failures(table), found -> found.contains("Skipped_IngestByTagAlreadyExists"));
      equal(count(table), 1L);
      KustoResultSetTable extents = ask(".show table " + table + " extents | project Tags");
      extents.next();
      equal(Arrays.stream(extents.getString(0).split("\\s+")).sorted().toList(), List.of("drop-by:day", "ingest-by:batch-1", "plain"));
    });
    check("queued: a validation policy", () -> {
      String table = fresh("Validated");
      ValidationPolicy policy = new ValidationPolicy(
        ValidationPolicy.ValidationOptions.VALIDATE_CSV_INPUT_CONSTANT_COLUMNS, ValidationPolicy.ValidationImplications.FAIL);
      queued.ingestFromStream(new StreamSourceInfo(bytes("x,1\ny\n")), properties(table, each -> each.setValidationPolicy(policy)));
      until(() -> failures(table), found -> found.contains("Stream_WrongNumberOfFields"));
    });
    check("queued: status by table, success and failure", () -> {
      String table = fresh("Reported");
      Consumer<IngestionProperties> report = each -> {
        each.setReportLevel(IngestionReportLevel.FAILURES_AND_SUCCESSES);
        each.setReportMethod(IngestionReportMethod.QUEUE_AND_TABLE);
      };
      IngestionResult good = queued.ingestFromStream(new StreamSourceInfo(bytes("x,1\n")), properties(table, report));
      IngestionResult bad = queued.ingestFromStream(new StreamSourceInfo(bytes("x,1\n")), properties("NoSuchTable", report));
      IngestionStatus success = until(() -> good.getIngestionStatusCollection().get(0), found -> found.status != OperationStatus.Pending);
      equal(success.status, OperationStatus.Succeeded);
      equal(success.getTable(), table);
      IngestionStatus failure = until(() -> bad.getIngestionStatusCollection().get(0), found -> found.status != OperationStatus.Pending);
      equal(failure.status, OperationStatus.Failed);
      equal(failure.getErrorCode(), "BadRequest_TableNotExist");
      equal(failure.getFailureStatus(), "Permanent");
    });
  }

  private String failures(String table) throws Exception {
    return rows(".show ingestion failures | where Table == '" + table + "' | project ErrorCode, Details");
  }

  private void streamingIngestion() {
    check("streaming: a file, a stream, a packed stream, a result set, a blob", () -> {
      String table = fresh("Streamed");
      IngestionResult result = streaming.ingestFromFile(file("streamed.csv", "file,1\n"), properties(table));
      equal(result.getIngestionStatusCollection().get(0).status, OperationStatus.Succeeded);
      equal(count(table), 1L);
      streaming.ingestFromStream(new StreamSourceInfo(bytes("stream,2\n")), properties(table));
      StreamSourceInfo stream = new StreamSourceInfo(new ByteArrayInputStream(packed("packed,3\n")));
      stream.setCompressionType(CompressionType.gz);
      streaming.ingestFromStream(stream, properties(table));
      streaming.ingestFromBlob(new BlobSourceInfo(upload("java/streamed.csv", "blob,4\n")), properties(table));
      streaming.ingestFromResultSet(new ResultSetSourceInfo(resultSet()), properties(table));
      equal(rows(table + " | sort by b asc"), "[[file, 1], [stream, 2], [packed, 3], [blob, 4], [set \"7\", 7], [set \"8\", 8]]");
    });
    check("streaming: JSON by a mapping's name", () -> {
      String table = fresh("StreamedJson");
      data.executeMgmt(DATABASE, ".create table " + table
        + " ingestion json mapping 'ref' '[{\"column\":\"b\",\"Properties\":{\"Path\":\"$.n\"}}]'");
      streaming.ingestFromStream(new StreamSourceInfo(bytes("{\"n\":1}\n{\"n\":2}\n")), properties(table, each -> {
        each.setDataFormat(DataFormat.JSON);
        each.setIngestionMapping("ref", IngestionMapping.IngestionMappingKind.JSON);
      }));
      equal(rows(table + " | sort by b asc"), "[[, 1], [, 2]]");
    });
    check("streaming: into nothing is a permanent error", () -> {
      OneApiError error = refusal(
        () -> streaming.ingestFromStream(new StreamSourceInfo(bytes("x,1\n")), properties("NoSuchTable")));
      equal(error.getCode(), "BadRequest_TableNotExist");
      equal(error.isPermanent(), true);
    });
    check("managed: a stream, a file, a result set and a blob are streamed", () -> {
      String table = fresh("Managed");
      for (IngestionResult result : List.of(
        managed.ingestFromStream(new StreamSourceInfo(bytes("stream,1\n")), properties(table)),
        managed.ingestFromFile(file("managed.csv", "file,2\n"), properties(table)),
        managed.ingestFromBlob(new BlobSourceInfo(upload("java/managed.csv", "blob,3\n")), properties(table)),
        managed.ingestFromResultSet(new ResultSetSourceInfo(resultSet()), properties(table))))
        equal(result.getIngestionStatusCollection().get(0).status, OperationStatus.Succeeded);
      equal(rows(table + " | sort by b asc"), "[[stream, 1], [file, 2], [blob, 3], [set \"7\", 7], [set \"8\", 8]]");
    });
    check("managed: what is too large is queued", () -> {
      String table = fresh("Large");
      StringBuilder text = new StringBuilder();
      for (int n = 0; n < 200_000; n++) text.append(UUID.randomUUID()).append(UUID.randomUUID()).append(',').append(n).append('\n');
      IngestionResult result = managed.ingestFromStream(new StreamSourceInfo(bytes(text.toString())), properties(table));
      equal(result.getIngestionStatusCollection().get(0).status, OperationStatus.Queued);
      until(() -> rows(table + " | summarize count(), max(b)"), "[[200000, 199999]]"::equals);
    });
    check("managed: what cannot be streamed is tried again, and then queued", () -> {
      String table = fresh("Unstreamable");
      IngestionResult result = managed.ingestFromStream(new StreamSourceInfo(bytes("x,1\n")), properties(table));
      equal(result.getIngestionStatusCollection().get(0).status, OperationStatus.Queued);
      equal(landed(table, 1), "[[x, 1]]");
    });
  }

  /** Name and version as the file of the library says them. */
  private static Map<String, String> version(Class<?> of) throws Exception {
    String file = Path.of(of.getProtectionDomain().getCodeSource().getLocation().toURI()).getFileName().toString();
    String[] parts = file.replace(".jar", "").split("-(?=\\d)", 2);
    return Map.of(parts[0], parts[1]);
  }

  private int run() throws Exception {
    queries();
    queuedIngestion();
    streamingIngestion();
    for (IngestClient client : List.of(queued, streaming, managed)) client.close();
    int all = passed.size() + failed.size();
    Map<String, String> versions = new LinkedHashMap<>();
    for (Class<?> each : List.of(Client.class, IngestClient.class)) versions.putAll(version(each));
    System.out.println(passed.size() + " of " + all + " pass: " + versions);
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("sdk", "java");
    report.put("versions", versions);
    report.put("passed", passed.size());
    report.put("failed", failed);
    System.out.println(new ObjectMapper().writeValueAsString(report));
    return failed.isEmpty() ? 0 : 1;
  }

  public static void main(String[] arguments) throws Exception {
    // Threads of the HTTP client would keep the process.
    System.exit(new Conformance().run());
  }
}
