import { MillraceError } from "../../errors.ts";

/** Printable ASCII: whatever else there is would end the header, or be replaced in it. */
const headerText = /^[!-~]+$/;

/**
 * The token alone, of what a caller gave: white space around it and the scheme that it is often copied with are taken off.
 *
 * @param from who gave it, as a message begins: `kusto(): token`.
 * @throws MillraceError BAD_OPTION, without the value.
 */
export function bearerToken(value: unknown, from: string): string {
  const refuse = (why: string): never => {
    throw new MillraceError(
      "BAD_OPTION",
      `${from} ${why}; it takes a bearer token as text, such as an access token's own.`,
    );
  };
  if (typeof value !== "string") {
    const { token, accessToken } = (value ?? {}) as { token?: unknown; accessToken?: unknown };
    const member = typeof token === "string" ? "token" : typeof accessToken === "string" ? "accessToken" : undefined;
    return refuse(
      member ? `is an object; give its member ${member}` : `is ${value === null ? "null" : `of type ${typeof value}`}`,
    );
  }
  const token = value.trim().replace(/^bearer(\s+|$)/i, "");
  if (token === "") refuse("is empty");
  if (/^[A-Za-z]+\s+\S+$/.test(token)) refuse("has another scheme than Bearer");
  if (!headerText.test(token)) refuse("has white space or other characters in it that no token has");
  return token;
}
