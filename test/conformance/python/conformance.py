"""What Microsoft's Python SDK does against the emulator: a line for each check, and a line of JSON at the end.

MILLRACE_CLUSTER is the address of the emulator, MILLRACE_FILES a folder for files.
"""

import asyncio
import gzip
import io
import json
import os
import time
import traceback
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

import pandas
from azure.kusto.data import ClientRequestProperties, KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.aio import KustoClient as AsyncKustoClient
from azure.kusto.data.data_format import DataFormat
from azure.kusto.data.exceptions import KustoApiError, KustoServiceError
from azure.kusto.data.helpers import dataframe_from_result_table
from azure.kusto.ingest import (
    BlobDescriptor,
    ColumnMapping,
    FileDescriptor,
    IngestionProperties,
    KustoStreamingIngestClient,
    ManagedStreamingIngestClient,
    QueuedIngestClient,
    ReportLevel,
    StreamDescriptor,
    ValidationImplications,
    ValidationOptions,
    ValidationPolicy,
)
from azure.kusto.ingest.base_ingest_client import IngestionStatus
from azure.kusto.ingest.ingestion_properties import TransformationMethod
from azure.kusto.ingest.status import KustoIngestStatusQueues
from azure.storage.blob import BlobClient

CLUSTER = os.environ["MILLRACE_CLUSTER"]
FILES = Path(os.environ["MILLRACE_FILES"])
DATABASE = "demo"

# The connection string a user would write: the address and nothing else.
data = KustoClient(KustoConnectionStringBuilder(CLUSTER))
queued = QueuedIngestClient(KustoConnectionStringBuilder(CLUSTER))
streaming = KustoStreamingIngestClient(KustoConnectionStringBuilder(CLUSTER))
managed = ManagedStreamingIngestClient(KustoConnectionStringBuilder(CLUSTER), KustoConnectionStringBuilder(CLUSTER))

checks = []


def check(name):
    def add(function):
        checks.append((name, function))
        return function

    return add


def equal(found, expected):
    assert found == expected, f"expected {expected!r}, found {found!r}"


def rows(text):
    return [row.to_list() for row in data.execute(DATABASE, text).primary_results[0]]


def until(get, is_there, seconds=30):
    end = time.monotonic() + seconds
    while True:
        found = get()
        if is_there(found):
            return found
        assert time.monotonic() < end, f"waited {seconds} s in vain; last seen: {found!r}"
        time.sleep(0.02)


def fresh(table, columns="a:string, b:long"):
    data.execute_mgmt(DATABASE, f".create table {table} ({columns})")
    return table


def landed(table, count):
    until(lambda: rows(f"{table} | count")[0][0], lambda found: found >= count)
    return rows(f"{table} | sort by b asc")


def properties(table, data_format=DataFormat.CSV, **more):
    return IngestionProperties(DATABASE, table, data_format, **more)


def file(name, content):
    path = FILES / name
    path.write_bytes(content)
    return str(path)


def upload(name, content):
    """Into one of the emulator's own containers; gives the URL with its SAS."""
    resources = rows(".get ingestion resources")
    container = next(root for kind, root in resources if kind == "TempStorage")
    address, sas = container.split("?")
    url = f"{address}/{name}?{sas}"
    BlobClient.from_blob_url(url).upload_blob(content)
    return url


# Queries and commands


@check("query: all ten types")
def _():
    row = data.execute_query(
        DATABASE,
        "print s='a \"q\" \U0001f600', b=true, i=int(-5), l=9223372036854775807, r=1.5, t=datetime(2020-02-29T23:59:59.1234567Z),"
        " g=-(1d + 2h + 3m + 4.5s), u=guid(74be27de-1e4e-49d9-b579-fe0b331d3642), m=decimal(12345678901234567.89),"
        " d=dynamic({'x':[1,2.5,null]})",
    ).primary_results[0]
    equal(
        row[0].to_list(),
        [
            'a "q" \U0001f600',
            True,
            -5,
            2**63 - 1,
            1.5,
            # Python's datetime holds microseconds.
            datetime(2020, 2, 29, 23, 59, 59, 123456, timezone.utc),
            -timedelta(days=1, hours=2, minutes=3, seconds=4.5),
            "74be27de-1e4e-49d9-b579-fe0b331d3642",
            Decimal("12345678901234567.89"),
            {"x": [1, 2.5, None]},
        ],
    )
    equal(
        [column.column_type for column in row.columns],
        ["string", "bool", "int", "long", "real", "datetime", "timespan", "guid", "decimal", "dynamic"],
    )


