import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { execute } from "../../../src/emulator/commands/execute.ts";
import {
  type Catalogue,
  createCatalogue,
  createDatabase,
  openCatalogue,
} from "../../../src/emulator/engine/catalogue.ts";
import { openStore } from "../../../src/emulator/engine/open-store.ts";
import { restore } from "../../../src/emulator/engine/saved.ts";
import type { Store } from "../../../src/emulator/engine/store.ts";
import { type Language, loadLanguage } from "../../../src/emulator/kql/language.ts";
import { KustoError } from "../../../src/emulator/kusto-error.ts";
import { type Access, accessOf } from "../../../src/emulator/security/access.ts";
import { directoryOf } from "../../../src/emulator/security/directory.ts";
import { checkSecurity } from "../../../src/emulator/security/security-options.ts";

const tenantId = "11111111-2222-4333-8444-555555555555";
const id = (n: number) => `aaaaaaaa-bbbb-4ccc-8ddd-${String(n).padStart(12, "0")}`;
const { applications } = checkSecurity({
  tenantId,
  applications: [
    { appId: id(0), name: "root", clusterRole: "AllDatabasesAdmin" },
    { appId: id(1), name: "monitor", clusterRole: "AllDatabasesMonitor" },
    { appId: id(2), name: "reader", clusterRole: "AllDatabasesViewer" },
  ],
});
const directory = directoryOf(applications, tenantId);

let store: Store;
let language: Language;
let catalogue: Catalogue;
before(async () => {
  store = await openStore();
  language = await loadLanguage();
  catalogue = createCatalogue(store, ["demo", "other"]);
  for (const text of [
    ".create table T (a:long, b:string)",
    ".create table U (a:long, b:string)",
    ".create table S (a:long, b:string)",
    ".ingest inline into table T <| 1,x",
  ])
    await run(undefined, text);
});
after(() => store.close());

function run(access: Access | undefined, text: string, database = "demo") {
  return execute({ catalogue, language, failures: [], access }, database, text);
}

const rows = async (access: Access | undefined, text: string, database?: string) =>
  (await run(access, text, database)).rows.map((row) => JSON.parse(row) as unknown[]);

const accessTo = (appId: string) => accessOf(catalogue, { kind: "aadapp", id: appId, tenant: tenantId }, directory);
const root = () => accessTo(id(0));
let next = 100;

/** A new principal with these roles, as `.add` gives them: `database demo users`. */
async function somebody(...roles: string[]): Promise<Access> {
  const appId = id(next++);
  for (const role of roles) await run(root(), `.add ${role} ('aadapp=${appId};${tenantId}') skip-results`);
  return accessTo(appId);
}

async function outcome(access: Access, text: string, database?: string): Promise<"yes" | "no"> {
  try {
    await run(access, text, database);
    return "yes";
  } catch (error) {
    assert.ok(error instanceof KustoError, String(error));
    if (error.status === 403) return "no";
    throw error;
  }
}

/** What the documentation's "Permissions" sections say, a role a column. */
const columns = [
  ["database demo admins"],
  ["database demo users"],
  ["database demo viewers"],
  ["database demo ingestors"],
  ["database demo monitors"],
  ["table T ingestors"],
  ["table T admins"],
  ["database other admins"],
] as const;
const permissions: readonly [text: string, who: string][] = [
  // text                                                    dA dU dV dI dM tI tA oA
  ["T | take 1", "+ + + - - - - -"],
  ["print 1", "+ + + - - - - -"],
  ["database('other').X | take 1", "- - - - - - - -"],
  [".show tables", "+ + + - + - - -"],
  [".show table T schema as json", "+ + + - + - - -"],
  [".show table T extents", "+ + + - + - - -"],
  [".show table T ingestion mappings", "+ + + - + - - -"],
  [".show table T policy merge", "+ + + - + - - -"],
  [".show database demo principals", "+ + + - + - - -"],
  [".show version", "+ + + + + + + +"],
  [".show operations", "+ + + + + + + +"],
  [".show cluster extents", "- - - - - - - -"],
  [".ingest inline into table T <| 2,y", "+ - - + - + + -"],
  [".ingest inline into table U <| 2,y", "+ - - + - - - -"],
  [".append T <| T | take 0", "+ - - - - - - -"],
  [".create-merge table T (a:long, b:string)", "+ - - - - - + -"],
  [".alter table T policy merge '{}'", "+ - - - - - + -"],
  [".alter table U policy merge '{}'", "+ - - - - - - -"],
  [".alter database demo policy merge '{}'", "+ - - - - - - -"],
  [
    '.create-or-alter table T ingestion csv mapping \'m\' \'[{"Column":"a","Properties":{"Ordinal":0}}]\'',
    "+ - - - - - + -",
  ],
  [".move extents all from table S to table T", "+ - - - - - - -"],
  [".drop extents from S", "+ - - - - - - -"],
  [".drop extents <| .show table S extents", "+ - - - - - - -"],
  [".clear table S data", "+ - - - - - - -"],
  [".add table T ingestors ('aadapp=x;y') skip-results", "+ - - - - - + -"],
  [".add table U ingestors ('aadapp=x;y') skip-results", "+ - - - - - - -"],
  [".add database demo viewers ('aadapp=x;y') skip-results", "+ - - - - - - -"],
  [".alter column T.b type=string", "+ - - - - - + -"],
  [".rename table U to U", "+ - - - - - - -"],
  [".show database other schema", "- - - - - - - +"],
  [".alter-merge table other.X policy merge '{}'", "- - - - - - - +"],
  [".create function ifnotexists f() { 1 }", "+ + - - - - - -"],
  [".show functions", "+ + + - + - - -"],
  [".create-or-alter function f() { 2 }", "+ - - - - - - -"],
  // Gone by then for all but the first.
  [".drop function f ifexists", "+ + - - - - - -"],
  [".create table T (a:long)", "+ + - - - - - -"],
];

