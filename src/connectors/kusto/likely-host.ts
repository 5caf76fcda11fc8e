import { domainToUnicode } from "node:url";
import { editDistance } from "../../option-names.ts";
import { clouds, isKustoHost } from "./kusto-hosts.ts";

/** What a host that is not Kusto's was probably meant to be. */
export interface LikelyHost {
  /** A host of Kusto; none where the name of the cluster is missing. */
  readonly host?: string;
}

/** Edits that are still a slip of the keyboard, and fewer in a short name: one in four characters. */
const mostEdits = 3;

const below = [...new Set(Object.values(clouds).flatMap((cloud) => cloud.below))]
  // Each host of Azure Storage, such as acct.dfs.core.windows.net, is near those of the Resource Graph.
  .filter((domain) => !domain.startsWith("arg"));
const exact = [...new Set(Object.values(clouds).flatMap((cloud) => cloud.hosts))];

/**
 * The host of Kusto that a misspelt one is near: by a few letters, by its top-level domain, by what stands behind it, by a dash or
 * nothing in place of a dot, or by letters of other alphabets that look the same. A cluster's name alone, or with its region, is
 * near too. Such a host is not to be trusted by an option: it may be somebody's who waits for the slip.
 *
 * @param name as `URL` writes it.
 * @returns undefined for a host of Kusto, and for one that is like none.
 */
export function likelyHost(name: string): LikelyHost | undefined {
  if (isKustoHost(name) || name.startsWith("[") || /^[\d.]+$/.test(name)) return undefined;
  if (!name.includes(".")) return {};
  let best: { host: string | undefined; distance: number } | undefined;
  for (const domain of below)
    for (const { head, distance } of splits(name, domain)) {
      const host = isClusterName(head) ? `${head}.${domain}` : undefined;
      // Of two that are as near, the one that names the cluster.
      const isNearer = !best || distance < best.distance || (distance === best.distance && !best.host && host);
      if (isNearer) best = { host, distance };
    }
  for (const host of exact) {
    const distance = distanceTo(domainToUnicode(name), host);
    if (distance !== undefined && (!best || distance < best.distance)) best = { host, distance };
  }
  const host = best ? best.host : shortName(name);
  if (host !== undefined) return { host };
  return best && {};
}

/**
 * NAME.REGION, as Kusto's own tools take it, also with a part of what has to follow. All but few regions have a direction in their
 * name.
 */
function shortName(name: string): string | undefined {
  const [, cluster, region = "", rest = ""] =
    /^([a-z0-9-]+)\.([a-z]+\d?)((?:\.kusto)?(?:\.windows)?(?:\.[a-z]+){0,2})$/.exec(name) ?? [];
  const isRegion = /east|west|north|south|central|^usgov/.test(region);
  return isRegion && (rest === "" || /^\.(kusto|windows)\b/.test(rest))
    ? `${cluster}.${region}.kusto.windows.net`
    : undefined;
}

interface Split {
  readonly head: string;
  readonly distance: number;
}

/** The ways to read a host as a cluster's name before a domain, or something like it. */
function* splits(name: string, domain: string): Generator<Split> {
  const inside = `.${name}.`.indexOf(`.${domain}.`);
  if (inside >= 0) yield { head: name.slice(0, Math.max(0, inside - 1)), distance: 0 };
  else if (name.endsWith(domain)) yield { head: name.slice(0, -domain.length).replace(/[.-]+$/, ""), distance: 0 };
  const labels = name.split(".");
  for (let from = 0; from < labels.length; from++) {
    const distance = distanceTo(domainToUnicode(labels.slice(from).join(".")), domain);
    if (distance !== undefined) yield { head: labels.slice(0, from).join("."), distance };
  }
}

/** Edits between two names, another top-level domain being one; undefined for more than a slip. */
function distanceTo(name: string, known: string): number | undefined {
  const knownStem = stemOf(known);
  const distance = Math.min(edits(name, known), edits(stemOf(name), knownStem) + 1);
  return distance <= Math.min(mostEdits, Math.floor(knownStem.length / 4)) ? distance : undefined;
}

/** An edit changes the length by one at most, so names of other lengths need no comparison. */
function edits(name: string, known: string): number {
  return Math.abs(name.length - known.length) > mostEdits ? Number.POSITIVE_INFINITY : editDistance(name, known);
}

/** Without the top-level domain. */
function stemOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf(".")));
}

function isClusterName(head: string): boolean {
  return /^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*$/.test(head);
}

const example = "adx.westeurope.kusto.windows.net";

/** The question to whoever gave a host that is near one of Kusto's; undefined where it is not. */
export function likelyQuestion(name: string): string | undefined {
  const likely = likelyHost(name);
  if (!likely) return undefined;
  return likely.host === undefined
    ? `a cluster's URL looks like https://${example}.`
    : `did you mean https://${likely.host}?`;
}