@check("query: nulls of all types")
def _():
    found = rows(
        "print s='', b=bool(null), i=int(null), l=long(null), r=real(null), t=datetime(null), g=timespan(null),"
        " u=guid(null), m=decimal(null), d=dynamic(null)"
    )
    equal(found, [["", *[None] * 9]])


@check("query: NaN and the infinities")
def _():
    equal(rows("print real(nan), real(+inf), real(-inf)"), [["NaN", "Infinity", "-Infinity"]])


@check("query: parameters, options and a request id")
def _():
    request = ClientRequestProperties()
    request.client_request_id = "millrace.python;1"
    request.application = "conformance"
    request.set_option(ClientRequestProperties.request_timeout_option_name, timedelta(minutes=1))
    request.set_option("results_progressive_enabled", False)
    request.set_parameter("n", "long(41)")
    request.set_parameter("m", "41")
    request.set_parameter("who", "it's")
    request.set_parameter("at", "datetime(2020-01-01)")
    text = "declare query_parameters(n:long, m:long, who:string, at:datetime, g:timespan = 1h); print n + m, who, at + g"
    answer = data.execute_query(DATABASE, text, request)
    equal(answer.primary_results[0][0].to_list(), [82, "it's", datetime(2020, 1, 1, 1, tzinfo=timezone.utc)])
    completion = next(table for table in answer.tables if table.table_kind == "QueryCompletionInformation")
    equal(completion[0]["ClientRequestId"], "millrace.python;1")
    equal(answer.errors_count, 0)


@check("query: read as a stream")
def _():
    answer = data.execute_streaming_query(DATABASE, "range n from 1 to 3 step 1 | extend t = n * 1s")
    table = next(answer.iter_primary_results())
    equal([row.to_list() for row in table], [[n, timedelta(seconds=n)] for n in (1, 2, 3)])
    for _ in answer:
        pass
    equal(answer.errors_count, 0)


@check("query: into a data frame")
def _():
    table = data.execute_query(
        DATABASE, "datatable(s:string, l:long, r:real, t:datetime, g:timespan) ['x', 1, 2.5, datetime(2020-01-01), time(1.02:03:04.5)]"
    ).primary_results[0]
    frame = dataframe_from_result_table(table)
    equal(list(frame.columns), ["s", "l", "r", "t", "g"])
    equal(frame["t"][0], pandas.Timestamp("2020-01-01", tz="UTC"))
    equal(frame["g"][0], pandas.Timedelta("1 days 02:03:04.5"))
    equal(float(frame["r"].sum() + frame["l"].sum()), 3.5)


@check("query: by the asynchronous client")
def _():
    async def ask():
        async with AsyncKustoClient(KustoConnectionStringBuilder(CLUSTER)) as client:
            query, command = await asyncio.gather(
                client.execute(DATABASE, "print 1"), client.execute(DATABASE, ".show databases | project DatabaseName")
            )
            return query.primary_results[0][0][0], [row[0] for row in command.primary_results[0]]

    one, databases = asyncio.run(ask())
    equal(one, 1)
    assert DATABASE in databases, databases


@check("query: what cannot be read is a semantic error")
def _():
    try:
        data.execute_query(DATABASE, "print nope")
    except KustoApiError as error:
        assert error.is_semantic_error(), error
        assert error.get_api_error().permanent is True, error.get_api_error()
        assert error.http_response.status_code == 400
        return
    raise AssertionError("it was answered")


