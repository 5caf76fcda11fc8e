import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { IngestionFailure } from "../ingestion-failure.ts";

/** The tokens of `.get kusto identity token`, which clients put into their messages as `authorizationContext`. */
export interface IdentityTokens {
  issue(principal: string): string;
  /** Who was given this token. @throws IngestionFailure BadRequest_InvalidKustoIdentityToken */
  bearerOf(token: string | undefined): string;
}

/** Clients fetch a new one every hour; a message may lie in its queue for some time. */
const lifeMs = 24 * 3_600_000;

/** Tokens: a principal and a time, signed with a key that nobody else knows; by default one of this run. */
export function identityTokens(now: () => number = Date.now, key: Uint8Array = randomBytes(32)): IdentityTokens {
  const sign = (text: string) => createHmac("sha256", key).update(text).digest();
  return {
    issue(principal) {
      const payload = JSON.stringify({ principal, expires: now() + lifeMs });
      return `${Buffer.from(payload).toString("base64")}.${sign(payload).toString("base64")}`;
    },
    bearerOf(token = "") {
      const [payload, signature] = token.split(".").map((part) => Buffer.from(part, "base64"));
      if (payload && signature) {
        const expected = sign(payload.toString());
        if (signature.length === expected.length && timingSafeEqual(signature, expected)) {
          const { principal, expires } = JSON.parse(payload.toString()) as { principal: string; expires: number };
          if (expires > now()) return principal;
        }
      }
      throw new IngestionFailure("BadRequest_InvalidKustoIdentityToken", "Invalid Kusto identity token.");
    },
  };
}
