import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as connector from "../src/connector.ts";
import * as emulator from "../src/emulator/index.ts";
import { MillraceError } from "../src/errors.ts";
import * as millrace from "../src/index.ts";
import * as forKusto from "../src/kusto.ts";
import * as telemetry from "../src/telemetry/index.ts";
import * as testing from "../src/testing/index.ts";

// Every exported function, called with what is none of its arguments, says so by name. A new export is called, too: with one
// argument, until the table below says what it takes.

const folder = mkdtempSync(join(tmpdir(), "millrace-exports-"));
after(() => rmSync(folder, { recursive: true }));

const odd: Readonly<Record<string, unknown>> = {
  null: null,
  undefined: undefined,
  "a number": 7,
  "not a number": Number.NaN,
  "a bigint": 7n,
  "a boolean": true,
  "a text": "a text",
  "an empty text": "",
  "a path with a NUL": "a\0b",
  "a symbol": Symbol("s"),
  "a function": () => {},
  "an array": [],
  "an array of null": [null],
  "an empty object": {},
  "an object with an unknown option": { optoin: 1 },
  "an object without a prototype": Object.create(null),
};

interface Argument {
  /** What the others are while this one is odd. */
  readonly good: unknown;
  /** The odd values that it takes. */
  readonly takes?: readonly (keyof typeof odd)[];
}

const readings = millrace.table("Readings", { id: millrace.k.long() });
const optional = ["undefined"];
const options = ["undefined", "an empty object", "an object without a prototype"];
const texts = ["a text", "an empty text", "a path with a NUL"];
const aTable: Argument = { good: readings };
const text: Argument = { good: "text", takes: texts };

const aContract: readonly Argument[] = [
  { good: "name", takes: texts },
  { good: () => ({}), takes: ["a function"] },
  { good: {}, takes: options },
];
/** `undefined`: it takes no argument. */
const argumentsOf: Readonly<Record<string, readonly Argument[]>> = {
  checkTarget: [{ good: undefined }],
  coerce: [aTable, { good: "json" }, { good: {}, takes: options }],
  createMergeTableCommand: [aTable],
  createOrAlterMappingCommand: [aTable, { good: "csv" }, text],
  fileDeadLetter: [{ good: join(folder, "letters"), takes: ["a text"] }],
  filesDestination: [
    { good: "out", takes: ["a text"] },
    { good: undefined, takes: options },
  ],
  fileState: [{ good: join(folder, "state"), takes: ["a text"] }],
  files: [
    { good: "a.csv", takes: ["a text"] },
    { good: {}, takes: options },
  ],
  inferTable: [text, { good: [{ a: 1 }] }, { good: {}, takes: options }],
  ingestionMapping: [aTable, { good: "json" }],
  inspectLog: [
    { good: folder, takes: ["a text"] },
    { good: undefined, takes: optional },
  ],
  inspectState: [{ good: folder }, { good: undefined, takes: optional }],
  iterable: [
    { good: [], takes: ["an array", "an array of null"] },
    { good: "name", takes: [...texts, "undefined"] },
  ],
  kusto: [{ good: undefined }],
  kustoAdmin: [
    { good: { cluster: "http://127.0.0.1:1", database: "db" } },
    { good: undefined, takes: optional },
    { good: { retryTimeoutMs: 0 }, takes: options },
  ],
  memory: [{ good: {}, takes: options }],
  memoryDeadLetter: [{ good: 1, takes: ["undefined", "a number"] }],
  memoryState: [],
  nowhere: [{ good: {}, takes: options }],
  open: [{ good: undefined }],
  rawJson: [{ good: "1", takes: texts }],
  readFaultScenario: [{ good: "a.json" }],
  recordsOf: [aTable, { good: undefined }],
  rowsOf: [{ good: undefined }],
  readSchema: [{ good: "a:int" }, text],
  run: [{ good: undefined }],
  socket: [{ good: { host: "a", port: 1 } }],
  startEmulator: [{ good: undefined, takes: options }],
  startInference: [{ good: {}, takes: options }],
  stdin: [{ good: {}, takes: options }],
  stdout: [{ good: {}, takes: options }],
  destinationContract: aContract,
  sourceContract: aContract,
  stateBackendContract: aContract,
  table: [{ good: "T", takes: ["a text"] }, { good: { id: millrace.k.long() } }],
  tableOf: [{ good: "T", takes: ["a text"] }, { good: [{ name: "id", kind: "long", isOptional: false }] }],
  writeSchemaJson: [aTable, { good: [], takes: ["undefined", "an array"] }],
  writeSchemaKql: [aTable],
  // Classes: what their builders are given is tried below.
  KustoConnectionOptions: [],
  KustoWriteOptions: [],
  KustoWriteSink: [],
  MillraceError: [],
};

