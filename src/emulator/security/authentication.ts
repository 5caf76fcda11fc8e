import type { Catalogue } from "../engine/catalogue.ts";
import { KustoError } from "../kusto-error.ts";
import { type Access, accessOf } from "./access.ts";
import type { Authority } from "./authority.ts";
import { type Directory, directoryOf } from "./directory.ts";
import { isRefusal, verified } from "./jwt.ts";
import { parsePrincipal } from "./principal.ts";
import { serviceResource } from "./security.ts";
import type { CheckedSecurity } from "./security-options.ts";

export interface AuthenticationParts {
  readonly catalogue: Catalogue;
  readonly tenantId: string;
  readonly directory: Directory;
  readonly authority: Pick<Authority, "issuer" | "publicKey" | "host" | "isRevoked">;
  /** Whom tokens may be for. */
  readonly audiences: readonly string[];
}

/** Tells who asks, and what they may do. */
export interface Authentication {
  /** By an `Authorization` header. @throws Unauthenticated */
  bearer(authorization: string | undefined): Access;
  /** By the text of a principal, such as an identity token carries. */
  principal(text: string): Access;
}

/** 401, with the challenge that goes with it. */
export class Unauthenticated extends KustoError {
  readonly challenge: string;

  constructor(why: string, challenge: string) {
    super(why, {
      status: 401,
      code: "Unauthorized",
      type: "Kusto.Common.Svc.Exceptions.UnauthorizedOperationException",
    });
    this.challenge = challenge;
  }
}

export function emulatorAuthentication(
  { applications, tenantId }: CheckedSecurity,
  authority: Authority,
  catalogue: Catalogue,
): Authentication {
  const directory = directoryOf(applications, tenantId);
  return authentication({ catalogue, tenantId, directory, authority, audiences: [serviceResource] });
}

export function authentication(parts: AuthenticationParts): Authentication {
  const { catalogue, tenantId, directory, authority, audiences } = parts;

  function refuse(why: string, isBad: boolean): never {
    const error = isBad ? `, error="invalid_token", error_description="${why}"` : "";
    throw new Unauthenticated(why, `Bearer authorization_uri="${authority.host}/${tenantId}"${error}`);
  }

  return {
    bearer(authorization) {
      const [, token] = /^Bearer\s+(\S+)$/i.exec(authorization ?? "") ?? [];
      if (!token) return refuse("The request has no bearer token.", false);
      const claims = verified(token, [authority.publicKey], ["RS256"]);
      if (isRefusal(claims)) return refuse(`The bearer token is refused: ${claims.refusal}.`, true);
      if (claims.iss !== authority.issuer) return refuse("The bearer token is refused: its issuer is another.", true);
      if (!audiences.includes(String(claims.aud).replace(/\/$/, "")))
        return refuse("The bearer token is refused: its audience is another.", true);
      if (authority.isRevoked(claims)) return refuse("The bearer token is refused: it was revoked.", true);
      const application = directory.find({ kind: "aadapp", id: String(claims.appid), tenant: tenantId });
      if (!application) return refuse("The bearer token is refused: its principal is not known.", true);
      return accessOf(catalogue, directory.principalOf(application), directory);
    },
    principal: (text) => accessOf(catalogue, parsePrincipal(text), directory),
  };
}
