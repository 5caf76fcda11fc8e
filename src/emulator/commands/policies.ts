import { changeDatabase, changeTable, databaseOf, policyOf } from "../engine/catalogue.ts";
import type { Database, StoredTable } from "../engine/entities.ts";
import { defaultMergePolicy, type TagRetention } from "../engine/merging.ts";
import { findPart, nameOf, type SyntaxNode, textOf } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import type { Stored } from "../values/stored.ts";
import { datetimeOf, timespanOf } from "../values/text-values.ts";
import { ticksPerDay, timespanText } from "../values/ticks.ts";
import type { Command, CommandContext } from "./command.ts";
import { databaseIn, placesIn } from "./named.ts";

/** A policy that tables and databases can have, and what its commands need to know of it. */
export interface PolicyKind {
  /** As the parser's command names end: `AlterTablePolicyMerge`. */
  readonly command: string;
  /** As commands spell it, and as the catalogue keeps it. */
  readonly kind: string;
  /** As `.show` names it. */
  readonly name: string;
  /** The parts of the grammar that can hold the new policy. */
  readonly parts: readonly string[];
  /** Refuses a policy that is none; the value is parsed JSON. */
  readonly check: (value: unknown, context: CommandContext) => void;
  /** What holds where nobody has set anything; null if nothing does. */
  readonly byDefault: unknown;
  /** A policy that is given by words and not by JSON; undefined where there are none. */
  readonly inWords?: (node: SyntaxNode) => object | undefined;
}

/** The policies that the emulator goes by, or keeps and shows where nothing here depends on them. */
const kinds: readonly PolicyKind[] = [
  {
    command: "Merge",
    kind: "merge",
    name: "ExtentsMergePolicy",
    parts: ["MergePolicy", "policy"],
    check: checkMerge,
    byDefault: defaultMergePolicy,
  },
  {
    command: "ExtentTagsRetention",
    kind: "extent_tags_retention",
    name: "ExtentTagsRetentionPolicy",
    parts: ["ExtentTagsRetentionPolicy"],
    check: checkTagRetention,
    byDefault: null,
  },
  {
    command: "Retention",
    kind: "retention",
    name: "RetentionPolicy",
    parts: ["RetentionPolicy"],
    check: checkRetention,
    byDefault: { SoftDeletePeriod: timespanText(365_000n * ticksPerDay), Recoverability: "Enabled" },
    inWords: retentionInWords,
  },
  {
    command: "AutoDelete",
    kind: "auto_delete",
    name: "AutoDeletePolicy",
    parts: ["AutoDeletePolicy"],
    check: checkAutoDelete,
    byDefault: null,
  },
  {
    command: "StreamingIngestion",
    kind: "streamingingestion",
    name: "StreamingIngestionPolicy",
    parts: ["StreamingIngestionPolicy"],
    check: knownMembers("streamingingestion", { IsEnabled: "boolean", HintAllocatedRate: "number" }),
    byDefault: null,
    inWords(node) {
      const status = findPart(node, "Status");
      return status && { IsEnabled: textOf(status).toLowerCase() === "enable", HintAllocatedRate: null };
    },
  },
  {
    command: "IngestionTime",
    kind: "ingestiontime",
    name: "IngestionTimePolicy",
    parts: [],
    check: () => {},
    byDefault: { IsEnabled: true },
    inWords: () => ({ IsEnabled: true }),
  },
  {
    command: "RestrictedViewAccess",
    kind: "restricted_view_access",
    name: "RestrictedViewAccessPolicy",
    parts: [],
    check: () => {},
    byDefault: null,
    inWords: (node) => ({ IsEnabled: /true$/i.test(textOf(node)) }),
  },
  {
    command: "Caching",
    kind: "caching",
    name: "CachingPolicy",
    parts: [],
    check: () => {},
    byDefault: null,
    inWords: cachingInWords,
  },
  {
    command: "Sharding",
    kind: "sharding",
    name: "ShardingPolicy",
    parts: ["ShardingPolicy"],
    check: knownMembers("sharding", {
      MaxRowCount: "number",
      MaxExtentSizeInMb: "number",
      MaxOriginalSizeInMb: "number",
      ShardEngineMaxRowCount: "number",
      ShardEngineMaxExtentSizeInMb: "number",
      ShardEngineMaxOriginalSizeInMb: "number",
      UseShardEngine: "boolean",
    }),
    byDefault: null,
  },
];