/** What a call throws, or its promise rejects with; it ends in bounded time. */
async function failureOf(act: () => unknown): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise((resolve) => {
    timer = setTimeout(() => resolve(new Error("it has not answered within a minute")), 60_000);
  });
  try {
    return await Promise.race([(async () => void (await act()))(), never]);
  } catch (error) {
    return error;
  } finally {
    clearTimeout(timer);
  }
}

/** What a message may name in place of the function: the thing that an argument makes. */
const things: Readonly<Record<string, RegExp>> = {
  table: /^Table (T|name)/,
  tableOf: /^Table (T|name)/,
  inferTable: /^Table text cannot be inferred/,
  kustoAdmin: /^kusto\(\): /,
  readSchema: /^Schema /,
  readFaultScenario: /^The fault scenario /,
  inspectState: /holds no state/,
  startEmulator: /^Emulator option/,
};

async function assertRefused(name: string, act: () => unknown, what: string): Promise<void> {
  const error = await failureOf(act);
  assert.ok(error instanceof MillraceError, `${what}: ${error instanceof Error ? error.stack : String(error)}`);
  assert.match(error.code, /^(BAD_OPTION|BAD_SCHEMA|BAD_SOURCE)$/, `${what}: ${error.message}`);
  assert.ok(
    error.message.startsWith(`${name}()`) || things[name]?.test(error.message),
    `${what} does not name the function: ${error.message}`,
  );
}

const all: Readonly<Record<string, unknown>> = {
  ...millrace,
  ...forKusto,
  ...connector,
  ...telemetry,
  ...emulator,
  ...testing,
};
const exported = Object.entries(all).filter(([, value]) => typeof value === "function") as [
  string,
  (...given: unknown[]) => unknown,
][];

for (const [name, call] of exported)
  test(`${name}() refuses odd arguments by name`, async () => {
    const list = argumentsOf[name] ?? [{ good: undefined }];
    for (const [at, { takes = [] }] of list.entries())
      for (const [sort, value] of Object.entries(odd)) {
        if (takes.includes(sort)) continue;
        const given = list.map(({ good }, i) => (i === at ? value : good));
        await assertRefused(name, () => call(...given), `${name}() with ${sort} as argument ${at + 1}`);
      }
  });

test("the kinds of columns take no argument, and nothing else is exported that could be called", () => {
  for (const kind of millrace.kinds) assert.equal(millrace.k[kind]().kind, kind);
  const others = Object.entries({ ...millrace, ...forKusto, ...connector, ...telemetry, ...emulator }).filter(
    ([, value]) => typeof value !== "function",
  );
  for (const [name, value] of others)
    if (name !== "k" && typeof value === "object")
      for (const member of Object.values(value as object)) assert.notEqual(typeof member, "function", name);
});

const sound = {
  open: { table: readings, to: millrace.memory() },
  checkTarget: { table: readings, to: millrace.memory() },
  run: {
    from: millrace.iterable([]),
    into: { write: () => true, checkpoint: async () => {}, keepToCheckpoints() {}, stats: {} },
  },
  kusto: { cluster: "http://127.0.0.1:1", database: "db" },
  startEmulator: {},
};

/** Options that `undefined` leaves out, and what else they take of the odd values. */
const members: Readonly<Record<keyof typeof sound, Readonly<Record<string, readonly (keyof typeof odd)[]>>>> = {
  open: {
    table: [],
    to: [],
    batchSize: ["undefined", "a number"],
    format: optional,
    deadLetter: optional,
    state: optional,
    signal: optional,
    telemetry: options,
    job: ["undefined", "a text"],
    preset: optional,
    check: ["undefined", "a boolean"],
  },
  checkTarget: { table: texts, to: [], onItem: ["undefined", "a function"], signal: optional },
  run: {
    from: [],
    into: [],
    through: ["undefined", "a function"],
    onProgress: ["undefined", "a function"],
    signal: optional,
    stop: optional,
    positions: [...options, "an object with an unknown option"],
    checkpointMs: ["undefined", "a number"],
  },
  kusto: {
    cluster: [],
    database: ["a text", "a path with a NUL"],
    appKey: optional,
    token: ["undefined", "a text", "a function"],
    credential: optional,
    trustedHosts: ["undefined", "an array"],
    requestTimeoutMs: ["undefined", "a number"],
    ingestByTags: ["undefined", "an array"],
    commitMode: optional,
    flushImmediately: ["undefined", "a boolean"],
  },
  startEmulator: {
    data: [],
    port: [],
    databases: [],
    signal: [],
    security: [],
    node: [],
    batchingTimeMs: [],
  },
};

