import { shown } from "../encode/record-refused.ts";
import { MillraceError, reasonOf } from "../errors.ts";
import type { Position, Positions } from "../source/source.ts";

/**
 * The most that the positions of all partitions may take together, in bytes of JSON: 64 MiB. A state writes all of them with every
 * checkpoint, twice. The hard limits lie above: a frame of the journal counts 32 bits, and V8 has no text beyond 512 MiB.
 */
const mostBytes = 64 * 1024 * 1024;
/** Levels of arrays and objects in a position. Stores of JSON have limits of their own, from 64 on. */
const deepest = 64;

/** What a checkpoint changes in the stored positions. Undefined: the partition is dropped. */
export type PositionChanges = Readonly<Record<string, Position | undefined>>;

/** The positions after a checkpoint. */
export function withChanges(stored: Positions, changes: PositionChanges): Positions {
  const all = Object.entries<Position | undefined>({ ...stored, ...changes });
  return Object.fromEntries(all.filter((each): each is [string, Position] => each[1] !== undefined));
}

/** Bytes of JSON that the stored positions take, by partition. */
export interface PositionSizes {
  readonly byPartition: Map<string, number>;
  total: number;
}

export function noSizes(): PositionSizes {
  return { byPartition: new Map(), total: 0 };
}

/** The sizes of positions that a state holds. */
export function sizesOf(positions: Positions): PositionSizes {
  const sizes = noSizes();
  for (const [partition, position] of Object.entries(positions)) {
    const bytes = sizeOf(JSON.stringify(partition)) + sizeOf(JSON.stringify(position));
    sizes.byPartition.set(partition, bytes);
    sizes.total += bytes;
  }
  return sizes;
}

/**
 * Copies positions, so that what the caller does with its object afterwards changes nothing, and refuses what would not be the same
 * when it is read from JSON again.
 *
 * @param what whose they are, for the error: `checkpoint()`
 * @param sizes of the positions that are stored already; grows by the new ones when all of them are sound
 * @throws MillraceError BAD_OPTION naming the partition, the path inside of its position, and the value.
 */
export function copyPositions(what: string, given: unknown, sizes: PositionSizes = noSizes()): Positions {
  const partitions = partitionsOf(what, given);
  const copies = partitions.map(([partition, position]) => copyWithSize(what, partition, position));
  let { total } = sizes;
  for (const { partition, bytes } of copies) total += bytes - (sizes.byPartition.get(partition) ?? 0);
  if (total > mostBytes)
    throw new MillraceError(
      "BAD_OPTION",
      `${what}: the positions of all partitions would take ${total} bytes of JSON, and the limit is ${mostBytes}. A state writes all of them with every checkpoint: tell smaller ones, or fewer partitions per job.`,
      { context: { bytes: total } },
    );
  for (const { partition, bytes } of copies) sizes.byPartition.set(partition, bytes);
  sizes.total = total;
  return Object.fromEntries(copies.map(({ partition, copy }) => [partition, copy]));
}

/**
 * Partitions to drop, as changes of positions.
 *
 * @param what whose they are, for the error: `checkpoint()`
 * @param kept positions that are stored at the same time
 * @throws MillraceError BAD_OPTION for what is no list of texts, and for a partition that is in `kept` too.
 */
export function copyDropped(what: string, given: unknown, kept: Positions): PositionChanges {
  if (!Array.isArray(given) || given.some((partition) => typeof partition !== "string"))
    throw new MillraceError("BAD_OPTION", `${what}: dropped is ${shown(given)}; it takes a list of partitions.`, {
      context: { option: "dropped" },
    });
  const partitions: readonly string[] = given;
  const both = partitions.find((partition) => Object.hasOwn(kept, partition));
  if (both !== undefined)
    throw new MillraceError(
      "BAD_OPTION",
      `${what}: partition ${shown(both)} is in positions and in dropped; name it in one of them.`,
      { context: { option: "dropped", partition: both } },
    );
  return Object.fromEntries(partitions.map((partition) => [partition, undefined]));
}

/** The sizes without partitions that were dropped. */
export function dropSizes(sizes: PositionSizes, partitions: readonly string[]): void {
  for (const partition of partitions) {
    sizes.total -= sizes.byPartition.get(partition) ?? 0;
    sizes.byPartition.delete(partition);
  }
}

/** As {@link copyPositions}, for the position of one partition. */
export function copyPosition(what: string, partition: string, given: unknown): Position {
  if (typeof partition !== "string")
    throw new MillraceError("BAD_OPTION", `${what}: the partition is ${shown(partition)}; it takes a text.`);
  return copyWithSize(what, partition, given).copy;
}

function partitionsOf(what: string, given: unknown): readonly (readonly [string, unknown])[] {
  let reason: string | undefined;
  try {
    if (typeof given === "object" && given !== null && !Array.isArray(given)) {
      reason = objectFault(given);
      if (reason === undefined) return Object.keys(given).map((key) => [key, (given as Record<string, unknown>)[key]]);
    }
  } catch (cause) {
    throw new MillraceError("BAD_OPTION", `${what}: reading the positions failed (${reasonOf(cause)}).`, { cause });
  }
  const found = reason === undefined ? `are ${shown(given)}` : `cannot be stored: ${reason}`;
  throw new MillraceError(
    "BAD_OPTION",
    `${what}: the positions ${found}; they take a plain object of positions by partition, such as { "topic-0": 4711 }.`,
    { context: { option: "positions", value: shown(given) } },
  );
}

