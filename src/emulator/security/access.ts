import { randomUUID } from "node:crypto";
import type { Catalogue } from "../engine/catalogue.ts";
import type { Database, StoredTable } from "../engine/entities.ts";
import type { DatabaseRole, Principal, RoleScope } from "../engine/role-assignment.ts";
import { KustoError } from "../kusto-error.ts";
import type { Directory } from "./directory.ts";
import { principalText } from "./principal.ts";
import { assign, hasRole, scopeOfFunction, scopeOfTable, wholeDatabase } from "./roles.ts";
import type { ClusterRole } from "./security-options.ts";

/** What can be asked of a database; of each, who may. */
export type DatabaseRight = "read" | "see" | "create" | "ingest" | "administer";

/**
 * What one principal may do. Its methods throw KustoError 403, with the principal's name and the missing permission, in
 * the words of the documentation's "Permissions" sections.
 */
export interface Access {
  readonly principal: Principal;
  readonly directory: Directory;
  mayAnything(operation: string): void;
  mayCluster(role: ClusterRole, operation: string): void;
  mayDatabase(database: Database, right: DatabaseRight, operation: string): void;
  mayTable(database: Database, table: StoredTable, right: "ingest" | "administer", operation: string): void;
  /** The rows of a table whose view is restricted. */
  mayReadRestricted(database: Database, table: StoredTable): void;
  mayFunction(database: Database, name: string, operation: string): void;
  /** Does it have any role there, so that it is told of the database? */
  knows(database: Database): boolean;
  /** May it see what there is in it? */
  sees(database: Database): boolean;
  /** Who creates something is its admin. */
  own(database: Database, scope: RoleScope): Promise<void>;
  readonly clusterRole: ClusterRole | undefined;
}

interface Rule {
  readonly roles: readonly DatabaseRole[];
  readonly cluster: readonly ClusterRole[];
  /** The least of those roles, as a refusal names it. */
  readonly least: string;
}

const rules: Readonly<Record<DatabaseRight, Rule>> = {
  read: {
    roles: ["admins", "users", "viewers"],
    cluster: ["AllDatabasesAdmin", "AllDatabasesViewer"],
    least: "Database Viewer",
  },
  see: {
    roles: ["admins", "users", "viewers", "monitors"],
    cluster: ["AllDatabasesAdmin", "AllDatabasesViewer", "AllDatabasesMonitor"],
    least: "Database User, Database Viewer or Database Monitor",
  },
  create: { roles: ["admins", "users"], cluster: ["AllDatabasesAdmin"], least: "Database User" },
  ingest: { roles: ["admins", "ingestors"], cluster: ["AllDatabasesAdmin"], least: "Database Ingestor" },
  administer: { roles: ["admins"], cluster: ["AllDatabasesAdmin"], least: "Database Admin" },
};

const restricted: Rule = {
  roles: ["unrestrictedviewers"],
  cluster: [],
  least: "Database UnrestrictedViewer",
};

const includes: Readonly<Record<ClusterRole, readonly ClusterRole[]>> = {
  AllDatabasesAdmin: ["AllDatabasesAdmin", "AllDatabasesViewer", "AllDatabasesMonitor"],
  AllDatabasesViewer: ["AllDatabasesViewer", "AllDatabasesMonitor"],
  AllDatabasesMonitor: ["AllDatabasesMonitor"],
};

export function accessOf(catalogue: Catalogue, principal: Principal, directory: Directory): Access {
  const name = principalText(principal);
  const clusterRole = directory.find(principal)?.clusterRole;

  const passes = (database: Database, { roles, cluster }: Rule) =>
    (clusterRole !== undefined && cluster.includes(clusterRole)) ||
    hasRole(database, wholeDatabase, principal, ...roles);

  const knows = (database: Database) =>
    clusterRole !== undefined || database.roles.some((each) => hasRole(database, each.scope, principal, each.role));

  function refuse(operation: string, on: string, least: string): never {
    throw new KustoError(
      `Principal '${name}' is not authorized to ${operation} ${on}. It needs ${least} permissions.`,
      {
        status: 403,
        code: "Forbidden",
        type: on.startsWith("database ")
          ? "Kusto.DataNode.Exceptions.UnauthorizedDatabaseAccessException"
          : "Kusto.Common.Svc.Exceptions.UnauthorizedOperationException",
      },
    );
  }

  const onDatabase = ({ name: of }: Database) => `database '${of}'`;

  function mayDatabase(database: Database, right: DatabaseRight, operation: string): void {
    const rule = rules[right];
    if (!passes(database, rule)) refuse(operation, onDatabase(database), rule.least);
  }

  function mayEntity(database: Database, scope: RoleScope, right: "ingest" | "administer"): boolean {
    if (passes(database, rules[right])) return true;
    return hasRole(database, scope, principal, "admins", ...(right === "ingest" ? (["ingestors"] as const) : []));
  }

  return {
    principal,
    directory,
    clusterRole,
    knows,
    sees: (database) => passes(database, rules.see),
    mayDatabase,
    mayAnything(operation) {
      if (![...catalogue.databases.values()].some(knows)) refuse(operation, "this cluster", "at least one role's");
    },
    mayCluster(role, operation) {
      if (clusterRole === undefined || !includes[clusterRole].includes(role)) refuse(operation, "this cluster", role);
    },
    mayTable(database, table, right, operation) {
      if (mayEntity(database, scopeOfTable(table), right)) return;
      const least = right === "ingest" ? "Table Ingestor" : "Table Admin";
      refuse(operation, `table '${table.name}' of database '${database.name}'`, least);
    },
    mayReadRestricted(database, table) {
      if (!passes(database, restricted))
        refuse("read", `table '${table.name}' of database '${database.name}'`, restricted.least);
    },
    mayFunction(database, name, operation) {
      if (!mayEntity(database, scopeOfFunction(name), "administer"))
        refuse(operation, `function '${name}' of database '${database.name}'`, "Function Admin");
    },
    own: (database, scope) =>
      assign(catalogue, database, [{ id: randomUUID(), scope, role: "admins", principal, notes: "" }]),
  };
}
