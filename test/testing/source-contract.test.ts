import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { files } from "../../src/source/files.ts";
import { iterable } from "../../src/source/iterable.ts";
import type { Source } from "../../src/source/source.ts";
import { stdin } from "../../src/source/stdin.ts";
import { type SourceUnderTest, sourceContract } from "../../src/testing/index.ts";
import { asyncMap } from "../../src/transform/async-map.ts";
import { filter } from "../../src/transform/filter.ts";
import { flatMap } from "../../src/transform/flat-map.ts";
import { map } from "../../src/transform/map.ts";
import { BrokerSource, broker } from "../broker.ts";
import { folderFor } from "./folder.ts";
import { keyOf as keyOfMessage, QueueSource, queue } from "./queue.ts";
import { type Event, keyOf as keyOfEvent, type TopicOptions, TopicSource, topic } from "./topic.ts";

type Row = Record<string, unknown>;

/** Files of several slices each, one of them packed, with lines that are no records. */
function someFiles(t: TestContext) {
  const folder = folderFor(t);
  const in_ = join(folder, "in");
  mkdirSync(in_);
  const keys: string[] = [];
  const lines: string[] = [];
  const put = (line: (n: number) => string) => {
    const n = keys.length;
    keys.push(String(n));
    return line(n);
  };
  for (const [file, format] of [
    ["a.ndjson", "ndjson"],
    ["b.csv", "csv"],
    ["c.ndjson.gz", "ndjson"],
    ["d.ndjson", "ndjson"],
  ] as const) {
    const rows = Array.from({ length: 700 }, (_, i) =>
      i % 90 === 5 && format === "ndjson"
        ? "{no record"
        : put((n) => (format === "csv" ? `${n},"a\nb"` : `{"n":"${n}","ümläut":"漢字"}`)),
    );
    if (format === "csv") rows.unshift("n,text");
    lines.push(...rows.filter((row) => row === "{no record"));
    const text = `${rows.join("\n")}\n`;
    writeFileSync(join(in_, file), file.endsWith(".gz") ? gzipSync(text) : text);
  }
  return {
    keys,
    refused: lines.length,
    pattern: join(in_, "*"),
    put() {
      const line = put((n) => `{"n":"${n}"}\n`);
      writeFileSync(join(in_, "d.ndjson"), line, { flag: "a" });
      return keys.at(-1)!;
    },
  };
}

function overFiles(read: (pattern: string) => Source<Row>) {
  return (t: TestContext): SourceUnderTest<Row> => {
    const { keys, refused, pattern, put } = someFiles(t);
    return { source: () => read(pattern), keys, keyOf: ({ n }) => String(n), refused, put };
  };
}

const source = (pattern: string) => files(pattern, { onNotice: () => {} }) as Source<Row>;
/** Many files are read for each trial. */
const few = { trials: 6 };

sourceContract("files()", overFiles(source), few);
sourceContract(
  "map(files())",
  overFiles((pattern) => map(source(pattern), (row) => ({ ...row }))),
  few,
);
sourceContract(
  "filter(files())",
  (t) => {
    const made = overFiles((pattern) => filter(source(pattern), ({ n }) => Number(n) % 3 > 0))(t);
    // What is added is kept by the filter.
    const put = () => {
      let key: string;
      do key = made.put!() as string;
      while (Number(key) % 3 === 0);
      return key;
    };
    return { ...made, keys: made.keys.filter((n) => Number(n) % 3 > 0), put };
  },
  few,
);
sourceContract(
  "flatMap(files())",
  (t) => {
    const made = overFiles((pattern) =>
      flatMap(source(pattern), ({ n }) => (Number(n) % 2 === 0 ? [{ n: `${n}a` }, { n: `${n}b` }] : [])),
    )(t);
    const { put: _put, ...rest } = made;
    return { ...rest, keys: made.keys.flatMap((n) => (Number(n) % 2 === 0 ? [`${n}a`, `${n}b`] : [])) };
  },
  few,
);
sourceContract(
  "asyncMap(files())",
  overFiles((pattern) =>
    asyncMap(source(pattern), async (row) => {
      if (Number(row.n) % 5 === 0) await new Promise(setImmediate);
      return row;
    }),
  ),
  few,
);

