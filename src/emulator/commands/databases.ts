import { changeDatabase, createDatabase, databaseOf, dropDatabase } from "../engine/catalogue.ts";
import { findPart, findParts, nameOf } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import type { Command } from "./command.ts";
import { databaseIn } from "./named.ts";
import { keywordsOf, textValue } from "./syntax.ts";

const fallback = "netdefaultdb";

/** `volatile` and `persist` are one here: what lasts and where is the emulator's own option. */
const create: Command = async (node, { catalogue }) => {
  const name = nameOf(findPart(node, "DatabaseName")!);
  const present = catalogue.databases.get(name.toLowerCase());
  if (!present || !keywordsOf(node).includes("ifnotexists")) await createDatabase(catalogue, name);
  const [path] = findParts(node, "Path").map((each) => String(each.LiteralValue));
  return [[name, path ?? "", present ? "False" : "True", true, true]];
};

const drop: Command = async (node, { catalogue }) => {
  const database = databaseOf(catalogue, nameOf(findPart(node, "DatabaseName")!));
  if (database.name.toLowerCase() === fallback)
    throw new KustoError(`Database '${database.name}' is always there: clients ask for it.`);
  const rows = [...database.tables.values()].map(({ name, extents }) => [name, String(extents.size)]);
  await dropDatabase(catalogue, database);
  return rows;
};

const setPrettyName: Command = async (node, context) => {
  const database = databaseIn(node, context);
  const prettyName = findPart(node, "PrettyName") ? textValue(node, "PrettyName") : "";
  await changeDatabase(context.catalogue, database, () => ({ prettyName }));
  return [[database.name, prettyName]];
};

export const databaseCommands: Readonly<Record<string, Command>> = {
  AlterDatabasePrettyName: setPrettyName,
  CreateDatabase: create,
  DetachDatabase: drop,
  DropDatabasePrettyName: setPrettyName,
};
