import { type Certificate, makeCertificate } from "../../../../src/emulator/security/self-signed.ts";

const dayMs = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * dayMs);

/** A private authority, as companies have, whose root no machine knows by itself. */
export interface Authority {
  /** PEM, for NODE_EXTRA_CA_CERTS. */
  readonly root: string;
  /** A certificate for these hosts. */
  issue(hosts: readonly string[], options?: { isExpired?: boolean; addresses?: string[] }): Promise<Certificate>;
}

export async function privateAuthority(): Promise<Authority> {
  const subject = "Test Authority";
  const root = await makeCertificate({ subject, isAuthority: true, from: inDays(-30), to: inDays(30) });
  return {
    root: root.certificate,
    issue: (hosts, { isExpired = false, addresses = [] } = {}) =>
      makeCertificate({
        subject: hosts[0] ?? "somebody",
        hosts,
        addresses,
        issuer: { subject, privateKey: root.privateKey },
        from: inDays(-20),
        to: inDays(isExpired ? -10 : 20),
      }),
  };
}
