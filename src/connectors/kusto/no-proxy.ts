import { BlockList, isIP } from "node:net";

/**
 * Whether requests to a host go around the proxy, by a list in the form of NO_PROXY: `*`; a host, which stands for all below
 * it too, with or without `.` or `*.` before it; an address; a range of addresses (`10.0.0.0/8`); any of them with `:port`.
 * Entries are separated by commas or white space, and case does not count. Names are not resolved to compare addresses.
 */
export function bypassesProxy(list: string, hostname: string, port: number): boolean {
  const host = plainHost(hostname);
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry !== "" && covers(entry, host, port));
}

/** In lower case, without the brackets of an IPv6 address and without the dot that ends a full name. */
export function plainHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
}

function covers(entry: string, host: string, port: number): boolean {
  if (entry === "*") return true;
  const { pattern, port: ofEntry } = partsOf(entry);
  if (ofEntry !== undefined && ofEntry !== port) return false;
  if (pattern.includes("/")) return isInRange(pattern, host);
  if (isIP(pattern) !== 0) return isInRange(`${pattern}/${isIP(pattern) === 4 ? 32 : 128}`, host);
  const domain = plainHost(pattern.replace(/^\*?\.?/, ""));
  return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
}

/** `[::1]:8443`, `::1`, `host:8443`; a scheme before it says nothing here. */
function partsOf(entry: string): { pattern: string; port: number | undefined } {
  const text = entry.replace(/^[a-z]+:\/\//, "");
  const [, bracketed, ofBracketed] = /^\[([^\]]+)\](?::(\d+))?$/.exec(text) ?? [];
  if (bracketed !== undefined) return { pattern: bracketed, port: ofBracketed ? Number(ofBracketed) : undefined };
  const [, name, ofName] = /^([^:]+):(\d+)$/.exec(text) ?? [];
  return name === undefined ? { pattern: text, port: undefined } : { pattern: name, port: Number(ofName) };
}

function isInRange(range: string, host: string): boolean {
  const [address = "", bits = ""] = range.split("/");
  const version = isIP(address);
  if (version === 0 || isIP(host) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128))
    return false;
  const addresses = new BlockList();
  addresses.addSubnet(address, Number(bits), version === 4 ? "ipv4" : "ipv6");
  return addresses.check(host, isIP(host) === 4 ? "ipv4" : "ipv6");
}

const local = new BlockList();
local.addSubnet("127.0.0.0", 8, "ipv4");
local.addAddress("::1", "ipv6");
// Link-local: there a virtual machine asks for the tokens of its identity.
local.addSubnet("169.254.0.0", 16, "ipv4");
local.addSubnet("fe80::", 10, "ipv6");

/** This machine, or its own link: no proxy could reach them in its place. */
export function isLocal(hostname: string): boolean {
  const host = plainHost(hostname);
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  const version = isIP(host);
  return version !== 0 && local.check(host, version === 4 ? "ipv4" : "ipv6");
}
