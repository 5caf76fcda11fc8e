import { type KeyObject, randomBytes, randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { KustoError } from "../kusto-error.ts";
import { readBytes } from "../listener/body.ts";
import { type Listener, listen, type Refusal } from "../listener/listener.ts";
import { type Claims, isRefusal, keyId, sameSecret, signedToken, verified } from "./jwt.ts";
import type { Application, CheckedSecurity } from "./security-options.ts";
import { rsaKeyPair, selfSigned } from "./self-signed.ts";

/**
 * A login authority on the loopback, in the place of Microsoft Entra ID: OAuth 2 client credentials by secret, by
 * certificate and by the token of a federated issuer, over https; and the endpoints of managed identities, over http.
 */
export interface Authority {
  /** `https://localhost:PORT`. */
  readonly host: string;
  /** `iss` of its tokens. */
  readonly issuer: string;
  /** PEM of the self-made certificate that clients have to trust. */
  readonly certificate: string;
  /** The key that signs its tokens. */
  readonly publicKey: KeyObject;
  readonly identity: {
    /** `AZURE_POD_IDENTITY_AUTHORITY_HOST`, as on a virtual machine. */
    readonly imdsHost: string;
    /** `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`, as in App Service. */
    readonly endpoint: string;
    readonly header: string;
  };
  /** An access token, as a login gives it. */
  issue(application: Application, resource: string, lifeMs?: number): string;
  /** A token of a Kubernetes cluster, which workload identity exchanges for one of the authority's. */
  federatedToken(application: Application): string;
  /** From now on the tokens that were given out before are worth nothing. */
  revokeTokens(): void;
  isRevoked(claims: Claims): boolean;
  close(): Promise<void>;
}

/** Which revocation a token comes after: times in whole seconds could not tell. */
const revocationClaim = "xms_revocation";

/** A login that is refused, in the authority's form. */
class LoginRefusal extends Error {
  readonly status: number;
  readonly error: string;

  constructor(status: number, error: string, description: string) {
    super(description);
    this.status = status;
    this.error = error;
  }
}

/** A login form in bytes; the longest part is an assertion. */
const largestForm = 65_536;

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const exchangeAudience = "api://AzureADTokenExchange";

export async function startAuthority({ tenantId, applications, tokenLifeMs }: CheckedSecurity): Promise<Authority> {
  const [tls, signing, federated] = await Promise.all([selfSigned(), rsaKeyPair(), rsaKeyPair()]);
  const kid = keyId(signing.publicKey);
  const identityHeader = randomBytes(16).toString("hex");
  const secure: Listener = await listen(answering(authorityAnswer), {
    tls: { cert: tls.certificate, key: tls.privateKey },
    refusal: listenerRefusal,
  });
  const host = `https://localhost:${secure.port}`;
  const issuer = `${host}/${tenantId}/v2.0`;
  const federatedIssuer = `${host}/kubernetes`;
  let revocations = 0;
  let identity: Listener;
  try {
    identity = await listen(answering(identityAnswer), { refusal: listenerRefusal });
  } catch (error) {
    await secure.close();
    throw error;
  }

  function issue(application: Application, resource: string, lifeMs = tokenLifeMs): string {
    const now = Math.floor(Date.now() / 1000);
    const claims: Claims = {
      aud: resource,
      iss: issuer,
      iat: now,
      nbf: now,
      exp: now + Math.ceil(lifeMs / 1000),
      appid: application.appId,
      oid: application.objectId,
      sub: application.objectId,
      tid: tenantId,
      idtyp: "app",
      ver: "1.0",
      jti: randomUUID(),
      [revocationClaim]: revocations,
    };
    return signedToken(claims, signing.privateKey, kid);
  }

  const subjectOf = ({ appId }: Application) => `system:serviceaccount:default:${appId}`;

  function federatedToken(application: Application): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: federatedIssuer,
      sub: subjectOf(application),
      aud: exchangeAudience,
      iat: now,
      exp: now + 3600,
    };
    return signedToken(claims, federated.privateKey, keyId(federated.publicKey));
  }

  async function authorityAnswer(request: IncomingMessage, url: URL): Promise<object> {
    const [tenant = "", ...rest] = url.pathname.split("/").filter((segment) => segment !== "");
    const path = rest.join("/");
    if (tenant.toLowerCase() !== tenantId)
      throw new LoginRefusal(400, "invalid_tenant", `AADSTS90002: Tenant '${tenant}' not found.`);
    if (request.method === "GET" && /^(v2\.0\/)?\.well-known\/openid-configuration$/.test(path)) return metadata();
    if (request.method === "GET" && /^discovery\/(v2\.0\/)?keys$/.test(path)) return { keys: [publicJwk()] };
    if (request.method === "POST" && path === "oauth2/v2.0/token")
      return login(new URLSearchParams((await readBytes(request, largestForm)).toString("utf8")));
    throw new LoginRefusal(404, "not_found", `There is nothing at ${request.method} ${url.pathname}.`);
  }

  const at = (path: string) => `${host}/${tenantId}/${path}`;

  function metadata(): object {
    return {
      token_endpoint: at("oauth2/v2.0/token"),
      authorization_endpoint: at("oauth2/v2.0/authorize"),
      end_session_endpoint: at("oauth2/v2.0/logout"),
      jwks_uri: at("discovery/v2.0/keys"),
      issuer,
      token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt"],
      response_types_supported: ["code"],
      subject_types_supported: ["pairwise"],
      id_token_signing_alg_values_supported: ["RS256"],
    };
  }

  const publicJwk = () => ({ ...signing.publicKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid });

  function login(form: URLSearchParams): object {
    if (form.get("grant_type") !== "client_credentials")
      throw new LoginRefusal(
        400,
        "unsupported_grant_type",
        "AADSTS70003: The app requested an unsupported grant type; this authority knows client_credentials.",
      );
    const application = found(form.get("client_id") ?? "");
    if (form.has("client_assertion")) checkAssertion(form, application);
    else checkSecret(form.get("client_secret") ?? "", application);
    const resource = /^(.+?)\/+\.default$/.exec((form.get("scope") ?? "").split(" ").find(isDefaultScope) ?? "")?.[1];
    if (resource === undefined)
      throw new LoginRefusal(400, "invalid_scope", "AADSTS1002012: The scope must end with /.default.");
    return {
      token_type: "Bearer",
      expires_in: lifeSeconds,
      ext_expires_in: lifeSeconds,
      access_token: issue(application, resource),
    };
  }

  const lifeSeconds = Math.ceil(tokenLifeMs / 1000);
  const isDefaultScope = (scope: string) => scope.endsWith("/.default");

  function found(appId: string): Application {
    const application = applications.find((each) => each.appId === appId.toLowerCase());
    if (application) return application;
    throw new LoginRefusal(
      400,
      "unauthorized_client",
      `AADSTS700016: Application with identifier '${appId}' was not found in the directory '${tenantId}'.`,
    );
  }

  function checkSecret(secret: string, { appKey, appId }: Application): void {
    if (!sameSecret(secret, appKey))
      throw new LoginRefusal(
        401,
        "invalid_client",
        `AADSTS7000215: Invalid client secret provided for app '${appId}'.`,
      );
  }

  /** A token of the federated issuer, or one that the application has signed with the key of its certificate. */
  function checkAssertion(form: URLSearchParams, application: Application): void {
    const { appId, certificate } = application;
    if (form.get("client_assertion_type") !== assertionType)
      throw new LoginRefusal(400, "invalid_request", "AADSTS70002: The client_assertion_type is not known.");
    const assertion = form.get("client_assertion")!;
    const foreign = verified(assertion, [federated.publicKey], ["RS256"]);
    if (!isRefusal(foreign)) {
      if (foreign.iss === federatedIssuer && foreign.sub === subjectOf(application) && foreign.aud === exchangeAudience)
        return;
      throw new LoginRefusal(
        401,
        "invalid_client",
        `AADSTS700213: No matching federated identity record found for presented assertion subject '${foreign.sub}'.`,
      );
    }
    const own = verified(assertion, certificate ? [certificate.key] : [], ["PS256", "RS256"]);
    if (isRefusal(own))
      throw new LoginRefusal(
        401,
        "invalid_client",
        `AADSTS700027: The assertion of app '${appId}' is refused: ${own.refusal}.`,
      );
    if (own.iss !== appId || own.sub !== appId || ![at("oauth2/v2.0/token"), issuer, at("")].includes(own.aud ?? ""))
      throw new LoginRefusal(401, "invalid_client", "AADSTS700212: The assertion is for another app or audience.");
  }

  async function identityAnswer(request: IncomingMessage, url: URL): Promise<object> {
    const isImds = url.pathname === "/metadata/identity/oauth2/token";
    if (request.method !== "GET" || !(isImds || url.pathname === "/msi/token"))
      throw new LoginRefusal(404, "not_found", `There is nothing at ${request.method} ${url.pathname}.`);
    if (isImds && request.headers.metadata?.toString().toLowerCase() !== "true")
      throw new LoginRefusal(400, "invalid_request", "Required metadata header not specified");
    if (!isImds && !sameSecret(request.headers["x-identity-header"]?.toString() ?? "", identityHeader))
      throw new LoginRefusal(401, "unauthorized_client", "The header X-IDENTITY-HEADER is not this endpoint's.");
    const resource = url.searchParams.get("resource");
    if (!resource) throw new LoginRefusal(400, "invalid_request", "Required query variable 'resource' is missing");
    const wanted = url.searchParams.get("client_id")?.toLowerCase();
    const application = applications.find(({ appId, managedIdentity }) =>
      wanted === undefined ? managedIdentity === "system" : managedIdentity !== undefined && appId === wanted,
    );
    if (!application) throw new LoginRefusal(400, "invalid_request", "Identity not found");
    return {
      access_token: issue(application, resource.replace(/\/$/, "")),
      expires_on: String(Math.floor(Date.now() / 1000) + lifeSeconds),
      resource,
      token_type: "Bearer",
      client_id: application.appId,
      ...(isImds && { expires_in: String(lifeSeconds) }),
    };
  }

  return {
    host,
    issuer,
    certificate: tls.certificate,
    publicKey: signing.publicKey,
    identity: { imdsHost: identity.origin, endpoint: `${identity.origin}/msi/token`, header: identityHeader },
    issue,
    federatedToken,
    revokeTokens() {
      revocations++;
    },
    isRevoked: (claims) => claims[revocationClaim] !== revocations,
    async close() {
      await Promise.all([secure.close(), identity.close()]);
    },
  };
}

