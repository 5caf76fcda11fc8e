import { MillraceError } from "../../errors.ts";
import { refuseUnknownOptions } from "../../option-names.ts";
import { sinkOptionNames } from "../../options.ts";
import { bearerToken } from "./bearer-token.ts";
import { endpointsOf } from "./cluster-url.ts";
import type { Connection, Login, TokenCredential } from "./connection.ts";
import { ingestionOf, ingestionOptionNames, type KustoIngestionOptions } from "./ingestion-options.ts";
import { refuseUnknownHost } from "./trust.ts";

/**
 * Where the cluster is, who we are there, and how rows come into a table. Exactly one way to log in is given, or none for a loopback
 * cluster such as the emulator.
 */
export interface KustoOptions extends KustoIngestionOptions {
  /**
   * The cluster's URL: `https://adx.westeurope.kusto.windows.net`, a Fabric Eventhouse's query URI, or
   * `http://127.0.0.1:<port>`. The `ingest-` address is derived; it may be given instead. `https://` may be left out before a
   * Kusto host, and the database's name may follow as a path.
   */
  cluster: string;
  database: string;

  /** Application (client) id, with `tenantId` and one of `appKey`, `certificate`, `certificatePath`. */
  appId?: string;
  appKey?: string;
  tenantId?: string;
  /** PEM text of certificate and private key. */
  certificate?: string;
  /** Path of a PEM file with certificate and private key. */
  certificatePath?: string;
  /** `"system"`, or the client id of a user-assigned identity. */
  managedIdentityAppId?: string;
  /** Kubernetes workload identity, by the usual AZURE_* environment; `appId` and `tenantId` override it. */
  workloadIdentity?: boolean;
  /** The account that `az login` signed in. */
  azureCli?: boolean;
  /** @azure/identity's chain: environment, workload identity, managed identity, developer tools. */
  defaultCredential?: boolean;
  /** A credential made by the caller. */
  credential?: TokenCredential;
  /**
   * A bearer token, or a callback that is asked for one at each request and answers within `requestTimeoutMs`. `Bearer ` before
   * it and white space around it are taken off.
   */
  token?: string | (() => string | Promise<string>);

  /** The login authority, for a sovereign cloud or a test. Default: what the cluster's cloud says, if it is a known one. */
  authorityHost?: string;
  /**
   * Hosts that may be given a token beside Kusto's own, and rows and SAS beside Azure Storage's: `host.example` exactly, or
   * `.example` for all below it.
   */
  trustedHosts?: readonly string[];
  /** The longest time for one request to the cluster, in milliseconds. Default 60 000. */
  requestTimeoutMs?: number;
}

/** What each way to log in is recognised by; `appId` and `tenantId` belong to several. */
const loginOptions = [
  "appKey",
  "certificate",
  "certificatePath",
  "managedIdentityAppId",
  "workloadIdentity",
  "azureCli",
  "defaultCredential",
  "credential",
  "token",
] as const satisfies readonly (keyof KustoOptions)[];
type LoginOption = (typeof loginOptions)[number];

const connectionNames = [
  ...["cluster", "database", "appId", "tenantId", ...loginOptions],
  ...["authorityHost", "trustedHosts", "requestTimeoutMs"],
] as const satisfies readonly (keyof KustoOptions)[];

export const optionNames: readonly string[] = [...connectionNames, ...ingestionOptionNames];

/**
 * Checks the options once and names every way in which they cannot be used.
 *
 * @param what whose options they are
 * @throws MillraceError BAD_OPTION; UNTRUSTED_HOST for http to anything but the loopback, and for an unknown host without a
 *   login.
 */
export function connectionOf(options: KustoOptions, what = "kusto()"): Connection {
  refuseUnknownOptions(what, options, optionNames, sinkOptionNames);
  const database = text("database", options.database);
  const trustedHosts = trustedHostsOf(options.trustedHosts);
  const cluster = text("cluster", options.cluster);
  const { engineUrl, ingestUrl, host, isLoopback } = endpointsOf(cluster, database, trustedHosts);
  const login = loginOf(options);
  if (login.kind === "none" && !isLoopback) {
    refuseUnknownHost(host, trustedHosts);
    throw bad(
      `kusto(): ${host} needs a credential: appId + appKey + tenantId, managedIdentityAppId, workloadIdentity, azureCli, defaultCredential, credential or token.`,
    );
  }
  return {
    engineUrl,
    ingestUrl,
    host,
    isLoopback,
    login,
    database,
    authorityHost: authorityOf(options.authorityHost),
    trustedHosts,
    requestTimeoutMs: durationOf(
      "requestTimeoutMs",
      options.requestTimeoutMs === undefined ? 60_000 : options.requestTimeoutMs,
    ),
    ingestion: ingestionOf(options, what),
  };
}