interface Copying {
  bytes: number;
  /** From the position down to the value at hand. */
  readonly path: (string | number)[];
  /** The objects on that path. */
  readonly above: object[];
}

/** Why a value cannot be stored. */
class Unstorable {
  readonly value: unknown;
  readonly reason: string;

  constructor(value: unknown, reason: string) {
    this.value = value;
    this.reason = reason;
  }
}

function copyWithSize(what: string, partition: string, given: unknown) {
  const copying: Copying = { bytes: sizeOf(JSON.stringify(partition)), path: [], above: [] };
  try {
    const copy = copyOf(given, copying);
    return { partition, copy, bytes: copying.bytes };
  } catch (error) {
    const path = pathText(copying.path);
    const fault = error instanceof Unstorable ? error : undefined;
    const value = fault && shown(fault.value);
    const found = fault
      ? `${path === "" ? `is ${value}` : `holds ${value} at ${path}`}: ${fault.reason}`
      : `cannot be read${path === "" ? "" : ` at ${path}`} (${reasonOf(error)})`;
    throw new MillraceError(
      "BAD_OPTION",
      `${what}: the position of partition ${shown(partition)} ${found}. A position is plain JSON; this one was not taken.`,
      { cause: fault ? undefined : error, context: { partition, path, value } },
    );
  }
}

/** What was thrown left `copying.path` at the place of the fault. */
function copyOf(value: unknown, copying: Copying): Position {
  if (typeof value === "object" && value !== null) return copyOfObject(value, copying);
  const reason = scalarFault(value);
  if (reason !== undefined) throw new Unstorable(value, reason);
  grow(copying, value, JSON.stringify(value));
  return value as Position;
}

function scalarFault(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return value.length > mostBytes ? "it is too long" : undefined;
    case "boolean":
      return undefined;
    case "number":
      if (Object.is(value, -0)) return "JSON would make it 0";
      return Number.isFinite(value) ? undefined : "JSON would make it null";
    case "bigint":
      return "JSON has no bigint; tell it as text";
    case "object":
      return undefined; // null
    default:
      return `JSON has no ${typeof value}`;
  }
}

function copyOfObject(value: object, copying: Copying): Position {
  if (copying.above.includes(value)) throw new Unstorable(value, "it holds itself");
  if (copying.above.length === deepest) throw new Unstorable(value, `it lies deeper than ${deepest} levels`);
  const reason = Array.isArray(value) ? arrayFault(value) : objectFault(value);
  if (reason !== undefined) throw new Unstorable(value, reason);
  copying.above.push(value);
  copying.bytes += 2;
  const copy = Array.isArray(value) ? elementsOf(value, copying) : membersOf(value, copying);
  copying.above.pop();
  return copy;
}

function elementsOf(value: readonly unknown[], copying: Copying): Position[] {
  const copy: Position[] = [];
  const { length } = value;
  for (let i = 0; i < length; i++) {
    copying.path.push(i);
    grow(copying, value, ",");
    copy.push(copyOf(value[i], copying));
    copying.path.pop();
  }
  return copy;
}

/** By `Object.fromEntries`, which makes a member even of `__proto__`. */
function membersOf(value: object, copying: Copying): Position {
  const members: [string, Position][] = [];
  for (const key of Object.keys(value)) {
    copying.path.push(key);
    grow(copying, value, `${JSON.stringify(key)}:,`);
    members.push([key, copyOf((value as Record<string, unknown>)[key], copying)]);
    copying.path.pop();
  }
  return Object.fromEntries(members);
}

function grow(copying: Copying, value: unknown, json: string): void {
  copying.bytes += sizeOf(json);
  if (copying.bytes > mostBytes) throw new Unstorable(value, `with it the position is over ${mostBytes} bytes of JSON`);
}

function sizeOf(json: string): number {
  return Buffer.byteLength(json);
}

/** Of any realm: objects of a vm context, as test runners use, have an `Object.prototype` of their own. */
function objectFault(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === null || isObjectPrototype(prototype);
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (!isPlain || kind !== "Object") return `it is a ${nameOf(value, kind)}, which JSON would change`;
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return "it has a toJSON()";
  if (Reflect.ownKeys(value).length !== Object.keys(value).length)
    return "it has members that JSON leaves out (by a symbol, or not enumerable)";
  return undefined;
}

function arrayFault(value: readonly unknown[]): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = typeof prototype === "object" && prototype && isObjectPrototype(Object.getPrototypeOf(prototype));
  if (!isPlain) return `it is a ${nameOf(value, "Array")}, which JSON would change`;
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return "it has a toJSON()";
  // Every array has its own `length`.
  if (Reflect.ownKeys(value).length !== value.length + 1 || Object.keys(value).length !== value.length)
    return "it has holes, or members beside its elements";
  return undefined;
}

function isObjectPrototype(object: unknown): boolean {
  return (
    typeof object === "object" &&
    object !== null &&
    Object.getPrototypeOf(object) === null &&
    Object.hasOwn(object, "isPrototypeOf")
  );
}

function nameOf(value: object, kind: string): string {
  const { name } = (value as { constructor?: { name?: unknown } }).constructor ?? {};
  return typeof name === "string" && name !== "" && kind === "Object" ? name : kind;
}

/** `.topics[3]["a b"]` */
function pathText(path: readonly (string | number)[]): string {
  const steps = path.map((step) => {
    if (typeof step === "number") return `[${step}]`;
    return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${shown(step)}]`;
  });
  const text = steps.join("");
  return text.length > longestPath ? `${text.slice(0, longestPath)}...` : text;
}

const longestPath = 200;
