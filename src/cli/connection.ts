import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import type { AdminRetries } from "../connectors/kusto/admin.ts";
import { endpointsOf } from "../connectors/kusto/cluster-url.ts";
import type { KustoIngestionOptions } from "../connectors/kusto/ingestion-options.ts";
import type { KustoOptions } from "../connectors/kusto/options.ts";
import { refuseUnknownHost } from "../connectors/kusto/trust.ts";
import { MillraceError, reasonOf } from "../errors.ts";
import { wholeNumber } from "./flags.ts";

/** What the connection flags give. */
export interface ConnectionFlags {
  cluster?: string;
  database?: string;
  appId?: string;
  appKeyFile?: string;
  tenant?: string;
  certificate?: string;
  managedIdentity?: string | true;
  workloadIdentity?: boolean;
  azureCli?: boolean;
  defaultCredential?: boolean;
  tokenFile?: string;
  authorityHost?: string;
  trustedHost?: string[];
  retryTimeoutMs?: number;
}

/** Adds the flags that say which cluster, and who we are there. */
export function addConnectionFlags(command: Command): Command {
  const login = "Login (one of these; none for an emulator):";
  const add = (option: Option, group?: string) => command.addOption(group ? option.helpGroup(group) : option);
  add(
    new Option("--cluster <url>", "the cluster, such as https://adx.westeurope.kusto.windows.net").env(
      "MILLRACE_CLUSTER",
    ),
  );
  add(new Option("--database <name>", "the database").env("MILLRACE_DATABASE"));
  add(new Option("--azure-cli", "the account of `az login`"), login);
  add(new Option("--managed-identity [client-id]", "the machine's identity, or a user-assigned one"), login);
  add(new Option("--workload-identity", "Kubernetes workload identity"), login);
  add(new Option("--default-credential", "whatever @azure/identity finds"), login);
  add(
    new Option("--app-id <id>", "an app, with --tenant and its key in MILLRACE_APP_KEY, or a file below").env(
      "MILLRACE_APP_ID",
    ),
    login,
  );
  add(new Option("--tenant <id>", "its tenant").env("MILLRACE_TENANT"), login);
  add(new Option("--app-key-file <file>", "a file with its key"), login);
  add(new Option("--certificate <file>", "a PEM file with its certificate and private key"), login);
  add(
    new Option("--token-file <file>", "a file with a bearer token, read again for each request (or MILLRACE_TOKEN)"),
    login,
  );
  add(new Option("--authority-host <url>", "the login authority of a sovereign cloud"), login);
  add(
    new Option(
      "--trusted-host <host...>",
      "a host beside Kusto's and Azure Storage's own that may be given a token, rows and SAS",
    ),
    login,
  );
  add(
    new Option(
      "--retry-timeout-ms <ms>",
      "how long a call to the cluster is tried again; 0: not at all (default: 300000 to ingest, else 30000)",
    ).argParser(wholeNumber(0)),
  );
  return command;
}

/** Of commands that somebody waits for. */
const waitedForMs = 30_000;

/** How calls are repeated for somebody who waits. Where nothing listens, or the host is unknown, that is told at once. */
export function shortRetries({ retryTimeoutMs = waitedForMs }: ConnectionFlags): AdminRetries {
  return { retryTimeoutMs, absentTimeoutMs: 0 };
}

/** How calls are repeated on the way to an ingestion that may run unattended. */
export function longRetries({ retryTimeoutMs }: ConnectionFlags): AdminRetries {
  return { ...(retryTimeoutMs !== undefined && { retryTimeoutMs }) };
}

/**
 * The options of `kusto()`. Secrets come from files or the environment, never from an argument, which everyone on the
 * machine can read.
 *
 * @throws MillraceError BAD_OPTION; UNTRUSTED_HOST for an unknown host, before a login is asked for
 */