for (const [name, names] of Object.entries(members) as [keyof typeof sound, (typeof members)["open"]][])
  test(`${name}() refuses odd values of its options by name`, async () => {
    const call = all[name] as (given: object) => unknown;
    for (const [option, takes] of Object.entries(names))
      for (const [sort, value] of Object.entries(odd)) {
        if (takes.includes(sort)) continue;
        // What starts an emulator, makes a folder or leaves an option out is not tried.
        const isLeftOut = value === undefined && !(option in sound[name]);
        const isTaken =
          {
            data: texts.slice(0, 1),
            node: texts.slice(0, 1),
            port: ["a number"],
            batchingTimeMs: ["a number"],
            databases: ["an array"],
            security: options,
          }[option] ?? [];
        if (name === "startEmulator" && (isLeftOut || (isTaken as readonly string[]).includes(sort))) continue;
        await assertRefused(
          name,
          () => call({ ...sound[name], [option]: value }),
          `${name}() with ${sort} as ${option}`,
        );
      }
  });

test("files() and stdin() refuse odd values of their options by name", async () => {
  const names =
    "format path delimiter quote escape comment encoding header trim skipLines ragged maxRecordBytes final onChanged onNotice";
  const taken: Readonly<Record<string, readonly string[]>> = {
    path: ["a text", "a path with a NUL"],
    header: ["a boolean"],
    trim: ["a boolean"],
    final: ["a boolean"],
    skipLines: ["a number"],
    maxRecordBytes: ["a number"],
    onNotice: ["a function"],
  };
  for (const option of names.split(" "))
    for (const [sort, value] of Object.entries(odd)) {
      if (value === undefined || taken[option]?.includes(sort)) continue;
      await assertRefused("files", () => millrace.files("a", { [option]: value }), `files() with ${sort} as ${option}`);
      await assertRefused("stdin", () => millrace.stdin({ [option]: value }), `stdin() with ${sort} as ${option}`);
    }
});

test("the sink refuses odd arguments by name, and goes on", async () => {
  const to = millrace.memory();
  const sink = await millrace.open({ table: readings, to, parallelism: 0 });
  const call = sink as unknown as Record<string, (given: unknown) => unknown>;
  const takes: Readonly<Record<string, readonly (keyof typeof odd)[]>> = {
    write: [],
    writeRaw: texts,
    writeAll: ["an array", "an array of null"],
    reject: ["an empty object", "an object with an unknown option", "an object without a prototype"],
    checkpoint: options,
    writable: options,
    nodeWritable: options,
  };
  for (const [method, taken] of Object.entries(takes))
    for (const [sort, value] of Object.entries(odd)) {
      if (taken.includes(sort)) continue;
      const error = await failureOf(() => call[method]!(value));
      assert.ok(error instanceof MillraceError, `${method}() with ${sort}: ${String(error)}`);
      if (method !== "write") assert.equal(error.code, "BAD_OPTION", `${method}() with ${sort}`);
    }
  sink.write({ id: 1n });
  await sink.close();
  assert.equal(
    to.batches.reduce((sum, { rows }) => sum + rows, 0),
    1,
  );
});

test("the builders in the words of Flink's connector refuse odd arguments by name", async () => {
  const { KustoConnectionOptions, KustoWriteOptions, KustoWriteSink } = forKusto;
  const connection = KustoConnectionOptions.builder().setClusterUrl("http://127.0.0.1:1").build();
  const write = KustoWriteOptions.builder().withDatabase("db").withTable(readings).build();
  const acts: Readonly<Record<string, (value: never) => unknown>> = {
    setClusterUrl: (value) => KustoConnectionOptions.builder().setClusterUrl(value).build(),
    withDatabase: (value) => KustoWriteOptions.builder().withDatabase(value).withTable(readings).build(),
    withTable: (value) => KustoWriteOptions.builder().withDatabase("db").withTable(value).build(),
    setConnectionOptions: (value) => new KustoWriteSink().setConnectionOptions(value).setWriteOptions(write).build([]),
    setWriteOptions: (value) => new KustoWriteSink().setConnectionOptions(connection).setWriteOptions(value).build([]),
    build: (value) => new KustoWriteSink().setConnectionOptions(connection).setWriteOptions(write).build(value),
  };
  const takes: Readonly<Record<string, readonly string[]>> = {
    setClusterUrl: ["a text", "a path with a NUL"],
    withDatabase: ["a text", "a path with a NUL"],
    withTable: ["a text", "a path with a NUL"],
    build: ["an array", "an array of null"],
  };
  for (const [method, act] of Object.entries(acts))
    for (const [sort, value] of Object.entries(odd)) {
      if (takes[method]?.includes(sort)) continue;
      const error = await failureOf(() => act(value as never));
      assert.ok(
        error instanceof MillraceError,
        `${method}() with ${sort}: ${error instanceof Error ? error.stack : String(error)}`,
      );
      assert.equal(error.code, "BAD_OPTION");
    }
});
