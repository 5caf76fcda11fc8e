import { type Database, databaseOf, policyOf, type StoredTable, tableOf } from "../engine/catalogue.ts";
import { defaultMergePolicy, type TagRetention } from "../engine/merging.ts";
import { type Stored, timespanOf } from "../ingest/text-values.ts";
import { findPart, nameOf, type SyntaxNode } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import type { Command, CommandContext } from "./run.ts";

/** A policy that tables and databases can have, and what its commands need to know of it. */
export interface PolicyKind {
  /** As the parser's command names end: `AlterTablePolicyMerge`. */
  readonly command: string;
  /** As commands spell it, and as the catalogue keeps it. */
  readonly kind: string;
  /** As `.show` names it. */
  readonly name: string;
  /** The part of the grammar that holds the new policy. */
  readonly part: string;
  /** Refuses a policy that is none; the value is parsed JSON. */
  readonly check: (value: unknown) => void;
  /** What holds where nobody has set anything; null if nothing does. */
  readonly byDefault: unknown;
}

/** The policies that the emulator goes by. */
const kinds: readonly PolicyKind[] = [
  {
    command: "Merge",
    kind: "merge",
    name: "ExtentsMergePolicy",
    part: "MergePolicy",
    check: checkMerge,
    byDefault: defaultMergePolicy,
  },
  {
    command: "ExtentTagsRetention",
    kind: "extent_tags_retention",
    name: "ExtentTagsRetentionPolicy",
    part: "ExtentTagsRetentionPolicy",
    check: checkTagRetention,
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

function objectOf(value: unknown, kind: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new KustoError(`A policy of kind '${kind}' must be a JSON object.`);
}

interface Owner {
  readonly policies: Map<string, string>;
  readonly table: StoredTable | undefined;
  readonly database: Database;
}

function ownerOf(node: SyntaxNode, { catalogue, database }: CommandContext): Owner {
  const tableNode = findPart(node, "TableName");
  if (tableNode) {
    const table = tableOf(database, nameOf(tableNode));
    return { policies: table.policies, table, database };
  }
  const databaseNode = findPart(node, "DatabaseName");
  const named = databaseNode ? databaseOf(catalogue, nameOf(databaseNode)) : database;
  return { policies: named.policies, table: undefined, database: named };
}

const rowOf = ({ name }: PolicyKind, { table, database }: Owner, policy: string): Stored[] => [
  name,
  table ? `[${database.name}].[${table.name}]` : `[${database.name}]`,
  policy,
  "",
  table ? "Table" : "Database",
];

/** What holds for the owner, be it its own, its database's, or nobody's. */
function effective(policy: PolicyKind, { table, database }: Owner): string {
  const set = table ? policyOf(database, table, policy.kind) : database.policies.get(policy.kind);
  return set ?? JSON.stringify(policy.byDefault);
}

const show =
  (policy: PolicyKind): Command =>
  (node, context) => {
    const owner = ownerOf(node, context);
    return [rowOf(policy, owner, effective(policy, owner))];
  };

const alter =
  (policy: PolicyKind, keepsOld: boolean): Command =>
  (node, context) => {
    const owner = ownerOf(node, context);
    const given = parsed(String(findPart(node, policy.part)?.LiteralValue ?? ""), policy);
    policy.check(given);
    const old = keepsOld ? (JSON.parse(effective(policy, owner)) as object) : {};
    const text = JSON.stringify(Array.isArray(given) ? given : { ...old, ...(given as object) });
    owner.policies.set(policy.kind, text);
    return [rowOf(policy, owner, text)];
  };

function parsed(text: string, { kind }: PolicyKind): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KustoError(`The policy of kind '${kind}' is not JSON.`);
  }
}

const remove =
  (policy: PolicyKind): Command =>
  (node, context) => {
    const owner = ownerOf(node, context);
    owner.policies.delete(policy.kind);
    return [rowOf(policy, owner, effective(policy, owner))];
  };

export const policyCommands: Readonly<Record<string, Command>> = Object.fromEntries(
  kinds.flatMap((policy) =>
    ["Table", "Database"].flatMap((owner): [string, Command][] => [
      [`Alter${owner}Policy${policy.command}`, alter(policy, false)],
      [`AlterMerge${owner}Policy${policy.command}`, alter(policy, true)],
      [`Delete${owner}Policy${policy.command}`, remove(policy)],
      [`Show${owner}Policy${policy.command}`, show(policy)],
    ]),
  ),
);
