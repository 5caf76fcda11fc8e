import { MillraceError } from "./errors.ts";

/** How a message names a value that is of the wrong sort. A text may be a secret and an object may throw, so neither is quoted. */
export function sortOf(value: unknown): string {
  if (value === null || value === undefined || typeof value === "boolean") return String(value);
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value === "string") return value === "" ? "an empty text" : "a text";
  return isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** `Array.isArray` throws for a proxy that was revoked. */
function isArray(value: unknown): boolean {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** @param what the function, as `open()`. */
export function badArgument(what: string, argument: string, value: unknown, takes: string): MillraceError {
  return new MillraceError("BAD_OPTION", `${what}: ${argument} is ${sortOf(value)}; it takes ${takes}.`, {
    context: { option: argument },
  });
}

/** @throws MillraceError BAD_OPTION where it is no object, or an array. */
export function checkObject(what: string, argument: string, value: unknown, takes = "an object of options"): void {
  if (typeof value !== "object" || value === null || isArray(value)) throw badArgument(what, argument, value, takes);
}

/** @throws MillraceError BAD_OPTION where it is no text. */
export function checkText(what: string, argument: string, value: unknown, takes = "a text"): void {
  if (typeof value !== "string") throw badArgument(what, argument, value, takes);
}

/**
 * A path that the system can be asked about: not empty, and without a NUL, which Node refuses by an error of its own.
 *
 * @throws MillraceError BAD_OPTION
 */
export function checkPath(what: string, argument: string, value: unknown): void {
  if (typeof value !== "string" || value === "")
    throw badArgument(what, argument, value, "the path of a file or folder");
  if (value.includes("\0"))
    throw new MillraceError("BAD_OPTION", `${what}: ${argument} ${JSON.stringify(value)} has a NUL character in it.`, {
      context: { option: argument },
    });
}

/** Least and greatest; whole numbers. */
export type Range = readonly [least: number, greatest: number];

/** The first option that is no whole number of its range, and what it takes. */
export function outOfRange<N extends string>(
  values: Readonly<Record<N, unknown>>,
  ranges: Readonly<Partial<Record<N, Range>>>,
): { readonly name: N; readonly takes: string } | undefined {
  for (const [name, [least, greatest]] of Object.entries(ranges) as [N, Range][]) {
    const value = values[name];
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > greatest)
      return { name, takes: `a whole number from ${least} to ${greatest}` };
  }
  return undefined;
}

/** @throws MillraceError BAD_OPTION where an optional function is something else. */
export function checkOptionalFunction(what: string, argument: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") throw badArgument(what, argument, value, "a function");
}

/** @throws MillraceError BAD_OPTION where an optional signal is something else. */
export function checkOptionalSignal(what: string, argument: string, value: unknown): void {
  const listen = (value as { addEventListener?: unknown } | null | undefined)?.addEventListener;
  if (value !== undefined && typeof listen !== "function") throw badArgument(what, argument, value, "an AbortSignal");
}