@check("command: of the engine and of data management")
def _():
    equal([row["ServiceType"] for row in data.execute_mgmt(DATABASE, ".show version").primary_results[0]], ["Engine"])
    kinds = {kind for kind, _ in rows(".get ingestion resources")}
    assert {"SecuredReadyForAggregationQueue", "TempStorage", "IngestionsStatusTable"} <= kinds, kinds
    equal(len(rows(".get kusto identity token")), 1)


@check("command: a refusal has a code")
def _():
    try:
        data.execute_mgmt(DATABASE, ".show table NoSuchTable details")
    except KustoApiError as error:
        assert error.get_api_error().code, error.get_api_error()
        assert "NoSuchTable" in str(error), error
        return
    raise AssertionError("it was answered")


# Queued ingestion


@check("queued: a file, a packed file, a stream, a packed stream, a blob")
def _():
    table = fresh("Queued")
    queued.ingest_from_file(file("rows.csv", b"file,1\n"), properties(table))
    queued.ingest_from_file(FileDescriptor(file("rows.csv.gz", gzip.compress(b"packed file,2\n"))), properties(table))
    queued.ingest_from_stream(io.BytesIO(b"stream,3\n"), properties(table))
    queued.ingest_from_stream(StreamDescriptor(io.BytesIO(gzip.compress(b"packed stream,4\n")), is_compressed=True), properties(table))
    result = queued.ingest_from_blob(BlobDescriptor(upload("python/ünï.csv", b"blob,5\n"), 7), properties(table))
    equal(result.status, IngestionStatus.QUEUED)
    equal(landed(table, 5), [["file", 1], ["packed file", 2], ["stream", 3], ["packed stream", 4], ["blob", 5]])


@check("queued: a data frame, as JSON and as CSV")
def _():
    table = fresh("Frames", "a:string, b:long, t:datetime")
    when = pandas.Timestamp("2020-01-02T03:04:05.678Z")
    frame = pandas.DataFrame({"a": ['x, "y"', None], "b": [1, 2], "t": [when, when]})
    queued.ingest_from_dataframe(frame, properties(table))
    queued.ingest_from_dataframe(frame.assign(b=[3, 4]), properties(table), DataFormat.CSV)
    at = datetime(2020, 1, 2, 3, 4, 5, 678000, timezone.utc)
    equal(landed(table, 4), [['x, "y"', 1, at], ["", 2, at], ['x, "y"', 3, at], ["", 4, at]])


@check("queued: parquet")
def _():
    table = fresh("Parquet", "a:string, b:long, r:real, t:datetime")
    when = pandas.Timestamp("2020-01-02T03:04:05.678901")
    path = str(FILES / "rows.parquet")
    pandas.DataFrame({"b": [1, 2], "a": ["x", None], "r": [1.5, float("nan")], "t": [when, when]}).to_parquet(path)
    queued.ingest_from_file(path, properties(table, DataFormat.PARQUET))
    queued.ingest_from_file(
        path,
        properties(
            table,
            DataFormat.PARQUET,
            column_mappings=[ColumnMapping("a", "string", path="$.b"), ColumnMapping("b", "long", const_value="3")],
        ),
    )
    at = datetime(2020, 1, 2, 3, 4, 5, 678901, timezone.utc)
    found = landed(table, 4)
    equal(found[0], ["x", 1, 1.5, at])
    equal([row[0] for row in found[1:]], ["", "1", "2"])


@check("queued: JSON, without a mapping, by an inline one, by reference")
def _():
    table = fresh("Json", "a:string, b:long, c:dynamic")
    send = lambda text, **more: queued.ingest_from_stream(io.BytesIO(text), properties(table, DataFormat.MULTIJSON, **more))
    send(b'[{"a":"array","b":1,"c":{"x":[1]}}]')
    send(
        b'{"v":{"the b":2},"at":1577836800}',
        column_mappings=[
            ColumnMapping("b", "long", path="$.v['the b']"),
            ColumnMapping("a", "string", path="$.at", transform=TransformationMethod.DATE_TIME_FROM_UNIX_SECONDS),
            ColumnMapping("c", "dynamic", const_value="7"),
        ],
    )
    data.execute_mgmt(DATABASE, f""".create table {table} ingestion json mapping "ref" '[{{"column":"b","Properties":{{"Path":"$.n"}}}}]'""")
    send(b'{"n":3}', ingestion_mapping_reference="ref")
    found = landed(table, 3)
    equal(found[0], ["array", 1, {"x": [1]}])
    equal(found[1][1:], [2, 7])
    assert found[1][0].startswith("2020-01-01"), found[1]
    equal(found[2], ["", 3, None])


