// Users' compilers read this file, so no import here may lead to the store: the types of DuckDB are not there until it is
// installed.
import { KustoError } from "../kusto-error.ts";
import type { Authority } from "./authority.ts";
import { directoryOf } from "./directory.ts";
import { principalText } from "./principal.ts";
import type { Application, CheckedSecurity } from "./security-options.ts";

/** How to log in at an emulator that asks for it. */
export interface EmulatorSecurity {
  readonly tenantId: string;
  /** `https://localhost:PORT`: the `authorityHost` of a login. */
  readonly authorityHost: string;
  /** PEM of the authority's self-made certificate, for NODE_EXTRA_CA_CERTS; without it no login is possible. */
  readonly certificate: string;
  readonly applications: readonly SecurityApplication[];
  /** The environment in which @azure/identity finds the managed identity endpoints. */
  readonly managedIdentity: {
    /** As on a virtual machine (IMDS). */
    readonly imds: { readonly AZURE_POD_IDENTITY_AUTHORITY_HOST: string };
    readonly appService: { readonly IDENTITY_ENDPOINT: string; readonly IDENTITY_HEADER: string };
  };
  /** A bearer token without a login, for clients that cannot trust the certificate. */
  token(appId: string, options?: { readonly lifeMs?: number; readonly resource?: string }): string;
  /** What the file AZURE_FEDERATED_TOKEN_FILE of workload identity has to hold. */
  federatedToken(appId: string): string;
  /** From now on tokens that were given out before are refused: 401. */
  revokeTokens(): void;
}

/** An application that can log in, as the emulator made it. */
export interface SecurityApplication {
  readonly appId: string;
  readonly name: string;
  /** Secret. */
  readonly appKey: string;
  /** `aadapp=<id>;<tenant>`, as `.add` takes it. */
  readonly principal: string;
}

/** What clients ask a token for. */
export const serviceResource = "https://kusto.kusto.windows.net";

export function emulatorSecurity({ applications, tenantId }: CheckedSecurity, authority: Authority): EmulatorSecurity {
  const directory = directoryOf(applications, tenantId);
  const found = (appId: string): Application => {
    const application = directory.find({ kind: "aadapp", id: appId, tenant: tenantId });
    if (!application) throw new KustoError(`The emulator knows no application '${appId}'.`);
    return application;
  };
  const { imdsHost, endpoint, header } = authority.identity;
  return {
    tenantId,
    authorityHost: authority.host,
    certificate: authority.certificate,
    applications: applications.map((application) => ({
      appId: application.appId,
      name: application.name,
      appKey: application.appKey,
      principal: principalText(directory.principalOf(application)),
    })),
    managedIdentity: {
      imds: { AZURE_POD_IDENTITY_AUTHORITY_HOST: imdsHost },
      appService: { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header },
    },
    token: (appId, { lifeMs, resource = serviceResource } = {}) => authority.issue(found(appId), resource, lifeMs),
    federatedToken: (appId) => authority.federatedToken(found(appId)),
    revokeTokens: authority.revokeTokens,
  };
}
