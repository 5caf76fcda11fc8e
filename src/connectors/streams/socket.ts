import type { Socket } from "node:net";
import { absentTimeoutMs, withRetries } from "../../deliver/backoff.ts";
import type { Destination, DestinationContext, DestinationSession } from "../../destination/destination.ts";
import { reasonOf } from "../../errors.ts";
import { connect, unreachable } from "./connect.ts";
import { oneStepSession } from "./one-step.ts";
import { streamHead } from "./row-options.ts";
import {
  type ResolvedSocketOptions,
  resolveSocketOptions,
  type SocketOptions,
  socketOptionNames,
} from "./socket-options.ts";
import { writePieces } from "./write-pieces.ts";

/**
 * A TCP connection as the destination, with TLS or without: NDJSON or CSV rows, as lines. A connection that breaks is made again, and the
 * batches that were being written are written again from their start.
 *
 * TCP acknowledges nothing to a program: rows that the system had taken when the connection broke may be lost. docs/row-streams.md
 * has the guarantees.
 *
 * @throws MillraceError BAD_OPTION for an unknown option or a value that it does not take. UNREACHABLE, when a sink opens, writes or
 *   closes.
 */
export function socket(given: SocketOptions): Destination<"plain"> {
  const options = resolveSocketOptions(given);
  const { host, port, tls, format } = options;
  const name = `socket ${host.includes(":") ? `[${host}]` : host}:${port}${tls ? " (TLS)" : ""}`;
  return {
    name,
    kind: "socket",
    payload: "plain",
    format,
    optionNames: socketOptionNames,
    open: (context) => socketSession(options, name, context),
  };
}

async function socketSession(
  options: ResolvedSocketOptions,
  name: string,
  context: DestinationContext,
): Promise<DestinationSession<"plain">> {
  const { signal } = context;
  const head = streamHead(context.table, options);
  let open = keep(await firstConnection(options, name, context));
  /** A connection is being made, for all batches that wait. */
  let opening: Promise<Connection> | undefined;

  async function connection(): Promise<Connection> {
    const { lost } = open;
    if (lost && !open.isTold) {
      // A new connection must not hide it: rows written before may not have arrived.
      open.isTold = true;
      throw lost;
    }
    if (!lost) return open;
    opening ??= connect(options, name, signal)
      .then((made) => {
        open = keep(made);
        return open;
      })
      .finally(() => {
        opening = undefined;
      });
    return opening;
  }

  /** Watches a new connection. */
  function keep(stream: Socket): Connection {
    const made: Connection = { stream, lost: undefined, isTold: false, hasBegun: false };
    let cause: Error | undefined;
    const lose = () => {
      const reason = cause ? `: ${reasonOf(cause)}` : " by the peer";
      made.lost ??= unreachable(
        name,
        `the connection was closed${reason}; rows written before may not have arrived`,
        cause,
      );
    };
    stream.on("error", (error) => {
      cause = error;
    });
    stream.once("end", lose);
    stream.once("close", lose);
    return made;
  }

  return oneStepSession(
    async ({ parts }) => {
      const into = await connection();
      const pieces = into.hasBegun ? parts : [...head, ...parts];
      into.hasBegun = true;
      await writePieces(into.stream, pieces).catch((error) => {
        into.isTold = true;
        throw unreachable(
          name,
          `the connection broke while a batch was written: ${reasonOf(error)}; rows written before it may not have arrived`,
          error,
        );
      });
    },
    () => end(open, options, name, signal),
  );
}

interface Connection {
  readonly stream: Socket;
  /** Why it is no more. */
  lost: Error | undefined;
  /** Somebody was told of that. */
  isTold: boolean;
  /** Its head was written. */
  hasBegun: boolean;
}

/** An address where nothing listens may be wrong, so it is tried for a shorter time than one that has answered. */
async function firstConnection(
  options: ResolvedSocketOptions,
  name: string,
  { retries, signal }: DestinationContext,
): Promise<Socket> {
  if (!retries) return connect(options, name, signal);
  const doing = `connecting to ${name}`;
  const timeoutMs = Math.min(retries.retryTimeoutMs, retries.absentTimeoutMs ?? absentTimeoutMs);
  return withRetries(
    doing,
    { ...retries, timeoutMsFor: () => timeoutMs },
    signal,
    () => connect(options, name, signal),
    (retry) => retries.onRetry(doing, retry),
  );
}

/**
 * How long a peer that is gone has to show it before our side ends, in milliseconds: more than a round trip on most networks. Later its end
 * could be taken for the answer to ours.
 */
const goneWithinMs = 250;

/**
 * Ends our side, and waits until the peer has read that and ends its own: the only sign in TCP that everything has come.
 *
 * @throws MillraceError UNREACHABLE where it did not.
 */
async function end(
  connection: Connection,
  { closeTimeoutMs }: ResolvedSocketOptions,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const { stream } = connection;
  if (connection.hasBegun && !connection.lost && closeTimeoutMs > 0) await lossWithin(goneWithinMs, stream, signal);
  if (signal.aborted) {
    stream.destroy();
    return;
  }
  const { lost, isTold } = connection;
  if (lost) {
    if (isTold) return;
    throw lost;
  }
  await new Promise<void>((resolve, reject) => {
    let cause: Error | undefined;
    const timer = setTimeout(
      () => {
        if (closeTimeoutMs === 0) return settle();
        settle(
          unreachable(
            name,
            `the peer did not close its side within ${closeTimeoutMs} ms, so rows may not have arrived (closeTimeoutMs: 0 does not wait)`,
            undefined,
          ),
        );
      },
      closeTimeoutMs === 0 ? longestFlushMs : closeTimeoutMs,
    );
    const onAbort = () => settle();
    signal.addEventListener("abort", onAbort, { once: true });
    stream.once("error", (error) => {
      cause = error;
    });
    stream.once("close", () =>
      settle(
        cause &&
          unreachable(name, `the connection broke at its end: ${reasonOf(cause)}; rows may not have arrived`, cause),
      ),
    );
    stream.end(() => {
      if (closeTimeoutMs === 0) settle();
    });

    function settle(error?: Error): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      stream.destroy();
      if (error) reject(error);
      else resolve();
    }
  });
}

/** Resolves when the connection is lost or the signal fires, and at the latest after `ms`. */
function lossWithin(ms: number, stream: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(settle, ms);
    stream.once("end", settle);
    stream.once("close", settle);
    signal.addEventListener("abort", settle, { once: true });

    function settle(): void {
      clearTimeout(timer);
      stream.off("end", settle);
      stream.off("close", settle);
      signal.removeEventListener("abort", settle);
      resolve();
    }
  });
}

/** For the system to take the end of a stream whose bytes it has taken. */
const longestFlushMs = 10_000;