export function connectionFrom(flags: ConnectionFlags, env: NodeJS.ProcessEnv = process.env): KustoOptions {
  const { cluster, database } = flags;
  if (!cluster) throw usage("no cluster: give --cluster URL, or MILLRACE_CLUSTER");
  const { host, isLoopback } = endpointsOf(cluster, database, flags.trustedHost);
  if (!database) throw usage("no database: give --database NAME, or MILLRACE_DATABASE");
  return {
    cluster,
    database,
    ...loginFrom(flags, env, isLoopback ? undefined : host),
    ...withoutUndefined(hostsFrom(flags)),
  };
}

function hostsFrom({ authorityHost, trustedHost }: ConnectionFlags): Partial<KustoOptions> {
  return { authorityHost, trustedHosts: trustedHost } as Partial<KustoOptions>;
}

/** @param host the one that wants a login. */
function loginFrom(flags: ConnectionFlags, env: NodeJS.ProcessEnv, host: string | undefined): Partial<KustoOptions> {
  const { appId, appKeyFile, tenant: tenantId, certificate, managedIdentity, tokenFile } = flags;
  const ways: Partial<KustoOptions>[] = [];
  if (appKeyFile !== undefined) ways.push({ appKey: secretIn(appKeyFile) });
  if (certificate !== undefined) ways.push({ certificatePath: certificate });
  if (managedIdentity !== undefined)
    ways.push({ managedIdentityAppId: managedIdentity === true ? "system" : managedIdentity });
  if (flags.workloadIdentity) ways.push({ workloadIdentity: true });
  if (flags.azureCli) ways.push({ azureCli: true });
  if (flags.defaultCredential) ways.push({ defaultCredential: true });
  if (tokenFile !== undefined) ways.push({ token: () => tokenIn(tokenFile) });
  // What the environment holds counts only where no flag says another thing, and a loopback needs nothing.
  if (ways.length === 0 && host !== undefined) {
    if (env.MILLRACE_APP_KEY) ways.push({ appKey: env.MILLRACE_APP_KEY });
    else if (env.MILLRACE_TOKEN) ways.push({ token: env.MILLRACE_TOKEN });
    else {
      refuseUnknownHost(host, flags.trustedHost ?? []);
      throw usage(
        `no login for ${host}: give --azure-cli, --managed-identity, --workload-identity, --default-credential, --token-file, or --app-id and --tenant with MILLRACE_APP_KEY`,
      );
    }
  }
  const way: Partial<KustoOptions> = Object.assign({}, ...ways);
  const isApp = way.appKey !== undefined || way.certificatePath !== undefined || way.workloadIdentity === true;
  const takesTenant = isApp || way.azureCli === true || way.defaultCredential === true;
  return {
    ...way,
    ...withoutUndefined({ appId: isApp ? appId : undefined, tenantId: takesTenant ? tenantId : undefined }),
  };
}

function secretIn(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw usage(`cannot read ${file}: ${reasonOf(error)}`);
  }
}

async function tokenIn(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    throw new MillraceError("UNAUTHENTICATED", `Cannot read the token in ${file}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function withoutUndefined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

export function usage(reason: string): MillraceError {
  return new MillraceError("BAD_OPTION", reason);
}

/** An emulator, or a tunnel: what it has taken it loads within a second. */
export function isLoopback({ cluster }: Pick<KustoOptions, "cluster">): boolean {
  return /^https?:\/\/(localhost\b|127\.|\[::1\])/.test(cluster);
}

/** Whether a command waits until the rows are loaded. */
export function isWaiting({ wait }: { readonly wait?: boolean }, connection: KustoOptions): boolean {
  return wait === true || isLoopback(connection);
}

/** How the status of what was sent is asked for. */
export function pollingOptions(flags: { readonly wait?: boolean }, connection: KustoOptions): KustoIngestionOptions {
  return {
    ...(isWaiting(flags, connection) && { pollForIngestionStatus: true }),
    ...(isLoopback(connection) && { pollIntervalMs: 100 }),
  };
}
