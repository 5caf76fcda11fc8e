import type { Principal } from "../engine/role-assignment.ts";
import { KustoError } from "../kusto-error.ts";

const kinds = ["aadapp", "aaduser", "aadgroup", "msauser"] as const;

/** @throws KustoError for a text that names nobody. */
export function parsePrincipal(text: string): Principal {
  const [, kind, id, tenant] = /^\s*(\w+)\s*=\s*([^;\s][^;]*?)\s*(?:;\s*([^;]+?)\s*)?$/.exec(text) ?? [];
  const known = kinds.find((each) => each === kind?.toLowerCase());
  if (known && id !== undefined) return { kind: known, id, tenant };
  throw new KustoError(`'${text}' is not a principal; it is written as in 'aadapp=<application id>;<tenant id>'.`, {
    code: "BadRequest_InvalidPrincipal",
  });
}

export const principalText = ({ kind, id, tenant }: Principal) =>
  `${kind}=${id}${tenant === undefined ? "" : `;${tenant}`}`;

/** A principal that was written without a tenant is of any. */
export function isSame(a: Principal, b: Principal): boolean {
  const same = (x: string, y: string) => x.toLowerCase() === y.toLowerCase();
  const isOneTenant = a.tenant === undefined || b.tenant === undefined || same(a.tenant, b.tenant);
  return a.kind === b.kind && same(a.id, b.id) && isOneTenant;
}
