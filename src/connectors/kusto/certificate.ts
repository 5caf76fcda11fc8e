import { readFile } from "node:fs/promises";

/** Where the PEM with the certificate and its key is: its text, or the path of a file. */
export type CertificateSource = { readonly certificate: string } | { readonly certificatePath: string };

/**
 * What @azure/identity is given: under Node and Bun the source as it is. It hands the whole PEM to `createPrivateKey`, and that of Deno (2.9)
 * takes one key with nothing behind it and no other block, so there the text is written anew.
 */
export async function certificateFor(source: CertificateSource): Promise<CertificateSource> {
  if (!("Deno" in globalThis)) return source;
  const pem = "certificate" in source ? source.certificate : await readFile(source.certificatePath, "utf8");
  return { certificate: withKeyAlone(pem) };
}

const keyPattern = /-----BEGIN ((?:[A-Z]+ )*PRIVATE KEY)-----[^-]+-----END \1-----/;

/**
 * The PEM with its key as the only block, at the end. Text before a block is explanation (RFC 7468, section 2), and a certificate
 * between four hyphens is no block but such text; @azure/identity takes any number of them. Without a key it stays as it is.
 */
export function withKeyAlone(pem: string): string {
  const [key] = keyPattern.exec(pem) ?? [];
  if (key === undefined) return pem;
  const certificates = pem.replace(key, "").replaceAll(/-----(BEGIN|END) CERTIFICATE-----/g, "----$1 CERTIFICATE----");
  return `${certificates.trim()}\n${key}\n`;
}
