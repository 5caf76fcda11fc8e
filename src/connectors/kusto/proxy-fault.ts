import { certificateFix, certificateTrouble } from "./certificate-trouble.ts";

/**
 * What went wrong between this machine and its proxy. The code tells it: @azure's clients make new errors of what they catch,
 * and keep only message and code.
 */
export type ProxyFault =
  /** 407. */
  | "ERR_PROXY_LOGIN"
  /** Another status that says no for good. */
  | "ERR_PROXY_DENIED"
  /** A status that may pass: the proxy did not reach the host, or is busy. */
  | "ERR_PROXY_FAILED"
  /** It cannot be reached, or broke off. */
  | "ERR_PROXY_UNREACHABLE"
  /** It shows a certificate that is not trusted. */
  | "ERR_PROXY_TLS"
  /** It answered with something that no proxy says. */
  | "ERR_PROXY_ANSWER";

export class ProxyError extends Error {
  override readonly name = "ProxyError";
  readonly code: ProxyFault;

  constructor(code: ProxyFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const codes = /^ERR_PROXY_(LOGIN|DENIED|FAILED|UNREACHABLE|TLS|ANSWER)$/;

export function isProxyFault(code: unknown): code is ProxyFault {
  return typeof code === "string" && codes.test(code);
}

/** Whether another attempt may get through. */
export function mayPass(fault: ProxyFault): boolean {
  return fault === "ERR_PROXY_FAILED" || fault === "ERR_PROXY_UNREACHABLE" || fault === "ERR_PROXY_ANSWER";
}

const otherwise = "or name the host in NO_PROXY if it is reached without a proxy";
const fixes: Readonly<Record<Exclude<ProxyFault, "ERR_PROXY_TLS">, string>> = {
  ERR_PROXY_LOGIN: `Put the user and password into the proxy's URL, as http://USER:PASSWORD@host:port with special characters percent-encoded (@ as %40, # as %23), ${otherwise}.`,
  ERR_PROXY_DENIED: `Ask the keeper of the proxy to let this machine out to that host and port, ${otherwise}.`,
  ERR_PROXY_FAILED: `Ask the keeper of the proxy whether it reaches that host, ${otherwise}.`,
  ERR_PROXY_UNREACHABLE: `Check the proxy's address and that it runs, ${otherwise}.`,
  ERR_PROXY_ANSWER: `Check the proxy's address, port and scheme, ${otherwise}.`,
};

/** What to do about it. The message of a certificate's fault ends with OpenSSL's code. */
export function proxyFix(fault: ProxyFault, message: string): string {
  if (fault !== "ERR_PROXY_TLS") return fixes[fault];
  const [code = ""] = /\b[A-Z][A-Z_]{5,}(?=\)?$)/.exec(message) ?? [];
  return certificateTrouble(code) === undefined ? fixes.ERR_PROXY_ANSWER : certificateFix(code, "proxy");
}
