/**
 * As whom a token's bearer is known to Kusto, as commands name principals: `aadapp=<id>;<tenant>`, `aaduser=<name>;<tenant>`.
 * Read from the token's claims and not verified: for messages only. Undefined where the token says nothing.
 */
export function principalOf(token: string): string | undefined {
  const claims = claimsOf(token);
  const text = (name: string) => (typeof claims?.[name] === "string" ? String(claims[name]) : undefined);
  const tenant = text("tid");
  if (tenant === undefined || !plain.test(tenant)) return undefined;
  // A token of a user has scopes, or a name to sign in by; that of an application or a managed identity has neither.
  const user = text("upn") ?? text("unique_name") ?? text("preferred_username");
  const isUser = user !== undefined || text("scp") !== undefined;
  const id = isUser ? (user ?? text("oid")) : (text("appid") ?? text("azp") ?? text("oid"));
  return id !== undefined && plain.test(id) ? `${isUser ? "aaduser" : "aadapp"}=${id};${tenant}` : undefined;
}

/** No more than ids and mail addresses are made of. */
const plain = /^[\w.@+#-]{1,320}$/;

function claimsOf(token: string): Record<string, unknown> | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    return claims !== null && typeof claims === "object" ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
