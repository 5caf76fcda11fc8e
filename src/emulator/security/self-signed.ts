import { generateKeyPair, type KeyObject, randomBytes, sign } from "node:crypto";
import { promisify } from "node:util";

/** An RSA certificate and its key, as PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly privateKey: string;
  readonly publicKey: KeyObject;
}

const makeKeyPair = promisify(generateKeyPair);

/** A pair of RSA keys; made off this thread, for it takes a tenth of a second and more. */
export const rsaKeyPair = () => makeKeyPair("rsa", { modulusLength: 2048 });

function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const length = body.length;
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), body]);
  const bytes = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...bytes]), body]);
}

const sequence = (...contents: Uint8Array[]) => der(0x30, ...contents);
const oid = (hex: string) => der(0x06, Buffer.from(hex, "hex"));
const time = (date: Date) => der(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-:T]/g, "")}Z`));

/** What a certificate says, and who signs it. */
export interface CertificateRequest {
  /** The common name of its owner. */
  readonly subject: string;
  readonly hosts?: readonly string[];
  /** IPv4. */
  readonly addresses?: readonly string[];
  /** It may sign others. */
  readonly isAuthority?: boolean;
  /** Default: itself. */
  readonly issuer?: { readonly subject: string; readonly privateKey: string };
  readonly from: Date;
  readonly to: Date;
}

const commonName = (text: string) => sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(text)))));
const extension = (id: string, value: Buffer) => sequence(oid(id), der(0x04, value));

/** X.509 version 3, RFC 5280; node:crypto can read certificates but not make them. */
export async function makeCertificate(request: CertificateRequest): Promise<Certificate> {
  const { subject, hosts = [], addresses = [], isAuthority = false, issuer, from, to } = request;
  const { privateKey, publicKey } = await rsaKeyPair();
  const sha256WithRsa = sequence(oid("2a864886f70d01010b"), der(0x05));
  const alternativeNames = [
    ...hosts.map((host) => der(0x82, Buffer.from(host))),
    ...addresses.map((address) => der(0x87, Buffer.from(address.split(".").map(Number)))),
  ];
  const extensions = sequence(
    ...(alternativeNames.length > 0 ? [extension("551d11", sequence(...alternativeNames))] : []),
    sequence(
      oid("551d13"),
      der(0x01, Buffer.from([0xff])),
      der(0x04, sequence(...(isAuthority ? [der(0x01, Buffer.from([0xff]))] : []))),
    ),
  );
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(7)])),
    sha256WithRsa,
    commonName(issuer?.subject ?? subject),
    sequence(time(from), time(to)),
    commonName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, extensions),
  );
  const signature = sign("sha256", toBeSigned, issuer?.privateKey ?? privateKey);
  const whole = sequence(toBeSigned, sha256WithRsa, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey,
  };
}

const dayMs = 86_400_000;

/** For localhost and 127.0.0.1, for a year. */
export function selfSigned(): Promise<Certificate> {
  return makeCertificate({
    subject: "localhost",
    hosts: ["localhost"],
    addresses: ["127.0.0.1"],
    isAuthority: true,
    from: new Date(Date.now() - dayMs),
    to: new Date(Date.now() + 365 * dayMs),
  });
}
