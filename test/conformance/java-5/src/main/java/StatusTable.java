import com.fasterxml.jackson.databind.ObjectMapper;
import com.microsoft.azure.kusto.data.Client;
import com.microsoft.azure.kusto.data.ClientFactory;
import com.microsoft.azure.kusto.data.auth.ConnectionStringBuilder;
import com.microsoft.azure.kusto.ingest.IngestClient;
import com.microsoft.azure.kusto.ingest.IngestClientFactory;
import com.microsoft.azure.kusto.ingest.IngestionProperties;
import com.microsoft.azure.kusto.ingest.IngestionProperties.DataFormat;
import com.microsoft.azure.kusto.ingest.IngestionProperties.IngestionReportLevel;
import com.microsoft.azure.kusto.ingest.IngestionProperties.IngestionReportMethod;
import com.microsoft.azure.kusto.ingest.result.IngestionResult;
import com.microsoft.azure.kusto.ingest.result.IngestionStatus;
import com.microsoft.azure.kusto.ingest.result.OperationStatus;
import com.microsoft.azure.kusto.ingest.source.StreamSourceInfo;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * Polls the status table to its end, as the Flink connector does, by a release of Microsoft's Java SDK that casts what it
 * reads: before 7.0.3 an id that is not Edm.Guid ends the poll. A line for each check, and a line of JSON at the end.
 */
public final class StatusTable {
  private static final String DATABASE = "demo";

  private interface Check {
    void run() throws Exception;
  }

  private final List<String> passed = new ArrayList<>();
  private final Map<String, String> failed = new LinkedHashMap<>();
  private final Client data;
  private final IngestClient queued;

  private StatusTable() throws Exception {
    data = ClientFactory.createClient(connection());
    queued = IngestClientFactory.createClient(connection());
  }

  /** It must say localhost: see Conformance.java. */
  private static ConnectionStringBuilder connection() {
    return new ConnectionStringBuilder("Data Source=" + System.getenv("MILLRACE_CLUSTER").replace("127.0.0.1", "localhost"));
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
    if (!expected.equals(found)) throw new AssertionError("expected " + expected + ", found " + found);
  }

  private IngestionResult send(String table, IngestionReportMethod method, UUID id) throws Exception {
    IngestionProperties properties = new IngestionProperties(DATABASE, table);
    properties.setDataFormat(DataFormat.CSV);
    properties.setReportLevel(IngestionReportLevel.FAILURES_AND_SUCCESSES);
    properties.setReportMethod(method);
    StreamSourceInfo source = new StreamSourceInfo(new ByteArrayInputStream("x,1\n".getBytes(StandardCharsets.UTF_8)));
    source.setSourceId(id);
    return queued.ingestFromStream(source, properties);
  }

  private static IngestionStatus end(IngestionResult result) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (true) {
      IngestionStatus status = result.getIngestionStatusCollection().get(0);
      if (status.status != OperationStatus.Pending) return status;
      if (System.nanoTime() > end) throw new AssertionError("still pending after 30 s");
      Thread.sleep(20);
    }
  }

  private int run() throws Exception {
    data.executeMgmt(DATABASE, ".create table StatusPolled (a:string, b:long)");
    for (IngestionReportMethod method : List.of(IngestionReportMethod.TABLE, IngestionReportMethod.QUEUE_AND_TABLE)) {
      check("status by " + method + ": success", () -> {
        UUID id = UUID.randomUUID();
        IngestionStatus status = end(send("StatusPolled", method, id));
        equal(status.status, OperationStatus.Succeeded);
        equal(status.getIngestionSourceId(), id);
        if (status.getOperationId() == null || status.getActivityId() == null || status.getUpdatedOn() == null)
          throw new AssertionError("an id or a time is missing");
      });
      check("status by " + method + ": failure", () -> {
        UUID id = UUID.randomUUID();
        IngestionStatus status = end(send("NoSuchTable", method, id));
        equal(status.status, OperationStatus.Failed);
        equal(status.getIngestionSourceId(), id);
        equal(status.getErrorCode(), "BadRequest_TableNotExist");
        equal(status.getFailureStatus(), "Permanent");
      });
    }
    queued.close();
    String file = IngestClient.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("sdk", "java");
    report.put("library", file.substring(file.lastIndexOf('/') + 1));
    report.put("passed", passed.size());
    report.put("failed", failed);
    System.out.println(new ObjectMapper().writeValueAsString(report));
    return failed.isEmpty() ? 0 : 1;
  }

  public static void main(String[] arguments) throws Exception {
    // Threads of the HTTP client would keep the process.
    System.exit(new StatusTable().run());
  }
}
