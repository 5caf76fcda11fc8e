import { MillraceError } from "../../errors.ts";
import { bearerToken } from "./bearer-token.ts";
import { certificateFor } from "./certificate.ts";
import { cloudInfo } from "./cloud.ts";
import type { Connection, Login, TokenCredential } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { CallError, callFailure, isTlsRefusal, toMillraceError } from "./errors.ts";
import { isKnownAuthority } from "./kusto-hosts.ts";
import { identityNetwork } from "./network.ts";
import { isProxyFault } from "./proxy-fault.ts";
import type { Scrubber } from "./scrub.ts";
import { assertResourceTrusted } from "./trust.ts";

/** Gives a valid bearer token; undefined where the cluster asks for none (loopback). */
export interface TokenSource {
  (): Promise<string>;
  /** Counts the tokens that were refused, so that many calls that met one refusal ask for one new token. */
  readonly generation: number;
  /** The cluster refuses the token of this generation, before its time: the next call asks for another. */
  refuse(generation: number): void;
}

/** A token is renewed this long before its end, so that none runs out on its way. */
const renewAheadMs = 5 * 60_000;

/**
 * The token source of a connection. @azure/identity is loaded only where a login needs it. The token is kept until shortly
 * before its end and asked for once by however many callers: the Azure CLI credential, for one, starts a process per call.
 */
export async function tokenSource(
  connection: Connection,
  scrub: Scrubber,
  signal: AbortSignal,
): Promise<TokenSource | undefined> {
  const { login } = connection;
  if (login.kind === "none") return undefined;
  if (login.kind === "token") return callbackSource(login.token, connection.requestTimeoutMs, scrub, signal);
  const cloud = await cloudOf(connection, scrub, signal);
  if (login.kind === "credential") {
    const own = { credential: login.credential, isOurs: false };
    return credentialSource(async () => own, cloud.scope, connection, scrub, signal);
  }
  const authority = usesAuthority(login) ? authorityOf(connection, cloud) : undefined;
  const make = async () => {
    const { options, failure } = await identityNetwork();
    return { credential: await credentialOf(login, options, authority), isOurs: true, url: authority, failure };
  };
  return credentialSource(make, cloud.scope, connection, scrub, signal, await make());
}

function callbackSource(
  callback: () => string | Promise<string>,
  requestTimeoutMs: number,
  scrub: Scrubber,
  signal: AbortSignal,
): TokenSource {
  const source = async () => {
    try {
      const given = await withDeadline(requestTimeoutMs, signal, "Asking the token callback", async () => callback());
      const token = bearerToken(given, "kusto(): what the token callback gave");
      scrub.add(token);
      return token;
    } catch (error) {
      throw loginFailed(error, "token", scrub);
    }
  };
  // It is asked each time anyway.
  return Object.assign(source, { generation: 0, refuse: () => {} });
}

interface Made {
  readonly credential: TokenCredential;
  /** Whether it can be made anew, with no token remembered. */
  readonly isOurs: boolean;
  /** The login authority. */
  readonly url?: string | undefined;
  /** The last failure of its requests. */
  failure?(): unknown;
}

/** What a service says that ends a token early (continuous access evaluation): those from before this second will not do. */
const notBeforeNow = () =>
  JSON.stringify({ access_token: { nbf: { essential: true, value: String(Math.floor(Date.now() / 1000)) } } });

function credentialSource(
  make: () => Promise<Made>,
  scope: string,
  { login, requestTimeoutMs }: Connection,
  scrub: Scrubber,
  signal: AbortSignal,
  first?: Made,
): TokenSource {
  let made = first;
  let claims: string | undefined;
  let generation = 0;
  let held: { token: string; renewAt: number } | undefined;
  let asking: Promise<string> | undefined;
  async function ask(): Promise<string> {
    const doing = `Logging in by ${login.kind}`;
    const asked = generation;
    try {
      made ??= await make();
      const { credential } = made;
      const options = claims === undefined ? {} : { claims };
      const answer = await withDeadline(
        requestTimeoutMs,
        signal,
        doing,
        (abortSignal) => credential.getToken(scope, { abortSignal, ...options }),
        made.url,
      );
      if (!answer?.token) throw new TypeError("the credential gave no token");
      const token = bearerToken(answer.token, "kusto(): what the credential gave");
      scrub.add(token);
      if (asked !== generation) return token;
      claims = undefined;
      held = {
        token,
        renewAt: Math.min(answer.refreshAfterTimestamp ?? Infinity, answer.expiresOnTimestamp - renewAheadMs),
      };
      return token;
    } catch (error) {
      throw loginFailed(causeInNetwork(made?.failure?.()) ?? error, login.kind, scrub, made?.url);
    } finally {
      if (asked === generation) asking = undefined;
    }
  }
  async function source(): Promise<string> {
    if (held && Date.now() < held.renewAt) return held.token;
    asking ??= ask();
    return asking;
  }
  return Object.defineProperties(source, {
    generation: { get: () => generation },
    refuse: {
      value(refused: number) {
        if (refused !== generation) return;
        generation++;
        held = undefined;
        asking = undefined;
        // Credentials remember tokens too. Ours is made anew; the caller's is told that the old one will not do.
        if (made?.isOurs) made = undefined;
        else claims = notBeforeNow();
      },
    },
  }) as TokenSource;
}

