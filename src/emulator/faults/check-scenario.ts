import { MillraceError } from "../../errors.ts";
import type { FaultScenario } from "./scenario.ts";

/** Says what is wrong with a value, or nothing. */
type Check = (value: unknown) => string | undefined;

const number =
  (least: number, most: number, isWhole = true): Check =>
  (value) =>
    typeof value === "number" && value >= least && value <= most && (Number.isInteger(value) || !isWhole)
      ? undefined
      : `must be a ${isWhole ? "whole " : ""}number from ${least} to ${most}`;
const oneOf =
  (...names: readonly unknown[]): Check =>
  (value) =>
    names.includes(value) ? undefined : `must be ${names.map((name) => JSON.stringify(name)).join(" or ")}`;
const text: Check = (value) => (typeof value === "string" && value !== "" ? undefined : "must be a text, not empty");

/** Longer than any run; what timers take. */
const longestMs = 2_147_483_647;
const mostTimes = 1_000_000_000;
const ms = number(0, longestMs);

/** The members of a fault, by what they are for; a question mark behind the name: it may be left out. */
const timing: Record<string, Check> = {
  "after?": number(0, mostTimes),
  "every?": number(1, mostTimes),
  "chance?": number(0, 1, false),
  "times?": number(1, mostTimes),
  "fromMs?": ms,
  "forMs?": ms,
};
const request: Record<string, Check> = {
  at: oneOf("auth", "mgmt", "query", "ingest", "blob", "queue", "table", "kusto", "storage", "all"),
  "command?": text,
  "method?": text,
  "path?": text,
  "account?": number(0, 15),
  ...timing,
};
const message: Record<string, Check> = {
  "database?": text,
  "table?": text,
  "blob?": text,
  "containing?": text,
  ...timing,
};
const moment = { "when?": oneOf("before", "after") };
const kinds: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  answer: { status: number(400, 599), "retryAfterSeconds?": number(0, 86_400), ...request },
  reset: { "when?": oneOf("before", "after", "midway"), ...request },
  hang: { ...moment, ...request },
  slow: { ms, ...moment, ...request },
  "expire-sas": { ...without(request, "at", "command?"), "at?": oneOf("blob", "queue", "table", "storage") },
  refuse: {
    at: oneOf("kusto", "storage", "all", "blob", "queue", "table"),
    "account?": number(0, 15),
    forMs: number(1, longestMs),
    "fromMs?": ms,
  },
  lose: message,
  "load-twice": message,
  "lose-report": message,
  "deliver-twice": { "delayMs?": ms, ...message },
  "deliver-late": { delayMs: number(1, longestMs), ...message },
  "deliver-out-of-order": { messages: number(2, 1_000), "withinMs?": ms, ...message },
  fail: {
    "permanent?": oneOf(true, false),
    "attempts?": number(1, mostTimes),
    "code?": text,
    "message?": text,
    ...message,
  },
};

/**
 * Checks a scenario, whatever it is.
 *
 * @throws MillraceError BAD_OPTION, which names the member and what it may be.
 */
export function checkScenario(value: unknown, accounts = 16): FaultScenario {
  const scenario = members("the scenario", value, {
    "seed?": number(-2_147_483_648, longestMs),
    "clock?": () => undefined,
    faults: (list) => (Array.isArray(list) ? undefined : "must be a list of faults"),
  });
  if (scenario.clock !== undefined)
    members("clock", scenario.clock, { "speed?": number(0.001, 1_000_000, false), "advanceMs?": number(0, 1e13) });
  for (const [index, fault] of (scenario.faults as unknown[]).entries())
    checkFault(`faults[${index}]`, fault, accounts);
  return scenario as unknown as FaultScenario;
}

function checkFault(where: string, value: unknown, accounts: number): void {
  const name = isObject(value) ? value.do : undefined;
  const kind = typeof name === "string" && Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (!kind) refuse(where, "do", name, `must be ${Object.keys(kinds).join(", ")}`);
  const fault = members(where, value, { do: () => undefined, ...kind });
  const { at, account, command } = fault as { at?: string; account?: number; command?: string };
  if (account !== undefined && ["auth", "mgmt", "query", "ingest", "kusto"].includes(at ?? ""))
    refuse(where, "account", account, `belongs to storage, and '${at}' is not`);
  if (account !== undefined && account >= accounts)
    refuse(where, "account", account, `must be less than ${accounts}: there are so many accounts, counted from 0`);
  if (command !== undefined && !["mgmt", "query", "kusto", "all"].includes(at!))
    refuse(where, "command", command, `belongs to mgmt and query, and '${at}' is neither`);
  if (fault.attempts !== undefined && fault.permanent !== false)
    refuse(where, "attempts", fault.attempts, "belongs to a transient failure: say permanent: false");
}

type Members = Readonly<Record<string, unknown>>;

/** An object with these members and no others. */
function members(where: string, value: unknown, checks: Readonly<Record<string, Check>>): Members {
  if (!isObject(value)) throw bad(`${where} must be an object, not ${JSON.stringify(value)}.`);
  const names = Object.keys(checks).map((name) => name.replace("?", ""));
  for (const name of Object.keys(value))
    if (!names.includes(name))
      throw bad(`${where}.${name} is not known${kindOf(value)}; there are: ${names.join(", ")}.`);
  for (const [name, check] of Object.entries(checks)) {
    const isOptional = name.endsWith("?");
    const member = name.replace("?", "");
    if (value[member] === undefined && isOptional) continue;
    const wrong = check(value[member]);
    if (value[member] === undefined) throw bad(`${where}.${member} is missing${kindOf(value)}; it ${wrong}.`);
    if (wrong) refuse(where, member, value[member], wrong);
  }
  return value;
}

const kindOf = (value: Members) => (typeof value.do === "string" ? ` in '${value.do}'` : "");

function without(checks: Readonly<Record<string, Check>>, ...names: readonly string[]): Record<string, Check> {
  return Object.fromEntries(Object.entries(checks).filter(([name]) => !names.includes(name)));
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(where: string, member: string, value: unknown, why: string): never {
  const shown = JSON.stringify(value) ?? "nothing";
  throw bad(`${where}.${member} ${why}; it is ${shown.length > 60 ? `${shown.slice(0, 60)}...` : shown}.`);
}

const bad = (text: string) => new MillraceError("BAD_OPTION", `Fault scenario: ${text}`);