test("what each role may do is what the documentation says", async () => {
  await run(root(), ".create-merge table X (a:long)", "other");
  const people = await Promise.all(columns.map((roles) => somebody(...roles)));
  for (const [text, who] of permissions) {
    const found: string[] = [];
    for (const person of people) {
      const answer = await outcome(person, text);
      found.push(answer === "yes" ? "+" : "-");
    }
    assert.equal(found.join(" "), who, text);
  }
});

test("roles add up: ingestor and viewer may append, admin of two tables may move between them", async () => {
  const appender = await somebody("table T ingestors", "database demo viewers");
  assert.equal(await outcome(appender, ".append T <| T | take 0"), "yes");
  assert.equal(await outcome(appender, ".append U <| T | take 0"), "no");
  assert.equal(await outcome(appender, ".set-or-replace T <| T | take 0"), "no");
  for (const one of ["table S admins", "table T admins"])
    assert.equal(await outcome(await somebody(one), ".move extents all from table S to table T"), "no", one);
  const mover = await somebody("table S admins", "table T admins", "database demo users");
  assert.equal(await outcome(mover, ".move extents all from table S to table T"), "yes");
  assert.equal(await outcome(mover, ".move extents to table T <| .show table S extents"), "yes");
  await run(undefined, ".clear table U data");
  await run(undefined, ".ingest inline into table U <| 5,u");
  assert.equal(await outcome(mover, ".move extents to table T <| .show table U extents"), "no");
  assert.equal(
    await outcome(mover, ".replace extents in table T <| {.show table T extents}, {.show table U extents}"),
    "no",
  );
  assert.equal((await rows(undefined, "U | count"))[0]![0], 1);
});

test("who creates a table is its admin, and only of that table", async () => {
  const user = await somebody("database demo users");
  await run(user, ".create table Mine (a:long)");
  await run(user, ".set Also <| print a = 1");
  for (const table of ["Mine", "Also"]) {
    assert.equal(await outcome(user, `.ingest inline into table ${table} <| 1`), "yes", table);
    assert.deepEqual(
      (await rows(user, `.show table ${table} principals`)).map(([role]) => role),
      [`Table ${table} Admin`],
    );
  }
  assert.equal(await outcome(user, ".create-merge table Mine (a:long, b:string)"), "yes");
  await run(user, ".drop table Mine");
  await run(root(), ".create table Mine (a:long)");
  assert.equal(await outcome(user, ".drop table Mine"), "no", "a new table of the same name");
});

test("a restricted table is read by unrestricted viewers who are viewers too", async () => {
  await run(root(), ".create table Secret (a:long)");
  await run(root(), ".alter table Secret policy restricted_view_access true");
  const [viewer, both] = [
    await somebody("database demo viewers"),
    await somebody("database demo viewers", "database demo unrestrictedviewers"),
  ];
  assert.equal(await outcome(viewer, "Secret | count"), "no");
  assert.equal(await outcome(viewer, "union T, Secret | count"), "no");
  assert.equal(await outcome(both, "Secret | count"), "yes");
  assert.equal(await outcome(await somebody("database demo unrestrictedviewers"), "Secret | count"), "no");
});

