import { changeDatabase } from "../engine/catalogue.ts";
import type { Database, StoredFunction } from "../engine/entities.ts";
import { findPart, findParts, nameOf, type SyntaxNode, sourceOf } from "../kql/tree.ts";
import { entityExists, entityNotFound } from "../kusto-error.ts";
import type { Stored } from "../values/stored.ts";
import type { Command, CommandContext } from "./command.ts";
import { hasWord, keywordsOf, propertiesOf, refuseOtherProperties, textValue } from "./syntax.ts";

const functionOf = (database: Database, name: string): StoredFunction => {
  const found = database.functions.get(name);
  if (!found) throw entityNotFound("Function", name);
  return found;
};

const nameIn = (node: SyntaxNode) => nameOf(findPart(node, "FunctionName")!);

const store =
  (mode: "create" | "alter" | "create-or-alter"): Command =>
  async (node, context) => {
    const { catalogue, database } = context;
    const name = nameIn(node);
    const present = database.functions.get(name);
    if (present && mode === "create") {
      if (headWords(node).includes("ifnotexists")) return [rowOf(present)];
      throw entityExists("Function", name);
    }
    if (mode === "alter") functionOf(database, name);
    const stored = declared(node, name, context, present);
    await changeDatabase(catalogue, database, () => ({ functions: new Map([...database.functions, [name, stored]]) }));
    return [rowOf(stored)];
  };

/** The words before the function's body. */
const headWords = (node: SyntaxNode) => keywordsOf(node).slice(0, 4);

function declared(
  node: SyntaxNode,
  name: string,
  { text }: CommandContext,
  present: StoredFunction | undefined,
): StoredFunction {
  const properties = propertiesOf(node);
  refuseOtherProperties(properties, ["docstring", "folder", "skipvalidation", "view"]);
  return {
    name,
    parameters: parametersText(sourceOf(findPart(node, "Parameters")!, text)),
    body: sourceOf(findPart(node, "Body")!, text),
    folder: properties.get("folder") ?? present?.folder ?? "",
    docString: properties.get("docstring") ?? present?.docString ?? "",
  };
}

/** A string, or what stands between strings. */
const stringOrNot = /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|[^"']+/g;

/** `(a: long , b = 5)` as Kusto shows it: `(a:long, b=5)`. */
const parametersText = (source: string): string =>
  source.replace(stringOrNot, (found, quoted: string | undefined) =>
    quoted === undefined
      ? found
          .replace(/\s+/g, " ")
          .replace(/ ?([:=()]) ?/g, "$1")
          .replace(/ ?, ?/g, ", ")
      : found,
  );

const setText =
  (name: "docString" | "folder", source: string): Command =>
  async (node, { catalogue, database }) => {
    const changed = { ...functionOf(database, nameIn(node)), [name]: textValue(node, source) };
    await changeDatabase(catalogue, database, () => ({
      functions: new Map([...database.functions, [changed.name, changed]]),
    }));
    return [rowOf(changed)];
  };

const drop =
  (answer: (names: readonly string[], database: Database) => Stored[][]): Command =>
  async (node, { catalogue, database, text }) => {
    const names = findParts(node, "FunctionName").map(nameOf);
    const isLenient = hasWord(node, "ifexists", text);
    if (!isLenient) for (const name of names) functionOf(database, name);
    await changeDatabase(catalogue, database, () => ({
      functions: new Map([...database.functions].filter(([name]) => !names.includes(name))),
    }));
    return answer(names, database);
  };

const show: Command = (node, { database }) => [rowOf(functionOf(database, nameIn(node)))];

const showAll: Command = (_node, { database }) => [...database.functions.values()].map(rowOf);

const rowOf = ({ name, parameters, body, folder, docString }: StoredFunction): Stored[] => [
  name,
  parameters,
  body,
  folder,
  docString,
];

export const functionCommands: Readonly<Record<string, Command>> = {
  AlterFunction: store("alter"),
  AlterFunctionDocString: setText("docString", "Documentation"),
  AlterFunctionFolder: setText("folder", "Folder"),
  CreateFunction: store("create"),
  CreateOrAlterFunction: store("create-or-alter"),
  DropFunction: drop((names) => names.map((name) => [name])),
  DropFunctions: drop((_names, database) => [...database.functions.values()].map(rowOf)),
  ShowFunction: show,
  ShowFunctions: showAll,
};
