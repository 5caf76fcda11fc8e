import { isCode } from "../../../errors.ts";
import { tokenSource } from "../auth.ts";
import { kustoClient } from "../client.ts";
import type { Connection } from "../connection.ts";
import type { Patience } from "../patience.ts";
import { noDatabase } from "../resources.ts";
import type { Scrubber } from "../scrub.ts";
import { assertTrusted } from "../trust.ts";
import { trustFix } from "./error-finding.ts";
import { type Finding, failed, ok } from "./finding.ts";
import { principalOf } from "./principal.ts";
import type { Seen } from "./seen.ts";

/** Whether the host may be given a token. */
export async function trust(connection: Connection): Promise<Finding> {
  const { host, login } = connection;
  try {
    await assertTrusted(connection);
  } catch (error) {
    if (!isCode(error, "UNTRUSTED_HOST")) throw error;
    return failed(
      "UNTRUSTED_HOST",
      `${String(error.context.host)} is not known as a Kusto host, so it is given no token.`,
      trustFix(error),
    );
  }
  return ok(login.kind === "none" ? `${host} needs no token.` : `${host} may be given a token.`);
}

/** Gets a token and shows it to the cluster. */
export async function logIn(
  connection: Connection,
  seen: Seen,
  scrub: Scrubber,
  patient: Patience,
  signal: AbortSignal,
): Promise<Finding> {
  const { engineUrl, ingestUrl, login, requestTimeoutMs } = connection;
  seen.tokens ??= await tokenSource(connection, scrub, signal);
  const token = await seen.tokens?.();
  seen.principal = token === undefined ? undefined : principalOf(token);
  const clientOf = async (url: string) => patient.client(await kustoClient(url, seen.tokens, requestTimeoutMs, scrub));
  // The whole item may be looked at again.
  seen.engine ??= await clientOf(engineUrl);
  seen.management ??= ingestUrl === engineUrl ? seen.engine : await clientOf(ingestUrl);
  // Whoever has logged in may ask for it; whether the cluster takes the token is what counts.
  await seen.engine.execute(noDatabase, ".show databases", signal).catch((error) => {
    if (!isCode(error, "FORBIDDEN", "BAD_REQUEST", "NOT_FOUND")) throw error;
  });
  if (login.kind === "none") return ok("The cluster asks for no login.");
  return ok(`Logged in by ${login.kind} as ${seen.principal ?? "somebody whom the token does not name"}.`);
}
