import type { Principal } from "../engine/role-assignment.ts";
import type { Application } from "./security-options.ts";

/** Who is known by more than an id: the applications that can log in here. */
export interface Directory {
  readonly applications: readonly Application[];
  /** By id or by name, of this tenant or of none. */
  find(principal: Principal): Application | undefined;
  /** The principal that was meant by a name. */
  resolved(principal: Principal): Principal;
  principalOf(application: Application): Principal;
}

export function directoryOf(applications: readonly Application[], tenantId: string): Directory {
  const principalOf = ({ appId }: Application): Principal => ({ kind: "aadapp", id: appId, tenant: tenantId });
  const find = ({ kind, id, tenant }: Principal) => {
    if (kind !== "aadapp" || (tenant !== undefined && tenant.toLowerCase() !== tenantId)) return undefined;
    const lower = id.toLowerCase();
    return (
      applications.find(({ appId }) => appId === lower) ?? applications.find(({ name }) => name.toLowerCase() === lower)
    );
  };
  return {
    applications,
    find,
    principalOf,
    resolved(principal) {
      const application = find(principal);
      return application ? principalOf(application) : principal;
    },
  };
}