function bad(message: string): MillraceError {
  return new MillraceError("BAD_OPTION", message);
}

function text(name: string, value: unknown): string {
  if (typeof value !== "string" || value.trim() === "") throw bad(`kusto(): ${name} must be a non-empty string.`);
  return value;
}

function optionalText(name: string, value: unknown): string | undefined {
  return value === undefined ? undefined : text(name, value);
}

function durationOf(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value > 0 && value < 2 ** 31) return value;
  throw bad(`kusto(): ${name} must be a whole number of milliseconds above 0.`);
}

function loginOf(options: KustoOptions): Login {
  const given = loginOptions.filter((name) => options[name] !== undefined && options[name] !== false);
  if (given.length > 1) throw bad(`kusto(): ${given.join(" and ")} are different ways to log in; give one.`);
  const way = given[0];
  refuseStray(options, way);
  if (way === undefined) return { kind: "none" };
  return logins[way](options);
}

/** Which ways need the two shared options, and which merely allow them. */
const takesAppId: readonly LoginOption[] = ["appKey", "certificate", "certificatePath", "workloadIdentity"];
const takesTenantId: readonly LoginOption[] = [...takesAppId, "azureCli", "defaultCredential"];

function refuseStray(options: KustoOptions, way: LoginOption | undefined): void {
  if (options.appId !== undefined && way === undefined)
    throw bad("kusto(): appId needs appKey, certificate or certificatePath beside it.");
  if (options.appId !== undefined && !takesAppId.includes(way!))
    throw bad(`kusto(): appId says nothing to ${way}; leave it out.`);
  if (options.tenantId !== undefined && !(way && takesTenantId.includes(way)))
    throw bad(
      way
        ? `kusto(): tenantId says nothing to ${way}; leave it out.`
        : "kusto(): tenantId needs appId and appKey beside it.",
    );
}

function required(options: KustoOptions, name: "appId" | "tenantId", way: LoginOption): string {
  if (options[name] === undefined) throw bad(`kusto(): ${way} needs ${name} beside it.`);
  return text(name, options[name]);
}

const logins: { readonly [W in LoginOption]: (options: KustoOptions) => Login } = {
  appKey: (o) => ({
    kind: "appKey",
    appId: required(o, "appId", "appKey"),
    appKey: text("appKey", o.appKey),
    tenantId: required(o, "tenantId", "appKey"),
  }),
  certificate: (o) => ({
    kind: "certificate",
    appId: required(o, "appId", "certificate"),
    tenantId: required(o, "tenantId", "certificate"),
    certificate: { certificate: text("certificate", o.certificate) },
  }),
  certificatePath: (o) => ({
    kind: "certificate",
    appId: required(o, "appId", "certificatePath"),
    tenantId: required(o, "tenantId", "certificatePath"),
    certificate: { certificatePath: text("certificatePath", o.certificatePath) },
  }),
  managedIdentityAppId: (o) => {
    const id = text("managedIdentityAppId", o.managedIdentityAppId);
    return { kind: "managedIdentity", clientId: id === "system" ? undefined : id };
  },
  workloadIdentity: (o) => ({
    kind: "workloadIdentity",
    appId: optionalText("appId", flagged("workloadIdentity", o).appId),
    tenantId: optionalText("tenantId", o.tenantId),
  }),
  azureCli: (o) => ({ kind: "azureCli", tenantId: optionalText("tenantId", flagged("azureCli", o).tenantId) }),
  defaultCredential: (o) => ({
    kind: "defaultCredential",
    tenantId: optionalText("tenantId", flagged("defaultCredential", o).tenantId),
  }),
  credential: ({ credential }) => {
    if (typeof credential?.getToken !== "function")
      throw bad("kusto(): credential must have a getToken method, as @azure/identity's have.");
    return { kind: "credential", credential };
  },
  token: ({ token }) => {
    if (typeof token === "function") return { kind: "token", token };
    const fixed = bearerToken(token, "kusto(): token");
    return { kind: "token", token: () => fixed };
  },
};

function flagged(name: LoginOption, options: KustoOptions): KustoOptions {
  if (options[name] !== true) throw bad(`kusto(): ${name} must be true or false.`);
  return options;
}

function authorityOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const given = text("authorityHost", value);
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol !== "https:")
    throw bad("kusto(): authorityHost must be an https URL, as https://login.microsoftonline.com.");
  return given.replace(/\/+$/, "");
}

function trustedHostsOf(value: unknown): readonly string[] {
  if (value === undefined) return [];
  const isHost = (host: unknown) => typeof host === "string" && /^\.?[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(host);
  if (!Array.isArray(value) || !value.every(isHost))
    throw bad(
      "kusto(): trustedHosts is a list of host names, without scheme or port; .example.com means all below it.",
    );
  return value.map((host: string) => host.toLowerCase());
}
