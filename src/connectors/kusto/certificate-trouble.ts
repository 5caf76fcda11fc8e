/** What is wrong with a certificate, by OpenSSL's names. */
const troubles: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "shows a certificate that has expired",
  CERT_NOT_YET_VALID: "shows a certificate that is not valid yet",
  CERT_REVOKED: "shows a certificate that was revoked",
  CERT_UNTRUSTED: "shows a certificate that this machine does not trust",
  DEPTH_ZERO_SELF_SIGNED_CERT: "shows a certificate that it has signed itself",
  ERR_TLS_CERT_ALTNAME_INVALID: "shows a certificate of another host",
  SELF_SIGNED_CERT_IN_CHAIN: "shows a certificate of an authority that this machine does not know",
  UNABLE_TO_GET_ISSUER_CERT: "shows a certificate whose issuer this machine does not know",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "shows a certificate whose issuer this machine does not know",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "shows a certificate of an authority that this machine does not know, or leaves out those between them",
};

/** The predicate of a sentence about the host; undefined for what is no fault of a certificate. */
export function certificateTrouble(code: string): string | undefined {
  return Object.hasOwn(troubles, code) ? troubles[code] : undefined;
}

/** What to do about a certificate that is refused. */
export function certificateFix(code: string, of: "host" | "proxy" = "host"): string {
  const owner = of === "host" ? "the owner of the host" : "the keeper of the proxy";
  switch (code) {
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return `Compare this machine's clock with the time; if it is right, ask ${owner} for a new certificate.`;
    case "CERT_REVOKED":
      return `Ask ${owner} for a new certificate.`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return of === "host"
        ? "Give the cluster's URL by the name that its certificate bears, not by an alias or an address."
        : "Name the proxy by the name that its certificate bears, not by an alias or an address.";
    default:
      return `If your network has an authority of its own, as a proxy that reads TLS has, ask its keeper for the root certificate and start the program with NODE_EXTRA_CA_CERTS=/path/to/root.pem; else ask ${owner}.`;
  }
}
