import type { CalledFunction } from "./called-function.ts";
import { arrayText, bagText, longIn, textIn } from "./json-values.ts";

const json = (act: CalledFunction["act"]): CalledFunction => ({ gives: "json", act });

/** One record of comma-separated values; quotes double within quotes. */
function csvFields(line: string): string[] {
  const fields: string[] = [];
  const shape = /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/y;
  for (;;) {
    const found = shape.exec(line);
    if (!found) return fields;
    fields.push(found[1] === undefined ? found[2]! : found[1].replaceAll('""', '"'));
    if (found[3] !== ",") return fields;
  }
}

function urlParts(source: string): string {
  const found =
    /^(?:([A-Za-z][\w+.-]*):)?(?:\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?([^:/?#]*)(?::(\d+))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(
      textIn(source),
    );
  const [, scheme = "", user = "", password = "", host = "", port = "", path = "", query, fragment = ""] = found ?? [];
  const quoted = Object.entries({
    Scheme: scheme,
    Host: host,
    Port: port,
    Path: path,
    Username: user,
    Password: password,
  }).map(([name, value]) => [name, JSON.stringify(value)] as const);
  return bagText([...quoted, ["Query Parameters", queryBag(query)], ["Fragment", JSON.stringify(fragment)]]);
}

function queryBag(query: string | undefined): string {
  const members = new Map<string, string>();
  for (const each of (query ?? "").split("&")) {
    if (each === "") continue;
    const [name, ...value] = each.split("=");
    members.set(decoded(name!), JSON.stringify(decoded(value.join("="))));
  }
  return bagText(members);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function ipv4(source: string): { address: bigint; prefix: number } | null {
  const found = /^\s*(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?\s*$/.exec(textIn(source));
  if (!found) return null;
  const bytes = found.slice(1, 5).map(Number);
  const prefix = found[5] === undefined ? 32 : Number(found[5]);
  if (bytes.some((byte) => byte > 255) || prefix > 32) return null;
  return { address: bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n), prefix };
}

const masked = (address: bigint, prefix: number) => (address >> BigInt(32 - prefix)) << BigInt(32 - prefix);

function compareIpv4(a: string, b: string, prefix = "32"): bigint | null {
  const [x, y] = [ipv4(a), ipv4(b)];
  if (!x || !y) return null;
  const bits = Math.min(x.prefix, y.prefix, Number(longIn(prefix) ?? 32n));
  const [m, n] = [masked(x.address, bits), masked(y.address, bits)];
  return m < n ? -1n : m > n ? 1n : 0n;
}

function versionOf(source: string): string | null {
  const parts = textIn(source).split(".");
  if (parts.length > 4 || !parts.every((part) => /^\d{1,8}$/.test(part))) return null;
  const all = [...parts, "0", "0", "0"].slice(0, 4);
  return all
    .map((part) => part.padStart(8, "0"))
    .join("")
    .replace(/^0+(?=\d)/, "");
}

/** Paths to members of a file's path, by either system's separators. */
function pathParts(source: string): string {
  const path = textIn(source);
  const scheme = /^([A-Za-z][\w+.-]+):\/\//.exec(path)?.[1] ?? "";
  const bare = path.replace(/^[A-Za-z][\w+.-]+:\/\//, "");
  const cut = Math.max(bare.lastIndexOf("/"), bare.lastIndexOf("\\"));
  const stream = /^([^:]*):(.+)$/.exec(bare.slice(cut + 1));
  const filename = stream ? stream[1]! : bare.slice(cut + 1);
  const dot = filename.lastIndexOf(".");
  const directory = cut < 0 ? "" : bare.slice(0, cut);
  const parts: Record<string, string> = {
    Scheme: scheme,
    RootPath: /^[A-Za-z]:/.exec(bare)?.[0] ?? "",
    DirectoryPath: directory,
    DirectoryName: directory.split(/[/\\]/).at(-1) ?? "",
    Filename: filename,
    Extension: dot < 0 ? "" : filename.slice(dot + 1),
    AlternateDataStreamName: stream?.[2] ?? "",
  };
  return bagText(Object.entries(parts).map(([name, value]) => [name, JSON.stringify(value)] as const));
}

export const parsedFunctions: Readonly<Record<string, CalledFunction>> = {
  ipv4_compare: { gives: "long", act: compareIpv4 },
  ipv4_is_in_range: {
    gives: "bool",
    act: (ip, range) => {
      const [address, net] = [ipv4(ip!), ipv4(range!)];
      return address && net && masked(address.address, net.prefix) === masked(net.address, net.prefix);
    },
  },
  ipv4_is_match: {
    gives: "bool",
    act: (a, b, prefix) => {
      const compared = compareIpv4(a!, b!, prefix);
      return compared === null ? null : compared === 0n;
    },
  },
  ipv4_is_private: {
    gives: "bool",
    act: (source) => {
      const found = ipv4(source!);
      const nets: [string, number][] = [
        ["10.0.0.0", 8],
        ["172.16.0.0", 12],
        ["192.168.0.0", 16],
      ];
      return found && nets.some(([net, bits]) => masked(found.address, bits) === ipv4(JSON.stringify(net))!.address);
    },
  },
  ipv4_netmask_suffix: {
    gives: "long",
    act: (source) => {
      const found = ipv4(source!);
      return found && BigInt(found.prefix);
    },
  },
  parse_csv: json((line) => arrayText(csvFields(textIn(line)).map((field) => JSON.stringify(field)))),
  parse_ipv4: {
    gives: "long",
    act: (source) => {
      const found = ipv4(source!);
      return found && masked(found.address, found.prefix);
    },
  },
  parse_path: json(pathParts),
  parse_url: json(urlParts),
  parse_urlquery: json((query) => bagText([["Query Parameters", queryBag(textIn(query).replace(/^\?/, ""))]])),
  parse_version: { gives: "text", act: versionOf },
};
