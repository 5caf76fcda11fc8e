import { request as plainRequest, type RequestOptions } from "node:http";
import { request as tlsRequest } from "node:https";
import { isIP, type Socket } from "node:net";
import { reasonOf } from "../../errors.ts";
import { certificateTrouble } from "./certificate-trouble.ts";
import { isTlsRefusal } from "./errors.ts";
import type { ForwardProxy } from "./proxy.ts";
import { ProxyError, type ProxyFault } from "./proxy-fault.ts";

/** A proxy that is slow to reach a host answers within the time in which it gives up itself; Squid's is a minute. */
const tunnelTimeoutMs = 70_000;

/**
 * Has the proxy connect to a host (CONNECT), and gives the connection. While it is being made it does not keep the process
 * alive by itself: whoever waits for it has a timer.
 *
 * @throws ProxyError
 */
export function openTunnel(
  proxy: ForwardProxy,
  host: string,
  port: number,
  timeoutMs = tunnelTimeoutMs,
): Promise<Socket> {
  const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const authorization = proxy.authorization();
  const options: RequestOptions & { servername?: string } = {
    host: proxy.host,
    port: proxy.port,
    method: "CONNECT",
    path: target,
    agent: false,
    headers: { Host: target, ...(authorization !== undefined && { "Proxy-Authorization": authorization }) },
    ...(proxy.isTls && isIP(proxy.host) === 0 && { servername: proxy.host }),
  };
  return new Promise((resolve, reject) => {
    const request = (proxy.isTls ? tlsRequest : plainRequest)(options);
    const fail = (code: ProxyFault, what: string, cause?: unknown) =>
      reject(new ProxyError(code, `${proxy.name} ${what}`, cause === undefined ? undefined : { cause }));
    const timer = setTimeout(() => {
      fail("ERR_PROXY_UNREACHABLE", `did not answer within ${timeoutMs} ms`);
      request.destroy();
    }, timeoutMs);
    timer.unref();
    request.once("socket", (socket) => socket.unref());
    request.once("connect", ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      clearTimeout(timer);
      // Each end of it may break before somebody else listens.
      socket.on("error", () => {});
      const fault = faultOf(statusCode, head.length > 0);
      if (fault) {
        socket.destroy();
        return fail(fault, refusal(statusCode, target, fault, authorization !== undefined));
      }
      socket.ref();
      resolve(socket);
    });
    request.once("error", (error: Error & { code?: unknown }) => {
      clearTimeout(timer);
      const code = String(error.code ?? "");
      const trouble = certificateTrouble(code);
      if (proxy.isTls && trouble !== undefined) return fail("ERR_PROXY_TLS", `${trouble} (${code})`, error);
      if (proxy.isTls && isTlsRefusal(code, error.message))
        return fail("ERR_PROXY_TLS", `does not speak TLS as its address says (${code})`, error);
      if (/^HPE_/.test(code)) return fail("ERR_PROXY_ANSWER", "gave an answer that is not HTTP's", error);
      fail("ERR_PROXY_UNREACHABLE", `cannot be reached: ${reasonOf(error) || code}`, error);
    });
    request.end();
  });
}

/** After a tunnel is made the host speaks second: bytes that come with the answer are somebody else's. */
function faultOf(status: number, hasBody: boolean): ProxyFault | undefined {
  if (status >= 200 && status < 300) return hasBody ? "ERR_PROXY_ANSWER" : undefined;
  if (status === 407) return "ERR_PROXY_LOGIN";
  const isPassing = status < 400 || status >= 500 || status === 408 || status === 425 || status === 429;
  return isPassing ? "ERR_PROXY_FAILED" : "ERR_PROXY_DENIED";
}

/** The proxy's page is not quoted: it may repeat what it was sent. */
function refusal(status: number, target: string, fault: ProxyFault, hasLogin: boolean): string {
  switch (fault) {
    case "ERR_PROXY_ANSWER":
      return `answered the request for a tunnel to ${target} with a page (HTTP ${status})`;
    case "ERR_PROXY_LOGIN":
      return `${hasLogin ? "refuses the user and password in its URL" : "wants a user and password"} (HTTP 407)`;
    default:
      return `refused a tunnel to ${target} (HTTP ${status})`;
  }
}
