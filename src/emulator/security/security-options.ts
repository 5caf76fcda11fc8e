import { createPublicKey, type KeyObject, randomBytes, randomUUID, X509Certificate } from "node:crypto";
import { MillraceError } from "../../errors.ts";

/** Roles over all databases, which in the service only the Azure portal gives. */
export type ClusterRole = "AllDatabasesAdmin" | "AllDatabasesViewer" | "AllDatabasesMonitor";

/** Somebody who can log in at the emulator's authority. */
export interface ApplicationOptions {
  /** Application (client) id, a GUID; default a new one. */
  readonly appId?: string;
  /** A name that `.add` takes in place of the id; default the id. */
  readonly name?: string;
  /** A secret for the login by application key; default a new one. */
  readonly appKey?: string;
  /** PEM of a certificate, whose key may sign in place of the secret. */
  readonly certificate?: string;
  /** Whether the managed identity endpoints give its tokens out: to everybody here, or to those who name its id. */
  readonly managedIdentity?: "system" | "user";
  readonly clusterRole?: ClusterRole;
}

/** Who may log in at an emulator with security. */
export interface SecurityOptions {
  /** Default a new one. */
  readonly tenantId?: string;
  /** Default one application that is AllDatabasesAdmin. Other roles are given by `.add database` and `.add table`. */
  readonly applications?: readonly ApplicationOptions[];
  /** Life of the tokens that the authority gives out, in milliseconds; default an hour. */
  readonly tokenLifeMs?: number;
}

/** A checked application. */
export interface Application {
  readonly appId: string;
  /** Of its service principal. */
  readonly objectId: string;
  readonly name: string;
  /** Secret. */
  readonly appKey: string;
  readonly certificate: { readonly key: KeyObject } | undefined;
  readonly managedIdentity: "system" | "user" | undefined;
  readonly clusterRole: ClusterRole | undefined;
}

export interface CheckedSecurity {
  readonly tenantId: string;
  readonly applications: readonly Application[];
  readonly tokenLifeMs: number;
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const clusterRoles = ["AllDatabasesAdmin", "AllDatabasesViewer", "AllDatabasesMonitor"];

/** @throws MillraceError BAD_OPTION, naming the option. */
export function checkSecurity(options: SecurityOptions): CheckedSecurity {
  refuseOthers("security", options, ["tenantId", "applications", "tokenLifeMs"]);
  const given: readonly ApplicationOptions[] =
    options.applications === undefined ? [{ name: "admin", clusterRole: "AllDatabasesAdmin" }] : options.applications;
  if (!Array.isArray(given)) throw bad("security.applications", "must be a list");
  const applications = given.map(checkApplication);
  if (new Set(applications.map(({ appId }) => appId.toLowerCase())).size < applications.length)
    throw bad("security.applications", "has one appId twice");
  if (applications.filter(({ managedIdentity }) => managedIdentity === "system").length > 1)
    throw bad("security.applications", "has more than one managedIdentity: 'system'");
  const tokenLifeMs = options.tokenLifeMs ?? 3_600_000;
  if (!Number.isInteger(tokenLifeMs) || tokenLifeMs < 1_000 || tokenLifeMs > 86_400_000)
    throw bad("security.tokenLifeMs", "must be a whole number from 1000 to 86400000");
  return { tenantId: idOf("security.tenantId", options.tenantId), applications, tokenLifeMs };
}

function checkApplication(options: ApplicationOptions): Application {
  const where = "security.applications";
  refuseOthers(where, options, ["appId", "name", "appKey", "certificate", "managedIdentity", "clusterRole"]);
  const { appKey = randomBytes(24).toString("base64url"), managedIdentity, clusterRole } = options;
  if (typeof appKey !== "string" || appKey === "") throw bad(where, "has an appKey that is no text");
  if (managedIdentity !== undefined && !["system", "user"].includes(managedIdentity))
    throw bad(where, "has a managedIdentity that is neither 'system' nor 'user'");
  if (clusterRole !== undefined && !clusterRoles.includes(clusterRole))
    throw bad(where, `has a clusterRole that is none of ${clusterRoles.join(", ")}`);
  const appId = idOf(`${where}.appId`, options.appId);
  return {
    appId,
    objectId: randomUUID(),
    name: options.name ?? appId,
    appKey,
    certificate: options.certificate === undefined ? undefined : { key: keyOf(options.certificate) },
    managedIdentity,
    clusterRole,
  };
}

function keyOf(pem: string): KeyObject {
  try {
    return createPublicKey(new X509Certificate(pem).publicKey.export({ type: "spki", format: "pem" }));
  } catch (cause) {
    throw bad("security.applications.certificate", "is not the PEM of a certificate", cause);
  }
}

function idOf(name: string, given: string | undefined): string {
  if (given === undefined) return randomUUID();
  if (typeof given === "string" && guid.test(given)) return given.toLowerCase();
  throw bad(name, "must be a GUID");
}

function refuseOthers(name: string, options: object, known: readonly string[]): void {
  if (options === null || typeof options !== "object" || Array.isArray(options)) throw bad(name, "must be an object");
  for (const key of Object.keys(options))
    if (!known.includes(key)) throw bad(`${name}.${key}`, `is not known; there are: ${known.join(", ")}`);
}

function bad(option: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError("BAD_OPTION", `Emulator option '${option}' ${why}.`, { cause, context: { option } });
}