function records(count: number) {
  const keys = Array.from({ length: count }, (_, n) => `record ${n}`);
  return { keys, keyOf: (record: string) => record };
}

sourceContract("iterable() over an array", () => {
  const { keys, keyOf } = records(3_000);
  return { source: () => iterable(keys), keys, keyOf };
});

sourceContract("iterable() over a generator", () => {
  const { keys, keyOf } = records(3_000);
  let taken = 0;
  function* all() {
    for (const key of keys) {
      taken++;
      yield key;
    }
  }
  return { source: () => iterable(all()), keys, keyOf, taken: () => taken };
});

sourceContract("iterable() over an async generator that waits", () => {
  const { keys, keyOf } = records(300);
  let wake = () => {};
  let isBroken = false;
  async function* all() {
    for (let n = 0; ; n++) {
      while (n >= keys.length && !isBroken)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (isBroken) throw new Error("the connection broke");
      if (n % 7 === 0) await new Promise(setImmediate);
      yield keys[n]!;
    }
  }
  return {
    ...{ source: () => iterable(all()), keys, keyOf, isLive: true },
    put() {
      const key = `record ${keys.length}`;
      keys.push(key);
      wake();
      return key;
    },
    interrupt() {
      isBroken = true;
      wake();
    },
  };
});

sourceContract("stdin()", (t) => {
  const stream = new PassThrough();
  t.after(() => stream.destroy());
  const keys: string[] = [];
  function put(): string {
    const n = keys.length;
    stream.write(`{"n":${n},"text":"${"x".repeat(200)}"}\n`);
    keys.push(String(n));
    return keys[n]!;
  }
  for (let n = 0; n < 2_000; n++) put();
  const interrupt = () => stream.destroy(new Error("the connection broke"));
  const made = () => stdin({ stream, format: "ndjson" }) as Source<Row>;
  return { source: made, keys, keyOf: ({ n }) => String(n), isLive: true, put, interrupt };
});

sourceContract("the broker of these tests", () => {
  const of = broker(40);
  return {
    source: () => new BrokerSource(of),
    keys: Array.from({ length: 40 }, (_, n) => String(n)),
    keyOf: ({ n }) => String(n),
    broker: { leaseMs: 1_000, elapse: (ms) => ms > 1_000 && of.expire(), ready: () => of.visible },
  };
});

for (const isLive of [false, true])
  sourceContract(`a queue${isLive ? " that is polled for ever" : ""}`, () => {
    const of = queue();
    const { keys, put } = of;
    return { source: () => new QueueSource(of, isLive), keys, put, keyOf: keyOfMessage, isLive, broker: of };
  });

const transforms: Readonly<Record<string, (source: Source<Event>) => Source<Event>>> = {
  "": (source) => source,
  "map() of ": (source) => map(source, (event) => event),
  "asyncMap() of ": (source) =>
    asyncMap(source, async (event) => {
      if (event.n % 5 === 0) await new Promise(setImmediate);
      return event;
    }),
};

for (const [name, options] of Object.entries<TopicOptions>({
  "a topic": {},
  "a topic that is tailed": { isLive: true },
  "a topic that a group shares": { isLive: true, isGroup: true },
}))
  for (const [transform, over] of Object.entries(transforms))
    sourceContract(`${transform}${name}`, () => {
      const of = topic();
      const { keys, put } = of;
      return {
        source: () => over(new TopicSource(of, options)),
        ...{ keys, put, keyOf: keyOfEvent, interrupt: () => of.interrupt(), ...options },
      };
    });