function answering(answer: (request: IncomingMessage, url: URL) => Promise<object>): RequestListener {
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    let status = 200;
    let body: object;
    try {
      body = await answer(request, new URL(`http://localhost${request.url}`));
    } catch (error) {
      const refusal =
        error instanceof LoginRefusal
          ? error
          : error instanceof KustoError
            ? new LoginRefusal(error.status, "invalid_request", error.message)
            : new LoginRefusal(500, "server_error", "The authority failed.");
      status = refusal.status;
      body = refusalBody(refusal);
    }
    request.resume();
    response.writeHead(status, { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" });
    response.end(JSON.stringify(body));
  };
  return (request, response) => {
    serve(request, response).catch(() => response.destroy());
  };
}

function listenerRefusal(status: number, why: string): Refusal {
  const error = status === 403 ? "access_denied" : "invalid_request";
  return {
    contentType: "application/json; charset=utf-8",
    body: JSON.stringify(refusalBody(new LoginRefusal(status, error, why))),
  };
}

function refusalBody({ error, message }: LoginRefusal): object {
  const code = /^AADSTS(\d+)/.exec(message)?.[1];
  return {
    error,
    error_description: message,
    error_codes: code === undefined ? [] : [Number(code)],
    timestamp: new Date().toISOString(),
    trace_id: randomUUID(),
    correlation_id: randomUUID(),
  };
}
