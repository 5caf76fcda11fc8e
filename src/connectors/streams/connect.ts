import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { aborted, MillraceError, reasonOf } from "../../errors.ts";
import type { ResolvedSocketOptions } from "./socket-options.ts";

/**
 * Connects once. What the peer sends is dropped.
 *
 * @throws MillraceError UNREACHABLE, retryable but where the certificate is not accepted; ABORTED.
 */
export function connect(options: ResolvedSocketOptions, name: string, signal: AbortSignal): Promise<Socket> {
  const { host, port, tls, connectTimeoutMs } = options;
  const doing = `connecting to ${name}`;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(aborted(signal, doing));
    const servername = tls?.servername ?? (isIP(host) ? undefined : host);
    const secure: TLSSocket | undefined =
      tls && connectTls({ ...pemOf(tls), host, port, ...(servername && { servername }) });
    const socket = secure ?? connectTcp({ host, port });
    const timer = setTimeout(
      () => fail(unreachable(name, `no connection within ${connectTimeoutMs} ms`, undefined)),
      connectTimeoutMs,
    );
    const onAbort = () => fail(aborted(signal, doing));
    const onError = (error: Error) => fail(unreachable(name, reasonOf(error), error, !secure?.authorizationError));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", onError);
    socket.once(secure ? "secureConnect" : "connect", () => {
      settle();
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 30_000);
      // Unread bytes would hold up the peer's end, and make ours a reset, which destroys rows on their way.
      socket.resume();
      resolve(socket);
    });

    function settle(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.off("error", onError);
      socket.on("error", () => {}); // told by "close" and by writes
    }

    function fail(error: MillraceError): void {
      settle();
      socket.destroy();
      reject(error);
    }
  });
}

function pemOf({ ca, cert, key }: NonNullable<ResolvedSocketOptions["tls"]>) {
  const asBuffer = (pem: string | Uint8Array) => (typeof pem === "string" ? pem : Buffer.from(pem));
  return {
    ...(ca !== undefined && { ca: asBuffer(ca) }),
    ...(cert !== undefined && { cert: asBuffer(cert) }),
    ...(key !== undefined && { key: asBuffer(key) }),
  };
}

export function unreachable(name: string, reason: string, cause: unknown, retryable = true): MillraceError {
  return new MillraceError("UNREACHABLE", `${name}: ${reason}.`, { retryable, cause, context: { destination: name } });
}
