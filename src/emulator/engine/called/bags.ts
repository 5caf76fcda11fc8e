import type { CalledFunction } from "./called-function.ts";
import { arrayText, bagIn, bagText, canonical, itemsIn, textIn } from "./json-values.ts";

const json = (act: CalledFunction["act"]): CalledFunction => ({ gives: "json", act });

/** Of a name in several bags, the leftmost counts. */
export function merged(bags: readonly string[]): string {
  const all = new Map<string, string>();
  for (const each of bags) for (const [name, value] of bagIn(each) ?? []) if (!all.has(name)) all.set(name, value);
  return bagText(all);
}

const namesIn = (args: readonly string[]): string[] =>
  args.flatMap((each) => itemsIn(each)?.map(textIn) ?? [textIn(each)]);

/** `$.a.b[0]` or `a`: the steps of a path to a member. */
function stepsOf(path: string): string[] {
  if (!path.startsWith("$")) return [path];
  return [...path.slice(1).matchAll(/\.([^.[\]]+)|\[\s*'([^']*)'\s*\]|\[\s*"([^"]*)"\s*\]|\[(-?\d+)\]/g)].map(
    (found) => found[1] ?? found[2] ?? found[3] ?? found[4]!,
  );
}

function removed(bag: string, steps: readonly string[]): string {
  const members = bagIn(bag);
  if (!members) return bag;
  const [first, ...rest] = steps;
  const inner = members.get(first!);
  if (inner === undefined) return bag;
  if (rest.length === 0) members.delete(first!);
  else members.set(first!, removed(inner, rest));
  return bagText(members);
}

/** `bag_set_key` along a path: bags that are not there are made. */
function withMember(bag: string, steps: readonly string[], value: string): string {
  const [first, ...rest] = steps;
  const members = bagIn(bag) ?? new Map<string, string>();
  members.set(first!, rest.length === 0 ? value : withMember(members.get(first!) ?? "{}", rest, value));
  return bagText(members);
}

/** Every path in a value, as `['a']['b']`; what lies in an array is told of once, as of its first item. */
function pathsIn(value: string, path: string): string[] {
  const members = bagIn(value);
  if (members)
    return [...members].flatMap(([name, inner]) => {
      const step = `['${name}']`;
      return [`${path}${step}`, ...pathsIn(inner, `${path}${step}`)];
    });
  return (itemsIn(value) ?? []).flatMap((inner) => [`${path}[0]`, ...pathsIn(inner, `${path}[0]`)]);
}

export const bagFunctions: Readonly<Record<string, CalledFunction>> = {
  bag_has_key: {
    gives: "bool",
    act: (bag, key) => {
      let value: string | undefined = bag;
      for (const step of stepsOf(textIn(key))) {
        const items: string[] | null = itemsIn(value);
        value = items ? items[Number(step)] : bagIn(value)?.get(step);
      }
      return bagIn(bag) ? value !== undefined : null;
    },
  },
  bag_keys: json((bag) => {
    const members = bagIn(bag);
    return members && arrayText([...members.keys()].map((name) => JSON.stringify(name)));
  }),
  bag_merge: json((...bags) => (bags.some((bag) => bagIn(bag)) ? merged(bags) : null)),
  bag_pack: json((...pairs) => {
    const members: [string, string][] = [];
    for (let index = 0; index + 1 < pairs.length; index += 2) members.push([textIn(pairs[index]), pairs[index + 1]!]);
    return bagText(new Map(members));
  }),
  /** The flag first: whether null and empty values are left out. */
  pack_all: json((isLean, ...pairs) => {
    const members: [string, string][] = [];
    for (let index = 0; index + 1 < pairs.length; index += 2) {
      const value = pairs[index + 1]!;
      if (isLean !== "true" || (value !== "null" && value !== '""')) members.push([textIn(pairs[index]), value]);
    }
    return bagText(members);
  }),
  bag_remove_keys: json((bag, keys) => {
    if (!bagIn(bag)) return null;
    return (itemsIn(keys) ?? []).map(textIn).reduce((rest, key) => removed(rest, stepsOf(key)), bag!);
  }),
  bag_set_key: json((bag, key, value) => {
    const steps = stepsOf(textIn(key));
    return bagIn(bag) && steps.length > 0 ? withMember(bag!, steps, value!) : null;
  }),
  bag_zip: json((keys, values) => {
    const [names, list] = [itemsIn(keys), itemsIn(values) ?? []];
    if (!names) return null;
    const pairs = names.flatMap((name, index): [string, string][] =>
      name.startsWith('"') ? [[textIn(name), list[index] ?? "null"]] : [],
    );
    return bagText(new Map(pairs));
  }),
  treepath: json((value) => arrayText([...new Set(pathsIn(value!, ""))].map((path) => JSON.stringify(path)))),
  strcat_array: { gives: "text", act: (array, between) => (itemsIn(array) ?? []).map(textIn).join(textIn(between)) },
  has_any_index: {
    gives: "long",
    act: (text, terms) => {
      const lower = textIn(text).toLowerCase();
      return BigInt(namesIn([terms!]).findIndex((term) => hasTerm(lower, term.toLowerCase())));
    },
  },
  dynamic_equal: { gives: "bool", act: (a, b) => canonical(a!) === canonical(b!) },
  gettype: { gives: "text", act: (value) => typeOf(value!) },
};

/** Whether a text has a whole term. */
function hasTerm(text: string, term: string): boolean {
  const isWord = (char: string | undefined) => char !== undefined && /[\p{L}\p{N}]/u.test(char);
  for (let at = text.indexOf(term); at >= 0 && term !== ""; at = text.indexOf(term, at + 1))
    if (!isWord(text[at - 1]) && !isWord(text[at + term.length])) return true;
  return term === "";
}

function typeOf(value: string): string {
  switch (value.trimStart()[0]) {
    case "{":
      return "dictionary";
    case "[":
      return "array";
    case '"':
      return "string";
    case "t":
    case "f":
      return "bool";
    case "n":
      return "null";
    default:
      return /^-?\d+$/.test(value) ? "long" : "double";
  }
}