@check("queued: CSV by ordinals, a header left out, tabs")
def _():
    table = fresh("Csv", "a:string, b:long, c:string")
    queued.ingest_from_stream(
        io.BytesIO(b"b,a\n1,first\n"),
        properties(
            table,
            ignore_first_record=True,
            column_mappings=[
                ColumnMapping("a", "string", ordinal=1),
                ColumnMapping("b", "long", ordinal=0),
                ColumnMapping("c", "string", const_value="const"),
            ],
        ),
    )
    queued.ingest_from_stream(io.BytesIO(b"second\t2\tc\n"), properties(table, DataFormat.TSV))
    equal(landed(table, 2), [["first", 1, "const"], ["second", 2, "c"]])


@check("queued: tags, and ingestIfNotExists skips")
def _():
    table = fresh("Tagged")

    def once():
        return properties(
            table,
            additional_tags=["plain"],
            drop_by_tags=["day"],
            ingest_by_tags=["batch-1"],
            ingest_if_not_exists=["batch-1"],
            flush_immediately=True,
        )

    queued.ingest_from_stream(io.BytesIO(b"x,1\n"), once())
    landed(table, 1)
    queued.ingest_from_stream(io.BytesIO(b"x,1\n"), once())
    skipped = f".show ingestion failures | where Table == '{table}' | project ErrorCode"
    until(lambda: rows(skipped), lambda found: found == [["Skipped_IngestByTagAlreadyExists"]])
    equal(rows(f".show table {table} extents | project RowCount"), [[1]])
    tags = rows(f".show table {table} extents | project Tags")[0][0].split()
    equal(sorted(tags), ["drop-by:day", "ingest-by:batch-1", "plain"])


@check("queued: a validation policy")
def _():
    table = fresh("Validated")
    policy = ValidationPolicy(ValidationOptions.ValidateCsvInputConstantColumns, ValidationImplications.Fail)
    queued.ingest_from_stream(io.BytesIO(b"x,1\ny\n"), properties(table, validation_policy=policy, report_level=ReportLevel.FailuresOnly))
    failed = f".show ingestion failures | where Table == '{table}' | project ErrorCode"
    until(lambda: rows(failed), lambda found: found == [["Stream_WrongNumberOfFields"]])


@check("queued: status queues, success and failure")
def _():
    table = fresh("Reported")
    good, bad = uuid.uuid4(), uuid.uuid4()
    url = upload("python/reported.csv", b"x,1\n")
    report = ReportLevel.FailuresAndSuccesses
    queued.ingest_from_blob(BlobDescriptor(url, 4, good), properties(table, report_level=report))
    queued.ingest_from_blob(BlobDescriptor(url, 4, bad), properties("NoSuchTable", report_level=report))
    queues = KustoIngestStatusQueues(queued)

    def told(queue, id):
        # Other checks fail ingestions on purpose, and the queue is everybody's. With fewer than there are, the client
        # leaves messages hidden for half a minute.
        ours = lambda: [message for message in queue.pop(20) if message.IngestionSourceId == str(id)]
        return until(ours, lambda found: found)[0]

    until(lambda: queues.success.is_empty(), lambda is_empty: not is_empty)
    equal(queues.success.peek(1)[0].Table, table)
    success = told(queues.success, good)
    equal((success.Database, success.Table), (DATABASE, table))
    failure = told(queues.failure, bad)
    equal((failure.ErrorCode, failure.FailureStatus, failure.ShouldRetry), ("BadRequest_TableNotExist", "Permanent", False))


# Streaming ingestion