function checkMerge(value: unknown): void {
  const policy = objectOf(value, "merge");
  for (const [name, member] of Object.entries(policy)) {
    const model = (defaultMergePolicy as Record<string, unknown>)[name];
    if (model === undefined) throw new KustoError(`The merge policy has no property '${name}'.`);
    if (typeof member !== typeof model || member === null)
      throw new KustoError(`Property '${name}' of the merge policy must be a ${typeof model}.`);
  }
}

function checkTagRetention(value: unknown): void {
  if (!Array.isArray(value)) throw new KustoError("An extent tags retention policy must be a JSON array.");
  for (const rule of value as Partial<TagRetention>[]) {
    if (typeof rule?.TagPrefix !== "string" || !/^[^:]+:$/.test(rule.TagPrefix))
      throw new KustoError("A TagPrefix must end with a colon and have no other.");
    if (typeof rule.RetentionPeriod !== "string" || timespanOf(rule.RetentionPeriod) === null)
      throw new KustoError(`The RetentionPeriod of '${rule.TagPrefix}' must be a timespan, such as 1.00:00:00.`);
  }
}

function checkRetention(value: unknown): void {
  const { SoftDeletePeriod: period, Recoverability: recoverability } = objectOf(value, "retention");
  if (period !== undefined && (typeof period !== "string" || timespanOf(period) === null))
    throw new KustoError("The SoftDeletePeriod of a retention policy must be a timespan, such as 10.00:00:00.");
  if (recoverability !== undefined && recoverability !== "Enabled" && recoverability !== "Disabled")
    throw new KustoError("The Recoverability of a retention policy must be Enabled or Disabled.");
}

/** `softdelete = 10d recoverability = disabled` */
function retentionInWords(node: SyntaxNode): object | undefined {
  const [period, recoverability] = ["SoftDeleteValue", "RecoverabilityValue"].map((name) => findPart(node, name));
  if (!period && !recoverability) return undefined;
  const isEnabled = recoverability && textOf(recoverability).toLowerCase() === "enabled";
  return {
    ...(period ? { SoftDeletePeriod: spanText(period) } : {}),
    ...(recoverability ? { Recoverability: isEnabled ? "Enabled" : "Disabled" } : {}),
  };
}

function checkAutoDelete(value: unknown, { catalogue }: CommandContext): void {
  const { ExpiryDate: expiry, DeleteIfNotEmpty: always } = objectOf(value, "auto_delete");
  const on = typeof expiry === "string" ? datetimeOf(expiry) : null;
  if (on === null) throw new KustoError("The auto_delete policy needs an ExpiryDate, which must be a datetime.");
  if (on <= catalogue.clock.ticks())
    throw new KustoError(`The ExpiryDate of an auto_delete policy must be in the future, not ${String(expiry)}.`);
  if (always !== undefined && typeof always !== "boolean")
    throw new KustoError("DeleteIfNotEmpty of the auto_delete policy must be true or false.");
}

/** `hot = 30d`, or `hotdata = 30d hotindex = 10d` */
function cachingInWords(node: SyntaxNode): object {
  const [both, data, index] = ["Timespan", "HotData", "HotIndex"].map((name) => findPart(node, name));
  if (!both && !(data && index)) throw new KustoError("The caching policy must be of the form: hot = TIMESPAN.");
  return { DataHotSpan: spanText(both ?? data!), IndexHotSpan: spanText(both ?? index!), ColumnOverrides: [] };
}

/** A literal such as `10d`, as policies write it: `10.00:00:00`. */
function spanText(literal: SyntaxNode): string {
  const ticks = timespanOf(textOf(literal).replace(/^(?:time|timespan)\s*\(\s*(.*?)\s*\)$/i, "$1"));
  if (ticks === null) throw new KustoError(`'${textOf(literal)}' is not a timespan.`);
  return timespanText(ticks);
}

/** Objects whose members have these types, or are null. */
function knownMembers(kind: string, types: Readonly<Record<string, string>>): (value: unknown) => void {
  return (value) => {
    for (const [name, member] of Object.entries(objectOf(value, kind))) {
      if (!(name in types)) throw new KustoError(`The policy of kind '${kind}' has no property '${name}'.`);
      if (member !== null && typeof member !== types[name])
        throw new KustoError(`Property '${name}' of the policy of kind '${kind}' must be a ${types[name]}.`);
    }
  };
}

function objectOf(value: unknown, kind: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new KustoError(`A policy of kind '${kind}' must be a JSON object.`);
}

interface Owner {
  readonly table: StoredTable | undefined;
  readonly database: Database;
}

