import type { CertificateSource } from "./certificate.ts";
import type { Ingestion } from "./ingestion-options.ts";

/** Checked options. */
export interface Connection {
  readonly engineUrl: string;
  readonly ingestUrl: string;
  readonly host: string;
  readonly isLoopback: boolean;
  readonly database: string;
  readonly login: Login;
  readonly authorityHost: string | undefined;
  readonly trustedHosts: readonly string[];
  readonly requestTimeoutMs: number;
  readonly ingestion: Ingestion;
}

/** The ways to log in, as one value: contradictions have been refused. */
export type Login =
  | { readonly kind: "none" }
  | { readonly kind: "appKey"; readonly appId: string; readonly appKey: string; readonly tenantId: string }
  | {
      readonly kind: "certificate";
      readonly appId: string;
      readonly tenantId: string;
      readonly certificate: CertificateSource;
    }
  | { readonly kind: "managedIdentity"; readonly clientId: string | undefined }
  | { readonly kind: "workloadIdentity"; readonly appId: string | undefined; readonly tenantId: string | undefined }
  | { readonly kind: "azureCli"; readonly tenantId: string | undefined }
  | { readonly kind: "defaultCredential"; readonly tenantId: string | undefined }
  | { readonly kind: "credential"; readonly credential: TokenCredential }
  | { readonly kind: "token"; readonly token: () => string | Promise<string> };

/** A token as @azure/identity's credentials give it; any object with this method will do. */
export interface TokenCredential {
  getToken(
    scopes: string | string[],
    options?: { abortSignal?: AbortSignal; claims?: string },
  ): Promise<{ token: string; expiresOnTimestamp: number; refreshAfterTimestamp?: number } | null>;
}
