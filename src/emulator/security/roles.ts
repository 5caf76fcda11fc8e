import { type Catalogue, changeDatabase } from "../engine/catalogue.ts";
import type { Database, StoredTable } from "../engine/entities.ts";
import type { Principal, Role, RoleAssignment, RoleScope } from "../engine/role-assignment.ts";
import { KustoError } from "../kusto-error.ts";
import { isSame } from "./principal.ts";

/** The roles there are for each kind of scope (documentation, "Security roles"), and how an answer names them. */
const roles: Readonly<Record<RoleScope["kind"], Readonly<Partial<Record<Role, string>>>>> = {
  database: {
    admins: "Admin",
    users: "User",
    viewers: "Viewer",
    unrestrictedviewers: "UnrestrictedViewer",
    ingestors: "Ingestor",
    monitors: "Monitor",
  },
  table: { admins: "Admin", ingestors: "Ingestor" },
  function: { admins: "Admin" },
};

export const titleOf = ({ scope, role }: Pick<RoleAssignment, "scope" | "role">) => roles[scope.kind][role]!;

/** @throws KustoError for a role that the scope has not. */
export function roleNamed(kind: RoleScope["kind"], text: string): Role {
  const known = roles[kind];
  const found = (Object.keys(known) as Role[]).find((role) => role === text.toLowerCase());
  if (found) return found;
  throw new KustoError(`A ${kind} has no role '${text}'; there are: ${Object.keys(known).join(", ")}.`);
}

export const wholeDatabase: RoleScope = { kind: "database", entity: "" };
export const scopeOfTable = ({ id }: StoredTable): RoleScope => ({ kind: "table", entity: id });
export const scopeOfFunction = (name: string): RoleScope => ({ kind: "function", entity: name });

export const isScope = (a: RoleScope, b: RoleScope) => a.kind === b.kind && a.entity === b.entity;

/** Those who have roles in a scope; of one role, if it is named. */
export function assignmentsIn({ roles: all }: Database, scope: RoleScope, role?: Role): RoleAssignment[] {
  return all.filter((each) => isScope(each.scope, scope) && (role === undefined || each.role === role));
}

export function hasRole(database: Database, scope: RoleScope, principal: Principal, ...wanted: Role[]): boolean {
  return assignmentsIn(database, scope).some((each) => wanted.includes(each.role) && isSame(each.principal, principal));
}

/** Adds to a role those who do not have it. Roles of tables that are gone go too, so that the list has a bound. */
export function assign(catalogue: Catalogue, database: Database, added: readonly RoleAssignment[]): Promise<void> {
  return changeDatabase(catalogue, database, () => {
    const ids = new Set([...database.tables.values()].map(({ id }) => id));
    const kept = database.roles.filter(({ scope }) => scope.kind !== "table" || ids.has(scope.entity));
    for (const each of added) if (!kept.some((other) => isEqual(other, each))) kept.push(each);
    return { roles: kept };
  });
}

const isEqual = (a: RoleAssignment, b: RoleAssignment) =>
  isScope(a.scope, b.scope) && a.role === b.role && isSame(a.principal, b.principal);

export function unassign(
  catalogue: Catalogue,
  database: Database,
  isGone: (assignment: RoleAssignment) => boolean,
): Promise<void> {
  return changeDatabase(catalogue, database, () => ({ roles: database.roles.filter((each) => !isGone(each)) }));
}