test("roles outlive the emulator where its data does", async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-roles-"));
  const durable = await openStore(join(folder, "store"));
  try {
    const first = await openCatalogue(durable, []);
    const database = await createDatabase(first, "kept");
    const user = accessOf(first, { kind: "aadapp", id: id(7), tenant: tenantId }, directory);
    const ground = { catalogue: first, language, failures: [] };
    await execute(ground, "kept", `.add database kept users ('aadapp=${id(7)};${tenantId}') 'notes'`);
    await execute({ ...ground, access: user }, "kept", ".create table Mine (a:long)");
    const again = (await restore(durable)).databases.get("kept")!;
    assert.equal(again.roles.length, 2);
    assert.deepEqual(again.roles, database.roles);
  } finally {
    durable.close();
    rmSync(folder, { recursive: true });
  }
});

test(".add, .drop and .set change a role; .show lists it with its notes", async () => {
  const where = { database: ".show database other principals", table: ".show table X principals" };
  await run(
    root(),
    `.set database other viewers ('aadapp=${id(1)};${tenantId}', 'aaduser=abbi@fabrikam.com') 'two'`,
    "other",
  );
  const shown = await rows(root(), where.database, "other");
  assert.deepEqual(
    shown.filter(([role]) => role === "Database other Viewer").map((row) => row.slice(1, 3).concat(row.slice(4, 6))),
    [
      ["AAD Application", `monitor (app id: ${id(1)})`, `aadapp=${id(1)};${tenantId}`, "two"],
      ["AAD User", "abbi@fabrikam.com", "aaduser=abbi@fabrikam.com", "two"],
    ],
  );
  // A name of the directory is its id; what is there already is not there twice.
  await run(root(), `.add database other viewers ('aadapp=MONITOR;${tenantId}')`, "other");
  assert.equal((await rows(root(), where.database, "other")).length, shown.length);
  await run(root(), ".drop database other viewers ('aaduser=abbi@fabrikam.com')", "other");
  assert.equal((await rows(root(), where.database, "other")).length, shown.length - 1);
  await run(root(), ".set database other viewers none", "other");
  assert.equal((await rows(root(), where.database, "other")).length, shown.length - 2);
  await run(root(), ".set table X admins ('aadapp=4c7e82bd-6adb-46c3-b413-fdd44834c69b;fabrikam.com') 'n'", "other");
  assert.deepEqual(
    (await rows(root(), where.table, "other")).map((row) => row.slice(0, 2)),
    [["Table X Admin", "AAD Application"]],
  );
  await assert.rejects(run(root(), ".add table X admins ('somebody')", "other"), /not a principal/);
});

test("a principal sees its own roles, and its name in queries", async () => {
  const viewer = await somebody("database demo viewers", "table U admins");
  assert.deepEqual(
    (await rows(viewer, ".show principal roles")).map(([scope, , , role]) => [scope, role]),
    [
      ["Database demo", "Viewer"],
      ["Table U", "Admin"],
    ],
  );
  assert.deepEqual(
    (await rows(viewer, ".show database demo principal roles")).map((row) => row[3]),
    ["Viewer"],
  );
  assert.deepEqual((await rows(root(), ".show principal roles"))[0]!.slice(0, 1), ["Cluster"]);
  assert.deepEqual(await rows(viewer, "print current_principal()"), [[`aadapp=${viewer.principal.id};${tenantId}`]]);
  assert.deepEqual((await rows(viewer, ".show databases | project DatabaseName")).flat(), ["demo"]);
});

test("roles over the cluster", async () => {
  const [monitor, reader] = [accessTo(id(1)), accessTo(id(2))];
  assert.equal(await outcome(monitor, ".show cluster extents"), "yes");
  assert.equal(await outcome(monitor, "T | count"), "no");
  assert.equal(await outcome(reader, "T | count"), "yes");
  assert.equal(await outcome(reader, ".ingest inline into table T <| 1,x"), "no");
  assert.equal(await outcome(root(), ".alter database other policy merge '{}'"), "yes");
});

test("a refusal names the principal, the operation and the missing permission, and nothing of what is there", async () => {
  const nobody = await somebody();
  for (const [text, message] of [
    [
      "T | count",
      `Principal 'aadapp=${nobody.principal.id};${tenantId}' is not authorized to read database 'demo'. It needs Database Viewer permissions.`,
    ],
    ["NoSuchTable | count", "to read database 'demo'"],
    [".show version", "to perform operation 'ShowVersion' on this cluster"],
    [
      ".drop table T",
      "to perform operation 'DropTable' on table 'T' of database 'demo'. It needs Table Admin permissions.",
    ],
  ] as const)
    await assert.rejects(run(nobody, text), (error: KustoError) => {
      assert.equal(error.status, 403);
      assert.equal(error.code, "Forbidden");
      assert.ok(error.message.includes(message), error.message);
      return true;
    });
});