/** A failure on the way to the authority that will not pass, or that a proxy caused: MSAL would tell of an outage. */
function causeInNetwork(failure: unknown): unknown {
  if (failure instanceof MillraceError) return failure;
  const { code } = (failure ?? {}) as { code?: unknown };
  const isKnown = isProxyFault(code) || (failure instanceof Error && isTlsRefusal(String(code), failure.message));
  return isKnown ? failure : undefined;
}

function loginFailed(error: unknown, kind: Login["kind"], scrub: Scrubber, url?: string): MillraceError {
  const failure = toMillraceError(error, { doing: `Logging in by ${kind}`, url, to: "kusto", scrub });
  // Whatever the SDKs call it, an answer that is neither an outage nor a throttling means: no token.
  if (["UNREACHABLE", "THROTTLED", "ABORTED", "BAD_OPTION"].includes(failure.code)) return failure;
  const context = { ...failure.context, login: kind };
  const facts = { ...(callFailure(failure) ?? { isAtProxy: false }), isLogin: true };
  return new CallError(facts, "UNAUTHENTICATED", failure.message, { cause: failure.cause, context });
}

/** What the cluster's cloud says of itself. */
interface Cloud {
  readonly scope: string;
  readonly loginEndpoint: string;
}

async function cloudOf(connection: Connection, scrub: Scrubber, signal: AbortSignal): Promise<Cloud> {
  const info = await cloudInfo(connection.engineUrl, connection.requestTimeoutMs, scrub, signal);
  assertResourceTrusted(connection, info.KustoServiceResourceId);
  const resource = info.LoginMfaRequired
    ? info.KustoServiceResourceId.replace(".kusto.", ".kustomfa.")
    : info.KustoServiceResourceId;
  return { scope: `${resource}/.default`, loginEndpoint: info.LoginEndpoint };
}

/**
 * The authority that receives the login. The cluster's own word is taken only when it names one of the known clouds:
 * an app key must not go wherever a server points.
 */
function authorityOf(connection: Connection, cloud: Cloud): string {
  if (connection.authorityHost) return connection.authorityHost;
  if (isKnownAuthority(cloud.loginEndpoint)) return cloud.loginEndpoint;
  throw new MillraceError(
    "UNTRUSTED_HOST",
    `${connection.host} names the login authority ${cloud.loginEndpoint}, which is not known; set authorityHost if it is right.`,
  );
}

type IdentityLogin = Exclude<Login, { kind: "none" | "token" | "credential" }>;

/** These go to an endpoint of the machine and to a program on it, whatever the cluster names. */
const usesAuthority = ({ kind }: IdentityLogin) => kind !== "managedIdentity" && kind !== "azureCli";

async function credentialOf(login: IdentityLogin, network: object, authorityHost = ""): Promise<TokenCredential> {
  const identity = await import("@azure/identity");
  const isPublic = Object.values(identity.AzureAuthorityHosts).some((known) => sameHost(known, authorityHost));
  // An authority that Microsoft's public directory does not list can only be taken at its word.
  const options = {
    ...network,
    authorityHost,
    disableInstanceDiscovery: !isPublic,
    redirectOptions: { maxRetries: 0 },
  };
  switch (login.kind) {
    case "appKey":
      return new identity.ClientSecretCredential(login.tenantId, login.appId, login.appKey, options);
    case "certificate": {
      const { tenantId, appId } = login;
      // Made anew for each login, since a certificate's file is replaced in time; the token is kept by our caller.
      const made = async () => {
        const certificate = await certificateFor(login.certificate);
        return "certificate" in certificate
          ? new identity.ClientCertificateCredential(tenantId, appId, certificate, options)
          : new identity.ClientCertificateCredential(tenantId, appId, certificate, options);
      };
      return { getToken: async (scope, requested) => (await made()).getToken(scope, requested) };
    }
    case "managedIdentity":
      return login.clientId === undefined
        ? new identity.ManagedIdentityCredential(network)
        : new identity.ManagedIdentityCredential({ ...network, clientId: login.clientId });
    case "workloadIdentity":
      return new identity.WorkloadIdentityCredential({
        ...options,
        ...(login.appId && { clientId: login.appId }),
        ...(login.tenantId && { tenantId: login.tenantId }),
      });
    case "azureCli":
      return new identity.AzureCliCredential(login.tenantId ? { tenantId: login.tenantId } : {});
    case "defaultCredential":
      return new identity.DefaultAzureCredential({ ...options, ...(login.tenantId && { tenantId: login.tenantId }) });
  }
}

function sameHost(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).host === new URL(b).host;
}
