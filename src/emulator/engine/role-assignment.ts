/** Who can be given a role; written `aadapp=<id>;<tenant>` (documentation, "Referencing security principals"). */
export interface Principal {
  readonly kind: "aadapp" | "aaduser" | "aadgroup" | "msauser";
  /** An id, a name or an address, as it was given. */
  readonly id: string;
  readonly tenant: string | undefined;
}

export type DatabaseRole = "admins" | "users" | "viewers" | "unrestrictedviewers" | "ingestors" | "monitors";
export type Role = DatabaseRole;

/** What a role is over. */
export interface RoleScope {
  readonly kind: "database" | "table" | "function";
  /** Of a table its id, so that a new table of the same name begins anew; of a function its name. */
  readonly entity: string;
}

/** Somebody has a role. Kept with the database, as plain data. */
export interface RoleAssignment {
  readonly id: string;
  readonly scope: RoleScope;
  readonly role: Role;
  readonly principal: Principal;
  readonly notes: string;
}
