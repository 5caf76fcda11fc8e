import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { withKeyAlone } from "../../../src/connectors/kusto/certificate.ts";
import { selfSigned } from "../../../src/emulator/security/self-signed.ts";

const blocks = (pem: string) => pem.match(/-----BEGIN [A-Z ]+-----/g);

for (const order of ["certificate first", "key first"] as const)
  test(`the key is the only block and the last, ${order}`, async () => {
    const [own, issuer] = [await selfSigned(), await selfSigned()];
    const chain = own.certificate + issuer.certificate;
    const pem = order === "key first" ? own.privateKey + chain : chain + own.privateKey;
    const text = withKeyAlone(`Bag Attributes\n${pem}`);
    const [only, ...others] = blocks(text)!;
    assert.match(only!, /PRIVATE KEY/);
    assert.deepEqual(others, []);
    assert.match(text, /-----END [A-Z ]*PRIVATE KEY-----\n$/);
    assert.ok(createPrivateKey(text).equals(createPrivateKey(own.privateKey)));
    // As @azure/identity finds them: in their order, with any number of hyphens.
    const found = [...text.matchAll(/-+BEGIN CERTIFICATE-+\r?\n([A-Za-z0-9+/=\r\n]+?)\r?\n-+END CERTIFICATE-+/g)];
    assert.deepEqual(
      found.map(([, body]) => new X509Certificate(Buffer.from(body!, "base64")).fingerprint256),
      [own.certificate, issuer.certificate].map((each) => new X509Certificate(each).fingerprint256),
    );
  });

test("a text without a key stays as it is, for the library to refuse", async () => {
  const { certificate } = await selfSigned();
  assert.equal(withKeyAlone(certificate), certificate);
});
