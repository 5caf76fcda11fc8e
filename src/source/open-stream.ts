import { type BigIntStats, constants, createReadStream, fstatSync, open, type Stats } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { isatty, ReadStream } from "node:tty";
import { promisify } from "node:util";
import { unreadable } from "./unreadable.ts";

/** Does a path lead to what gives each byte once: a pipe, a terminal, another character device, a socket this process was given? */
export function isStream(path: string, info: Stats | BigIntStats): boolean {
  return info.isFIFO() || info.isCharacterDevice() || (info.isSocket() && descriptorOf(path) !== undefined);
}

/** The descriptor that a path such as `/dev/stdin` or `/dev/fd/63` names. A socket can be had by no other way. */
function descriptorOf(path: string): number | undefined {
  if (path === "/dev/stdin") return 0;
  const match = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path);
  return match ? Number(match[1]) : undefined;
}

/**
 * Opens what gives each byte once. A pipe is opened without waiting for its writer: the wait would hold a thread of the process
 * until somebody writes, and nothing could end it. The event loop waits instead, and an abort ends that. Under Deno and Bun a
 * thread waits: an abort ends the reading, and the thread goes on until a writer comes.
 */
export async function openStream(path: string): Promise<Readable> {
  const given = descriptorOf(path);
  try {
    if (given !== undefined && fstatSync(given).isSocket())
      return given === 0 ? process.stdin : new Socket({ fd: given, readable: true, writable: false });
    if ("Bun" in globalThis || "Deno" in globalThis) return createReadStream(path); // their sockets read no pipe
    const fd = await promisify(open)(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if (fstatSync(fd).isFIFO()) return new Socket({ fd, readable: true, writable: false });
    return isatty(fd) ? new ReadStream(fd) : createReadStream(path, { fd });
  } catch (error) {
    throw unreadable(path, error);
  }
}