/** The tables that the command names, or else its databases; `*` is all of them. */
function ownersOf(node: SyntaxNode, context: CommandContext): Owner[] {
  if (findPart(node, "TableName")) return placesIn(node, context);
  const name = findPart(node, "DatabaseName");
  if (name && nameOf(name) === "*")
    return [...context.catalogue.databases.values()].map((database) => ({ database, table: undefined }));
  const database = name ? databaseOf(context.catalogue, nameOf(name)) : databaseIn(node, context);
  return [{ database, table: undefined }];
}

const rowOf = ({ name }: PolicyKind, { table, database }: Owner, policy: string): Stored[] => [
  name,
  table ? `[${database.name}].[${table.name}]` : `[${database.name}]`,
  policy,
  "",
  table ? "Table" : "Database",
];

/** What holds for the owner, be it its own, its database's, or nobody's. */
export function effectivePolicy(database: Database, table: StoredTable | undefined, kind: string): string {
  const set = table ? policyOf(database, table, kind) : database.policies.get(kind);
  return set ?? JSON.stringify(kinds.find((each) => each.kind === kind)?.byDefault ?? null);
}

/** The parser declares them for most of these commands, and forgets one or two. */
const columns = (["PolicyName", "EntityName", "Policy", "ChildEntities", "EntityType"] as const).map((name) => ({
  name,
  kind: "string" as const,
}));

const effectiveRow = (policy: PolicyKind, owner: Owner) =>
  rowOf(policy, owner, effectivePolicy(owner.database, owner.table, policy.kind));

const show =
  (policy: PolicyKind): Command =>
  (node, context) =>
    rowsOf(policy, ownersOf(node, context));

const rowsOf = (policy: PolicyKind, owners: readonly Owner[]) => ({
  columns,
  rows: owners.map((owner) => effectiveRow(policy, owner)),
});

const showAllTables =
  (policy: PolicyKind): Command =>
  (_node, { database }) =>
    rowsOf(
      policy,
      [...database.tables.values()].map((table) => ({ database, table })),
    );

const alter =
  (policy: PolicyKind, keepsOld: boolean): Command =>
  async (node, context) => {
    const given = policy.inWords?.(node) ?? parsed(literalIn(node, policy), policy);
    // As with `null` in the service, which takes the policy away.
    if (given !== null) policy.check(given, context);
    const owners = ownersOf(node, context);
    for (const owner of owners) await change(owner, policy, context, given, keepsOld);
    return rowsOf(policy, owners);
  };

async function change(
  owner: Owner,
  { kind }: PolicyKind,
  { catalogue }: CommandContext,
  given: unknown,
  keepsOld: boolean,
): Promise<void> {
  const { database, table } = owner;
  const changeOf = () => {
    const old = keepsOld ? (JSON.parse(effectivePolicy(database, table, kind)) as object | null) : null;
    const text = Array.isArray(given) || given === null ? given : { ...old, ...(given as object) };
    return changed((table ?? database).policies, kind, text === null ? undefined : JSON.stringify(text));
  };
  if (table) await changeTable(catalogue, database, table, () => ({ change: changeOf() }));
  else await changeDatabase(catalogue, database, changeOf);
}

/** Policies with one set to another text, or without it. */
export function changed(
  policies: ReadonlyMap<string, string>,
  kind: string,
  text: string | undefined,
): { policies: ReadonlyMap<string, string> } {
  const others = [...policies].filter(([each]) => each !== kind);
  return { policies: new Map(text === undefined ? others : [...others, [kind, text]]) };
}

function literalIn(node: SyntaxNode, { parts, kind }: PolicyKind): string {
  for (const name of parts) {
    const value = findPart(node, name)?.LiteralValue;
    if (typeof value === "string") return value;
  }
  throw new KustoError(`The policy of kind '${kind}' must be a string literal that holds JSON.`);
}

function parsed(text: string, { kind }: PolicyKind): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KustoError(`The policy of kind '${kind}' is not JSON.`);
  }
}

const remove =
  (policy: PolicyKind): Command =>
  async (node, context) => {
    const owners = ownersOf(node, context);
    for (const owner of owners) await change(owner, policy, context, null, false);
    return rowsOf(policy, owners);
  };

export const policyCommands: Readonly<Record<string, Command>> = Object.fromEntries(
  kinds.flatMap((policy) => [
    ...["Table", "Tables", "Database"].flatMap((owner): [string, Command][] => [
      [`Alter${owner}Policy${policy.command}`, alter(policy, false)],
      [`AlterMerge${owner}Policy${policy.command}`, alter(policy, true)],
      [`Delete${owner}Policy${policy.command}`, remove(policy)],
      [`Show${owner}Policy${policy.command}`, show(policy)],
    ]),
    [`ShowTableStarPolicy${policy.command}`, showAllTables(policy)] as [string, Command],
  ]),
);
