import { badArgument, checkObject, outOfRange } from "../../arguments.ts";
import { MillraceError } from "../../errors.ts";
import { refuseUnknownOptions } from "../../option-names.ts";
import { sinkOptionNames } from "../../options.ts";
import { type ResolvedRowOptions, type RowStreamOptions, resolveRowOptions, rowOptionNames } from "./row-options.ts";

/** Where {@link socket} connects, and how rows stand in the connection. */
export interface SocketOptions extends RowStreamOptions {
  /** A name or an IP address. */
  host: string;
  port: number;
  /** TLS, with the certificate checked. `true`: with the authorities of the system. Default false: bytes travel as they are. */
  tls?: boolean | SocketTlsOptions;
  /** The longest time that one attempt to connect takes, in milliseconds. Default 10 000. */
  connectTimeoutMs?: number;
  /**
   * How long `close()` waits for the peer to close its side, which it does when it has read everything, in milliseconds; longer is an
   * error. 0: it is not waited for. Default 10 000.
   */
  closeTimeoutMs?: number;
}

/** Certificates of a TLS connection, as PEM. */
export interface SocketTlsOptions {
  /** Authorities that are trusted, in the place of the system's. */
  ca?: string | Uint8Array;
  /** The client's own certificate and key. */
  cert?: string | Uint8Array;
  key?: string | Uint8Array;
  /** The name that the certificate must have. Default `host`. */
  servername?: string;
}

export interface ResolvedSocketOptions extends ResolvedRowOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: SocketTlsOptions | undefined;
  readonly connectTimeoutMs: number;
  readonly closeTimeoutMs: number;
}

export const socketOptionNames: readonly string[] = [
  ...["host", "port", "tls", "connectTimeoutMs", "closeTimeoutMs"],
  ...rowOptionNames,
];

const what = "socket()";
const longestMs = 3_600_000;

/** @throws MillraceError BAD_OPTION naming the option and what it takes. */
export function resolveSocketOptions(given: SocketOptions): ResolvedSocketOptions {
  refuseUnknownOptions(what, given, socketOptionNames, sinkOptionNames);
  const { host, port, connectTimeoutMs = 10_000, closeTimeoutMs = 10_000 } = given;
  // A control character or a space in it would stand in messages, and names no host.
  if (typeof host !== "string" || !/^[^\s\u0000-\u001f\u007f/@]{1,255}$/.test(host))
    throw badArgument(what, "host", host, "the name or address of a host, without port or scheme");
  const numbers = { port, connectTimeoutMs, closeTimeoutMs };
  const beyond = outOfRange(numbers, {
    port: [1, 65_535],
    connectTimeoutMs: [1, longestMs],
    closeTimeoutMs: [0, longestMs],
  });
  if (beyond) throw badArgument(what, beyond.name, numbers[beyond.name], beyond.takes);
  return { ...resolveRowOptions(what, given), ...numbers, host, tls: resolveTls(given.tls) };
}

function resolveTls(given: SocketOptions["tls"]): SocketTlsOptions | undefined {
  if (given === undefined || given === false) return undefined;
  if (given === true) return {};
  checkObject(what, "tls", given, "true, false, or { ca, cert, key, servername }");
  const { ca, cert, key, servername, ...rest } = given;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new MillraceError("BAD_OPTION", `${what}: tls has no member ${unknown}; it has ca, cert, key, servername.`, {
      context: { option: "tls" },
    });
  for (const [name, value] of Object.entries({ ca, cert, key }))
    if (value !== undefined && typeof value !== "string" && !(value instanceof Uint8Array))
      throw badArgument(what, `tls.${name}`, value, "PEM as a text or bytes");
  if (servername !== undefined && (typeof servername !== "string" || servername === ""))
    throw badArgument(what, "tls.servername", servername, "a name");
  return given;
}
