import type { Database, StoredMapping } from "../engine/entities.ts";
import { quotedName, schemaText } from "./syntax.ts";

const quotedText = (text: string) =>
  `'${text
    .replaceAll(/(['\\])/g, "\\$1")
    .replaceAll("\r", "\\r")
    .replaceAll("\n", "\\n")}'`;

/** Policies whose commands take JSON; the others are given by words. */
const inWords: Readonly<Record<string, (policy: Record<string, unknown>) => string>> = {
  caching: ({ DataHotSpan, IndexHotSpan }) =>
    `hotdata = timespan(${String(DataHotSpan)}) hotindex = timespan(${String(IndexHotSpan)})`,
  ingestiontime: () => "true",
  restricted_view_access: ({ IsEnabled }) => String(IsEnabled),
};

/** The commands that make a database's schema anew in another: as `.execute database script` takes them. */
export function databaseScript({ name, tables, functions, policies, mappings }: Database): string {
  const database = quotedName(name);
  return [
    ...policyCommands(`database ${database}`, policies),
    ...[...mappings.values()].map((each) => mappingCommand(`database ${database}`, each)),
    ...[...tables.values()].flatMap((table) => {
      const entity = `table ${quotedName(table.name)}`;
      const texts = { folder: table.folder, docstring: table.docString };
      return [
        `.create-merge ${entity} (${schemaText(table)})${withTexts(texts, table.isHidden)}`,
        ...docStringCommand(entity, table.columns),
        ...policyCommands(entity, table.policies),
        ...[...table.mappings.values()].map((each) => mappingCommand(entity, each)),
      ];
    }),
    ...[...functions.values()].map(
      (each) =>
        `.create-or-alter function${withTexts({ folder: each.folder, docstring: each.docString, skipvalidation: "true" })} ${quotedName(each.name)}${each.parameters} ${each.body}`,
    ),
  ].join("\n\n");
}

function withTexts(texts: Readonly<Record<string, string>>, isHidden = false): string {
  const given = Object.entries(texts)
    .filter(([, text]) => text !== "")
    .map(([name, text]) => `${name} = ${quotedText(text)}`);
  const all = isHidden ? [...given, "hidden = true"] : given;
  return all.length === 0 ? "" : ` with (${all.join(", ")})`;
}

function docStringCommand(entity: string, columns: Iterable<{ name: string; docString?: string | undefined }>) {
  const texts = [...columns].flatMap(({ name, docString }) =>
    docString ? [`${quotedName(name)}:${quotedText(docString)}`] : [],
  );
  return texts.length === 0 ? [] : [`.alter-merge ${entity} column-docstrings (${texts.join(", ")})`];
}

const policyCommands = (entity: string, policies: ReadonlyMap<string, string>): string[] =>
  [...policies].map(([kind, text]) => {
    const words = inWords[kind]?.(JSON.parse(text) as Record<string, unknown>);
    return `.alter ${entity} policy ${kind} ${words ?? quotedText(text)}`;
  });

const mappingCommand = (entity: string, { kind, name, text }: StoredMapping) =>
  `.create-or-alter ${entity} ingestion ${kind} mapping ${quotedText(name)} ${quotedText(text)}`;
