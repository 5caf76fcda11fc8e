import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { version } from "../src/version.ts";
import { circlesOf, filesOf, type Import, importsOf, roomOf } from "./import-graph.ts";

/** The data flow, left to right. A room imports from rooms to its left, from schema/, and from the leaf files of src/. */
const flow = ["schema", "source", "transform", "encode", "batch", "log", "deliver", "destination", "connectors"];
/**
 * Rooms beside the flow and what they may see of it. checkpoint/ spans the flow from batch/ on. The rooms within emulator/
 * are those of test/emulator/architecture.test.ts.
 */
const beside: Record<string, readonly string[]> = {
  checkpoint: ["schema", "source", "encode", "batch", "log"],
  emulator: ["schema"],
  telemetry: ["batch", "deliver"],
  sink: [...flow, "checkpoint", "telemetry"],
  run: ["schema", "source", "transform", "deliver", "checkpoint", "sink"],
  cli: [...flow, "checkpoint", "emulator", "sink", "run"],
  testing: [...flow, "checkpoint", "sink", "run"],
};
/** Ports: the interface a room offers. Whoever is to its left may import the types, never a value. */
const ports = new Set([
  "destination/destination.ts",
  "checkpoint/state-backend.ts",
  "checkpoint/epoch.ts",
  "deliver/dead-letter.ts",
]);
/** Files that import each other, and the rest by type only: anyone may import them. The other files of src/ itself compose. */
const leaves = new Set([
  "arguments.ts",
  "errors.ts",
  "events.ts",
  "folders.ts",
  "options.ts",
  "option-names.ts",
  "streams.ts",
  "telemetry/telemetry-options.ts",
  "version.ts",
]);
/** These compose too: they stand on the public surface. */
const composers = new Set(["cli", "testing"]);

const src = "src";

/** Why the import is not allowed; undefined when it is. */
function objection({ from, to, isType }: Import): string | undefined {
  const here = roomOf(from);
  const there = roomOf(to);
  if (leaves.has(to)) return undefined;
  if (leaves.has(from)) return isType ? undefined : "a leaf file may import others by type only";
  if (here === "" || here === there) return undefined;
  if (there === "") return composers.has(here) ? undefined : "only files directly in src/ compose stages";
  if (ports.has(to) && isType) return undefined;
  const allowed = beside[here] ?? ["schema", ...flow.slice(0, flow.indexOf(here))];
  return allowed.includes(there) ? undefined : `${here}/ is not to the right of ${there}/`;
}

const files = filesOf(src);
const imports = files.flatMap((file) => importsOf(src, file));

test("every room of src/ has its place in the flow", () => {
  const rooms = new Set(files.map(roomOf).filter((room) => room !== ""));
  for (const room of rooms) assert.ok(flow.includes(room) || room in beside, `src/${room} is not in the architecture`);
});

test("imports follow the data flow, left to right", () => {
  assert.ok(imports.length > 40, "the pattern must find the imports");
  const backEdges = imports.flatMap((edge) => {
    const why = objection(edge);
    return why ? [`src/${edge.from} imports src/${edge.to}: ${why}`] : [];
  });
  assert.deepEqual(backEdges, []);
});

test("the imports of values that are read are those that a bundler finds", async () => {
  const entries = [
    "index.ts",
    "kusto.ts",
    "connector.ts",
    "telemetry/index.ts",
    "emulator/index.ts",
    "cli/main.ts",
    "batch/thread-entry.ts",
    "testing/index.ts",
    "testing/state-writer.ts",
  ];
  const { metafile } = await build({
    entryPoints: entries.map((entry) => join(src, entry)),
    ...{ bundle: true, packages: "external", platform: "node", format: "esm" },
    ...{ metafile: true, write: false, outdir: "nowhere", logLevel: "silent" },
  });
  const bundled = Object.entries(metafile.inputs).flatMap(([from, inputs]) =>
    inputs.imports
      .filter(({ external }) => !external)
      .map(({ path }) => `${relative(src, from)} ${relative(src, path)}`),
  );
  const read = imports.filter(({ isType }) => !isType).map(({ from, to }) => `${from} ${to}`);
  assert.deepEqual([...new Set(read)].sort(), [...new Set(bundled)].sort());
});

test("no connector imports another one", () => {
  const systemOf = (file: string) => /^connectors\/([^/]+)\//.exec(file)?.[1];
  const across = imports.filter(({ from, to }) => {
    const [here, there] = [systemOf(from), systemOf(to)];
    return here && there && here !== there;
  });
  assert.deepEqual(across, []);
  assert.ok(files.filter(systemOf).length > 50, "the pattern must find the connectors");
});

test("the check itself refuses a back edge", () => {
  assert.match(
    objection({ from: "encode/packer.ts", to: "batch/batcher.ts", isType: false }) ?? "",
    /not to the right/,
  );
  assert.match(objection({ from: "batch/batcher.ts", to: "open.ts", isType: false }) ?? "", /compose/);
  assert.match(objection({ from: "batch/batcher.ts", to: "sink/sink.ts", isType: false }) ?? "", /not to the right/);
  assert.match(
    objection({ from: "telemetry/metrics.ts", to: "sink/stats.ts", isType: true }) ?? "",
    /not to the right/,
  );
  assert.match(objection({ from: "options.ts", to: "telemetry/telemetry.ts", isType: false }) ?? "", /by type only/);
  assert.match(objection({ from: "deliver/deliverer.ts", to: "destination/memory.ts", isType: false }) ?? "", /right/);
  assert.equal(objection({ from: "deliver/deliverer.ts", to: "destination/destination.ts", isType: true }), undefined);
});

test("no files import each other in a circle but those of the emulator's KQL", () => {
  // Operators take queries as arguments, and queries are made of operators.
  const isKql = (file: string) => file.startsWith("emulator/kql/");
  assert.deepEqual(
    circlesOf(imports).filter((circle) => !circle.every(isKql)),
    [],
  );
  assert.equal(circlesOf(imports).length, 1, "another circle within emulator/kql/");
});

test("no files of assembly/ import each other in a circle", () => {
  const kernels = filesOf("assembly").flatMap((file) => importsOf("assembly", file));
  assert.ok(kernels.length > 100, "the pattern must find the imports");
  // AssemblyScript's imports name files without their ending.
  assert.deepEqual(circlesOf(kernels.map(({ from, to }) => ({ from: from.replace(/\.ts$/, ""), to }))), []);
});

test("WebAssembly is named in one file", () => {
  const naming = files.filter((file) => /\bWebAssembly\b/.test(withoutCommentsAndTexts(file)));
  assert.deepEqual(naming, ["encode/wasm.ts"]);
});

function withoutCommentsAndTexts(file: string): string {
  return readFileSync(join(src, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*|`[^`]*`|"[^"\n]*"/g, "");
}

test("nothing left of connectors/kusto knows the vendor's packages", () => {
  const allowed = /^(connectors\/kusto|emulator|cli)\//;
  const knowing = files.filter(
    (file) =>
      !allowed.test(file) &&
      /from "(@azure|azure-kusto)|import\("(@azure|azure-kusto)/.test(readFileSync(join(src, file), "utf8")),
  );
  assert.deepEqual(knowing, []);
});

test("the version in the code is the package's", () => {
  assert.equal(version, JSON.parse(readFileSync("package.json", "utf8")).version);
});

test("no folder or file has a name that says nothing", () => {
  const empty = /(^|\/)(utils?|helpers?|common|base|impl|manager)(\.ts|\/|$)/;
  assert.deepEqual(
    files.filter((file) => empty.test(file)),
    [],
  );
});
