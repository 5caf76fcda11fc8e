import { filesOf } from "../blobs/files.ts";
import type { IngestionFailure } from "../ingestion-failure.ts";
import { fraction, type Trigger } from "./trigger.ts";

/** What a fault knows of an ingestion message. */
export interface MessageFacts {
  readonly database: string;
  readonly table: string;
  /** The blob's address without its SAS. */
  readonly blob: string;
}

/** Which messages a fault is for; all of what is given must hold. */
export interface MessageMatch {
  readonly database?: string;
  readonly table?: string;
  /** What the blob's address holds: a part of its name. */
  readonly blob?: string;
  /** What the blob's text holds, unpacked. */
  readonly containing?: string;
}

/** What befalls one message, decided once, when it is taken from its queue. Delays are of the emulator's clock. */
export type MessageFault =
  /** Never worked on. */
  | { readonly act: "lose" }
  /** Worked on once more, so long after its first work was over. */
  | { readonly act: "deliver-twice"; readonly delayMs: number }
  | { readonly act: "deliver-late"; readonly delayMs: number }
  /** So many messages are held until all of them are there, or `withinMs` is over, and then go on in another order. */
  | { readonly act: "deliver-out-of-order"; readonly messages: number; readonly withinMs: number }
  /** Its blob is loaded two times over, also where ingestIfNotExists should have kept one out. */
  | { readonly act: "load-twice" }
  /** Its blob fails, `attempts` times. */
  | { readonly act: "fail"; readonly failure: IngestionFailure; readonly attempts: number }
  /** What becomes of it is told to no status queue and no status table. */
  | { readonly act: "lose-report" };

/** What the faults of one message come to. */
export interface MessageFate {
  readonly isLost: boolean;
  readonly againAfterMs: number | undefined;
  readonly isLoadedTwice: boolean;
  readonly isReportLost: boolean;
  /** Why its blob fails at this attempt, if it does; the first is 1. */
  failureOf(attempt: number): IngestionFailure | undefined;
  /** Passes when the message may go on; undefined where nothing holds it. */
  readonly held: ((signal: AbortSignal) => Promise<void>) | undefined;
}

/** The faults that wait for ingestion messages; the queue reader asks once for each that it takes. */
export interface MessageFaults {
  /** The blob's bytes are read only where a fault looks for a text in them. */
  fateOf(message: MessageFacts, blob: () => AsyncIterable<Uint8Array>): Promise<MessageFate>;
}

export interface WaitingMessageFault {
  readonly match: MessageMatch;
  readonly fault: MessageFault;
  readonly trigger: Trigger;
  /** Decides the order in which held messages go on. */
  readonly seed: number;
}

/** Different faults can meet in one message; of two of a kind, the one that was asked for first. */
export interface MessageFaultPlan extends MessageFaults {
  /** Gives a way to forget it. */
  add(fault: WaitingMessageFault): () => void;
  clear(): void;
}

/** Passes time by the emulator's clock. */
export type Wait = (ms: number, signal?: AbortSignal) => Promise<void>;

export function messageFaultPlan(wait: Wait): MessageFaultPlan {
  let waiting: WaitingMessageFault[] = [];
  const groups = new Map<WaitingMessageFault, Group>();
  const join = (held: WaitingMessageFault, size: number, withinMs: number, signal: AbortSignal) => {
    const group = groups.get(held) ?? openGroup(held.seed);
    const end = (act: () => void) => {
      if (groups.get(held) === group) groups.delete(held);
      act();
    };
    if (group.size === 0) {
      groups.set(held, group);
      wait(withinMs, signal).then(
        () => end(group.letGo),
        (error) => end(() => group.giveUp(error)),
      );
    }
    const turn = group.join();
    // A little later, when the last one waits too: it would always be the last to go on.
    if (group.size >= size) end(() => queueMicrotask(group.letGo));
    return turn;
  };
  return {
    async fateOf(message, blob) {
      const met = new Map<MessageFault["act"], WaitingMessageFault>();
      for (const each of waiting) {
        if (met.has(each.fault.act) || !(await isFor(each.match, message, blob)) || !each.trigger.strikes()) continue;
        met.set(each.fault.act, each);
      }
      waiting = waiting.filter(({ trigger }) => !trigger.isOver);
      const of = <A extends MessageFault["act"]>(act: A) => met.get(act)?.fault as Extract<MessageFault, { act: A }>;
      const [late, shuffled, failing] = [of("deliver-late"), met.get("deliver-out-of-order"), of("fail")];
      return {
        isLost: met.has("lose"),
        againAfterMs: of("deliver-twice")?.delayMs,
        isLoadedTwice: met.has("load-twice"),
        isReportLost: met.has("lose-report"),
        failureOf: (attempt) => (failing && attempt <= failing.attempts ? failing.failure : undefined),
        held:
          late || shuffled
            ? async (signal) => {
                if (late) await wait(late.delayMs, signal);
                const { messages, withinMs } = of("deliver-out-of-order") ?? { messages: 0, withinMs: 0 };
                if (shuffled) await join(shuffled, messages, withinMs, signal);
              }
            : undefined,
      };
    },
    add(fault) {
      waiting.push(fault);
      return () => {
        waiting = waiting.filter((each) => each !== fault);
      };
    },
    clear() {
      waiting = [];
    },
  };
}

/** Messages that wait for each other. */
interface Group {
  readonly size: number;
  join(): Promise<void>;
  letGo(): void;
  giveUp(reason: unknown): void;
}

function openGroup(seed: number): Group {
  const members: { go(): void; fail(reason: unknown): void }[] = [];
  return {
    get size() {
      return members.length;
    },
    join: () => new Promise((go, fail) => members.push({ go, fail })),
    letGo() {
      for (const { go } of shuffled(members.splice(0), seed)) go();
    },
    giveUp(reason) {
      for (const { fail } of members.splice(0)) fail(reason);
    },
  };
}

/** By the seed; never in the order in which they came, where there are two at least. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(fraction(seed, last) * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!];
  }
  return mixed.every((item, index) => item === items[index]) ? mixed.reverse() : mixed;
}

async function isFor(
  { database, table, blob: name, containing }: MessageMatch,
  message: MessageFacts,
  blob: () => AsyncIterable<Uint8Array>,
): Promise<boolean> {
  if (database !== undefined && database.toLowerCase() !== message.database.toLowerCase()) return false;
  if (table !== undefined && table !== message.table) return false;
  if (name !== undefined && !message.blob.includes(name)) return false;
  return containing === undefined || (await holds(Buffer.from(containing), blob()));
}

/** Looks through a blob, unpacked. What keeps it from being read is not told here: its ingestion will meet it too. */
async function holds(text: Buffer, blob: AsyncIterable<Uint8Array>): Promise<boolean> {
  try {
    for await (const file of filesOf(blob).files) {
      let end: Uint8Array = new Uint8Array();
      for await (const chunk of file) {
        const bytes = Buffer.concat([end, chunk]);
        if (bytes.includes(text)) return true;
        end = bytes.subarray(Math.max(0, bytes.length - text.length + 1));
      }
    }
  } catch {
    return false;
  }
  return false;
}