@check("streaming: a file, a stream, a packed stream, a data frame, a blob")
def _():
    table = fresh("Streamed")
    result = streaming.ingest_from_file(file("streamed.csv", b"file,1\n"), properties(table))
    equal(result.status, IngestionStatus.SUCCESS)
    equal(len(rows(table)), 1)
    streaming.ingest_from_stream(io.BytesIO(b"stream,2\n"), properties(table))
    streaming.ingest_from_stream(StreamDescriptor(io.BytesIO(gzip.compress(b"packed,3\n")), is_compressed=True), properties(table))
    streaming.ingest_from_dataframe(pandas.DataFrame({"a": ["frame"], "b": [4]}), properties(table))
    streaming.ingest_from_blob(BlobDescriptor(upload("python/streamed.csv", b"blob,5\n")), properties(table))
    equal(rows(f"{table} | sort by b asc"), [["file", 1], ["stream", 2], ["packed", 3], ["frame", 4], ["blob", 5]])


@check("streaming: JSON by a mapping's name")
def _():
    table = fresh("StreamedJson")
    data.execute_mgmt(DATABASE, f""".create table {table} ingestion json mapping "ref" '[{{"column":"b","Properties":{{"Path":"$.n"}}}}]'""")
    streaming.ingest_from_stream(io.BytesIO(b'{"n":1}\n{"n":2}\n'), properties(table, DataFormat.JSON, ingestion_mapping_reference="ref"))
    equal(rows(f"{table} | sort by b asc"), [["", 1], ["", 2]])


@check("streaming: into nothing is a permanent error")
def _():
    try:
        streaming.ingest_from_stream(io.BytesIO(b"x,1\n"), properties("NoSuchTable"))
    except KustoApiError as error:
        equal((error.get_api_error().code, error.get_api_error().permanent), ("BadRequest_TableNotExist", True))
        return
    raise AssertionError("it was answered")


@check("managed: a stream and a file are streamed, a blob too")
def _():
    table = fresh("Managed")
    equal(managed.ingest_from_stream(io.BytesIO(b"stream,1\n"), properties(table)).status, IngestionStatus.SUCCESS)
    equal(managed.ingest_from_file(file("managed.csv", b"file,2\n"), properties(table)).status, IngestionStatus.SUCCESS)
    blob = BlobDescriptor(upload("python/managed.csv", b"blob,3\n"))
    equal(managed.ingest_from_blob(blob, properties(table)).status, IngestionStatus.SUCCESS)
    equal(rows(f"{table} | sort by b asc"), [["stream", 1], ["file", 2], ["blob", 3]])


@check("managed: what is too large is queued")
def _():
    table = fresh("Large")
    # Random digits: the client compares the packed size with its limit.
    text = "".join(f"{uuid.uuid4()}{uuid.uuid4()},{n}\n" for n in range(120_000))
    equal(managed.ingest_from_stream(io.BytesIO(text.encode()), properties(table)).status, IngestionStatus.QUEUED)
    until(lambda: rows(f"{table} | summarize count(), max(b)"), lambda found: found == [[120_000, 119_999]])


@check("managed: what cannot be streamed is tried again, and then queued")
def _():
    table = fresh("Unstreamable")
    equal(managed.ingest_from_stream(io.BytesIO(b"x,1\n"), properties(table)).status, IngestionStatus.QUEUED)
    equal(landed(table, 1), [["x", 1]])


def run():
    passed, failed = [], {}
    for name, function in checks:
        try:
            function()
            passed.append(name)
            print(f"pass  {name}", flush=True)
        except Exception as error:  # A check that fails must not end the others.
            failed[name] = f"{type(error).__name__}: {error}"
            print(f"FAIL  {name}\n{traceback.format_exc()}", flush=True)
    for client in (data, queued, streaming, managed):
        client.close()
    versions = {name: version(name) for name in ("azure-kusto-data", "azure-kusto-ingest")}
    print(f"{len(passed)} of {len(checks)} pass: {', '.join(f'{name} {number}' for name, number in versions.items())}")
    print(json.dumps({"sdk": "python", "versions": versions, "passed": len(passed), "failed": failed}))
    return 1 if failed else 0


raise SystemExit(run())
