import { constants, createHash, createHmac, type KeyObject, sign, timingSafeEqual, verify } from "node:crypto";

/** The claims of a JSON Web Token (RFC 7519) that somebody here looks at. */
export interface Claims {
  readonly iss?: string;
  readonly aud?: string;
  readonly sub?: string;
  /** Seconds. */
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
  readonly jti?: string;
  readonly [claim: string]: unknown;
}

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

/** Signs with RS256. */
export function signedToken(claims: Claims, key: KeyObject, kid: string): string {
  const text = `${encoded({ typ: "JWT", alg: "RS256", kid })}.${encoded(claims)}`;
  return `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
}

/** The name of a public key: a digest of it. */
export function keyId(key: KeyObject): string {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("base64url");
}

export type Algorithm = "RS256" | "PS256";

/** The claims, if one of the keys has signed them by one of the algorithms and their time is now; else why not. */
export function verified(
  token: string,
  keys: readonly KeyObject[],
  algorithms: readonly Algorithm[],
  now = Date.now(),
): Claims | { readonly refusal: string } {
  const [head = "", body = "", signature = "", ...more] = token.split(".");
  const header = decoded(head);
  const claims = decoded(body);
  if (!header || !claims || signature === "" || more.length > 0) return { refusal: "it is no signed JSON Web Token" };
  const algorithm = algorithms.find((each) => each === header.alg);
  // What the token says of its algorithm is believed only within this list: "none" is not in it.
  if (!algorithm) return { refusal: `its algorithm is not ${algorithms.join(" or ")}` };
  const text = Buffer.from(`${head}.${body}`);
  const bytes = Buffer.from(signature, "base64url");
  if (!keys.some((key) => verify("sha256", text, padded(key, algorithm), bytes)))
    return { refusal: "no key that is known here has signed it" };
  const seconds = now / 1000;
  if (typeof claims.exp !== "number" || claims.exp <= seconds) return { refusal: "it has expired" };
  if (typeof claims.nbf === "number" && claims.nbf > seconds + clockSkewSeconds)
    return { refusal: "it is not valid yet" };
  return claims as Claims;
}

/** Of machines whose clocks differ. */
const clockSkewSeconds = 300;

const padded = (key: KeyObject, algorithm: Algorithm) =>
  algorithm === "PS256"
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { key, padding: constants.RSA_PKCS1_PADDING };

function decoded(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export function isRefusal(claims: Claims | { readonly refusal: string }): claims is { readonly refusal: string } {
  return typeof claims.refusal === "string";
}

/** Compares secrets of any length in the same time. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHmac("sha256", "compare").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
