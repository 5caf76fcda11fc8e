import { randomUUID } from "node:crypto";
import type { Database } from "../engine/entities.ts";
import type { Principal, RoleAssignment, RoleScope } from "../engine/role-assignment.ts";
import { findPart, findParts, nameOf, type SyntaxNode, textOf } from "../kql/tree.ts";
import { entityNotFound } from "../kusto-error.ts";
import type { Directory } from "../security/directory.ts";
import { isSame, parsePrincipal, principalText } from "../security/principal.ts";
import {
  assign,
  assignmentsIn,
  isScope,
  roleNamed,
  scopeOfFunction,
  scopeOfTable,
  titleOf,
  unassign,
  wholeDatabase,
} from "../security/roles.ts";
import type { Stored } from "../values/stored.ts";
import type { Command, CommandContext } from "./command.ts";
import { databaseIn, placeIn } from "./named.ts";

/** What a command's roles are over, and how answers name it: `Table T`. */
interface RoleTarget {
  readonly database: Database;
  readonly scope: RoleScope;
  readonly title: string;
}

type RoleTargetOf = (node: SyntaxNode, context: CommandContext) => RoleTarget;

const inDatabase: RoleTargetOf = (node, context) => {
  const database = databaseIn(node, context);
  return { database, scope: wholeDatabase, title: `Database ${database.name}` };
};

const inTable: RoleTargetOf = (node, context) => {
  const { database, table } = placeIn(node, context);
  return { database, scope: scopeOfTable(table), title: `Table ${table.name}` };
};

const inFunction: RoleTargetOf = (node, { database }) => {
  const name = nameOf(findPart(node, "FunctionName")!);
  if (!database.functions.has(name)) throw entityNotFound("Function", name);
  return { database, scope: scopeOfFunction(name), title: `Function ${name}` };
};

const change =
  (act: "add" | "drop" | "set", placeOf: RoleTargetOf): Command =>
  async (node, context) => {
    const { catalogue } = context;
    const { database, scope, title } = placeOf(node, context);
    const role = roleNamed(scope.kind, textOf(findPart(node, "Role")!));
    const notes = textIn(node, "Notes") ?? "";
    const principals = findParts(node, "Principal").map((text) =>
      resolved(parsePrincipal(String(text.LiteralValue)), context.access?.directory),
    );
    const isMeant = (each: RoleAssignment) => isScope(each.scope, scope) && each.role === role;
    if (act === "set") await unassign(catalogue, database, isMeant);
    if (act === "drop")
      await unassign(
        catalogue,
        database,
        (each) => isMeant(each) && principals.some((one) => isSame(one, each.principal)),
      );
    else
      await assign(
        catalogue,
        database,
        principals.map((principal) => ({ id: randomUUID(), scope, role, principal, notes })),
      );
    if (findPart(node, "SkipResults")) return [];
    return assignmentsIn(database, scope).map((each) => rowOf(each, title, context.access?.directory));
  };

const show =
  (placeOf: RoleTargetOf): Command =>
  (node, context) => {
    const { database, scope, title } = placeOf(node, context);
    return assignmentsIn(database, scope).map((each) => rowOf(each, title, context.access?.directory));
  };

/** Those of one principal, the caller's if none is named. */
const showRoles =
  (placeOf: RoleTargetOf): Command =>
  (node, context) => {
    const { database, scope, title } = placeOf(node, context);
    const who = principalIn(node, context);
    if (!who) return [];
    return assignmentsIn(database, scope)
      .filter(({ principal }) => isSame(principal, who))
      .map((each) => roleRow(each, title, context.access?.directory));
  };

const showAllRoles: Command = (node, context) => {
  const who = principalIn(node, context);
  if (!who) return [];
  const inCluster: Stored[][] =
    context.access && isSame(who, context.access.principal) && context.access.clusterRole
      ? [
          [
            "Cluster",
            displayName(who, context.access?.directory),
            objectId(who, context.access?.directory),
            context.access.clusterRole,
          ],
        ]
      : [];
  return [
    ...inCluster,
    ...[...context.catalogue.databases.values()].flatMap((database) =>
      database.roles
        .filter(({ principal }) => isSame(principal, who))
        .map((each) => roleRow(each, titleIn(database, each), context.access?.directory)),
    ),
  ];
};

function titleIn(database: Database, { scope }: RoleAssignment): string {
  if (scope.kind === "database") return `Database ${database.name}`;
  if (scope.kind === "function") return `Function ${scope.entity}`;
  const table = [...database.tables.values()].find(({ id }) => id === scope.entity);
  return `Table ${table?.name ?? scope.entity}`;
}

function principalIn(node: SyntaxNode, { access }: CommandContext): Principal | undefined {
  const named = findPart(node, "Principal");
  if (!named) return access?.principal;
  return resolved(parsePrincipal(String(named.LiteralValue ?? textOf(named))), access?.directory);
}

function textIn(node: SyntaxNode, name: string): string | undefined {
  const found = findPart(node, name);
  return typeof found?.LiteralValue === "string" ? found.LiteralValue : undefined;
}

const resolved = (principal: Principal, directory: Directory | undefined) =>
  directory?.resolved(principal) ?? principal;

const typeNames: Readonly<Record<Principal["kind"], string>> = {
  aadapp: "AAD Application",
  aadgroup: "AAD Group",
  aaduser: "AAD User",
  msauser: "MSA User",
};

function displayName(principal: Principal, directory: Directory | undefined): string {
  const known = directory?.find(principal);
  return known ? `${known.name} (app id: ${principal.id})` : principal.id;
}

const objectId = (principal: Principal, directory: Directory | undefined) => directory?.find(principal)?.objectId ?? "";

function rowOf(assignment: RoleAssignment, title: string, directory: Directory | undefined): Stored[] {
  const { principal, notes, id } = assignment;
  return [
    ...[`${title} ${titleOf(assignment)}`, typeNames[principal.kind], displayName(principal, directory)],
    ...[objectId(principal, directory), principalText(principal), notes, id],
  ];
}

function roleRow(assignment: RoleAssignment, title: string, directory: Directory | undefined): Stored[] {
  const { principal } = assignment;
  return [title, displayName(principal, directory), objectId(principal, directory), titleOf(assignment)];
}

const showCluster: Command = (_node, { access }) =>
  (access?.directory.applications ?? []).flatMap((application) => {
    const { clusterRole } = application;
    if (!access || !clusterRole) return [];
    const principal = access.directory.principalOf(application);
    const { directory } = access;
    const who = [displayName(principal, directory), objectId(principal, directory), principalText(principal)];
    return [[clusterRole, typeNames.aadapp, ...who, "", ""]];
  });

const places = { Database: inDatabase, Table: inTable, Function: inFunction } as const;

/** The commands of security roles (documentation, "Security roles management"). */
export const roleCommands: Readonly<Record<string, Command>> = {
  ShowClusterPrincipals: showCluster,
  ShowPrincipalRoles: showAllRoles,
  ...Object.fromEntries(
    Object.entries(places).flatMap(([kind, placeOf]): [string, Command][] => [
      [`Add${kind}Role`, change("add", placeOf)],
      [`Drop${kind}Role`, change("drop", placeOf)],
      [`Set${kind}Role`, change("set", placeOf)],
      [`Show${kind}Principals`, show(placeOf)],
      [`Show${kind}PrincipalRoles`, showRoles(placeOf)],
    ]),
  ),
};
