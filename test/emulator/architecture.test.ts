import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { circlesOf, filesOf, type Import, importsOf, mutualRooms, roomOf } from "../import-graph.ts";

/** The rooms from left to right, each with the rooms that it may import. docs/architecture.md says what each is for. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  values: [],
  blobs: [],
  listener: [],
  faults: ["blobs"],
  storage: ["blobs", "listener", "faults"],
  engine: ["values"],
  security: ["listener", "engine"],
  kql: ["values", "engine", "security"],
  ingest: ["values", "blobs", "faults", "storage", "engine", "security"],
  commands: ["values", "blobs", "storage", "engine", "security", "kql", "ingest"],
  http: ["values", "blobs", "listener", "faults", "storage", "engine", "security", "kql", "ingest", "commands"],
};

/** Files directly in the emulator that every room may import; they import no room. The others compose the rooms. */
const leaves = new Set(["kusto-error.ts", "ingestion-failure.ts", "optional-package.ts"]);

/**
 * The one recursion: a table of KQL holds expressions, and an expression holds tables (`toscalar(T | count)`,
 * `x in (T)`, a function of the user's). See kql/tabular.ts.
 */
const recursion =
  /^kql\/(calls|parameters|query|tabular|operators\/[a-z]+|expressions\/(aggregates|membership|scalar))\.ts$/;

const emulator = "src/emulator";
const files = filesOf(emulator);
/** Without those that lead out of the emulator: test/architecture.test.ts looks at them. */
const imports = files.flatMap((file) => importsOf(emulator, file)).filter(({ to }) => !to.startsWith(".."));

/** Why the import is not allowed; undefined when it is. */
function objection({ from, to }: Pick<Import, "from" | "to">): string | undefined {
  const [here, there] = [roomOf(from), roomOf(to)];
  if (here === "") return leaves.has(from) && there !== "" ? "a leaf file imports no room" : undefined;
  if (here === there) return undefined;
  if (there === "") return leaves.has(to) ? undefined : "only files directly in src/emulator compose rooms";
  return rooms[here]?.includes(there) ? undefined : `${here}/ may not import ${there}/`;
}

test("every room of the emulator has its place", () => {
  assert.deepEqual(new Set(files.map(roomOf).filter((room) => room !== "")), new Set(Object.keys(rooms)));
});

test("a room may import only rooms to its left", () => {
  const order = Object.keys(rooms);
  for (const [room, allowed] of Object.entries(rooms))
    for (const other of allowed)
      assert.ok(order.slice(0, order.indexOf(room)).includes(other), `${other}/ is not to the left of ${room}/`);
});

test("the emulator's imports go to the left", () => {
  assert.ok(imports.length > 700, "the pattern must find the imports");
  const backEdges = imports.flatMap((edge) => {
    const why = objection(edge);
    return why ? [`${emulator}/${edge.from} imports ${emulator}/${edge.to}: ${why}`] : [];
  });
  assert.deepEqual(backEdges, []);
});

test("no room is allowed an import that it does not need", () => {
  const used = new Set(imports.map(({ from, to }) => `${roomOf(from)} ${roomOf(to)}`));
  const unused = Object.entries(rooms).flatMap(([room, allowed]) =>
    allowed.filter((other) => !used.has(`${room} ${other}`)).map((other) => `${room}/ does not import ${other}/`),
  );
  assert.deepEqual(unused, []);
});

test("docs/architecture.md lists the rooms as they are", () => {
  const rows = readFileSync("docs/architecture.md", "utf8").matchAll(/^\| `(\w+)\/` \|[^|]+\|([^|]*)\|$/gm);
  const listed = [...rows].map(([, room, allowed]) => [room, [...allowed!.matchAll(/\w+/g)].map(String)]);
  assert.deepEqual(listed, Object.entries(rooms));
});

test("no two rooms of the emulator import each other", () => {
  assert.deepEqual(mutualRooms(imports), []);
});

test("the only circle of files in the emulator is the recursion of kql/, types included", () => {
  const circles = circlesOf(imports);
  assert.equal(circles.length, 1, JSON.stringify(circles));
  assert.deepEqual(
    circles[0]!.filter((file) => !recursion.test(file)),
    [],
  );
});

test("the checks refuse a back edge, a pair and a circle", () => {
  assert.match(objection({ from: "engine/catalogue.ts", to: "ingest/mapping.ts" }) ?? "", /may not import/);
  assert.match(objection({ from: "values/result.ts", to: "engine/functions.ts" }) ?? "", /may not import/);
  assert.match(objection({ from: "storage/storage.ts", to: "data-directory.ts" }) ?? "", /compose/);
  assert.match(objection({ from: "kusto-error.ts", to: "values/ticks.ts" }) ?? "", /leaf/);
  assert.equal(objection({ from: "http/server.ts", to: "commands/execute.ts" }), undefined);

  const back = { from: "engine/catalogue.ts", to: "security/roles.ts" };
  assert.ok(mutualRooms([...imports, back]).includes("engine <> security"));
  // security/roles.ts imports the catalogue by now, so that this one import closes a circle.
  assert.ok(circlesOf([...imports, back]).some((circle) => circle.includes("security/roles.ts")));
});

test("a circle is found whatever its length, and nothing else is one", () => {
  const edge = (text: string) => ({ from: text[0]!, to: text[1]! });
  assert.deepEqual(circlesOf(["ab", "bc", "ac", "cd"].map(edge)), []);
  assert.deepEqual(circlesOf(["aa", "ab"].map(edge)), [["a"]]);
  assert.deepEqual(circlesOf(["ab", "bc", "ca", "cd", "de", "ed", "ef"].map(edge)), [
    ["d", "e"],
    ["a", "b", "c"],
  ]);
});
