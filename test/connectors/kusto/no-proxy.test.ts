import assert from "node:assert/strict";
import { test } from "node:test";
import { bypassesProxy, isLocal } from "../../../src/connectors/kusto/no-proxy.ts";

// The forms are those of curl's manual (--noproxy) and of Go's httpproxy, which agree on all of them but one: for Go `.example.com`
// does not mean example.com itself.

const cases: [list: string, host: string, port: number, isBypassed: boolean][] = [
  ["", "a.example.com", 443, false],
  ["*", "a.example.com", 443, true],
  ["x.example, *", "a.example.com", 443, true],
  ["example.com", "example.com", 443, true],
  ["example.com", "a.b.example.com", 443, true],
  ["example.com", "notexample.com", 443, false],
  ["example.com", "example.com.evil.example", 443, false],
  [".example.com", "a.example.com", 443, true],
  [".example.com", "example.com", 443, true],
  [".example.com", "notexample.com", 443, false],
  ["*.example.com", "a.example.com", 443, true],
  ["*.example.com", "notexample.com", 443, false],
  ["EXAMPLE.Com", "a.Example.COM", 443, true],
  ["example.com.", "a.example.com", 443, true],
  ["example.com", "a.example.com.", 443, true],
  ["other.example,example.com", "a.example.com", 443, true],
  ["other.example  example.com", "a.example.com", 443, true],
  [" , other.example ,\texample.com ,", "a.example.com", 443, true],
  ["example.com:443", "a.example.com", 443, true],
  ["example.com:8443", "a.example.com", 443, false],
  ["https://example.com", "a.example.com", 443, true],
  ["10.1.2.3", "10.1.2.3", 443, true],
  ["10.1.2.3", "10.1.2.30", 443, false],
  ["10.1.2.3:8443", "10.1.2.3", 8443, true],
  ["10.0.0.0/8", "10.200.1.1", 443, true],
  ["10.0.0.0/8", "11.0.0.1", 443, false],
  ["10.0.0.0/8", "10.example.com", 443, false],
  ["10.0.0.0/33", "10.0.0.1", 443, false],
  ["10.0.0.0/", "10.0.0.1", 443, false],
  ["2001:db8::1", "[2001:db8::1]", 443, true],
  ["2001:DB8:0::1", "[2001:db8::1]", 443, true],
  ["[2001:db8::1]", "[2001:db8::1]", 443, true],
  ["[2001:db8::1]:443", "[2001:db8::1]", 443, true],
  ["[2001:db8::1]:8443", "[2001:db8::1]", 443, false],
  ["2001:db8::/32", "[2001:db8:5::1]", 443, true],
  ["2001:db8::/32", "[2001:db9::1]", 443, false],
  [".", "a.example.com", 443, false],
];

for (const [list, host, port, isBypassed] of cases)
  test(`NO_PROXY=${JSON.stringify(list)}: ${host}:${port} ${isBypassed ? "is" : "is not"} reached directly`, () => {
    assert.equal(bypassesProxy(list, host, port), isBypassed);
  });

test("this machine and its own link are local, names that look like them are not", () => {
  for (const host of ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.255.1.2", "[::1]", "169.254.169.254"])
    assert.ok(isLocal(host), host);
  for (const host of ["localhost.example.com", "127.0.0.1.example.com", "128.0.0.1", "[2001:db8::1]", "10.0.0.1"])
    assert.ok(!isLocal(host), host);
});
