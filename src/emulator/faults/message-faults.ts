import { filesOf } from "../ingest/bytes.ts";
import { IngestionFailure } from "../ingest/failure.ts";
import type { Trigger } from "./trigger.ts";

/** What a fault knows of an ingestion message. */
export interface MessageFacts {
  readonly table: string;
}

/** What befalls one message; decided once, when it is taken from its queue. */
export type MessageFault =
  /** Taken from the queue and never worked on. */
  | { readonly act: "lose" }
  /** Worked on once more, so long after its first work was over. */
  | { readonly act: "deliver-twice"; readonly delayMs: number };

/** What the faults of one message come to. */
export interface MessageFate {
  readonly isLost: boolean;
  readonly againAfterMs: number | undefined;
}

/** The faults that wait for ingestion messages; the queue reader asks them. */
export interface MessageFaults {
  fateOf(message: MessageFacts): MessageFate;
  /** Why this blob is not to be ingested, whose bytes are read only if a fault asks for them. */
  refusalOf(message: MessageFacts, blob: () => AsyncIterable<Uint8Array>): Promise<IngestionFailure | undefined>;
}

export interface MessageFaultPlan extends MessageFaults {
  add(fault: MessageFault, table: string | undefined, trigger: Trigger): void;
  refuse(containing: string, table: string | undefined): void;
  clear(): void;
}

interface Waiting {
  readonly fault: MessageFault;
  readonly table: string | undefined;
  readonly trigger: Trigger;
}

export function messageFaultPlan(): MessageFaultPlan {
  let waiting: Waiting[] = [];
  let refused: { readonly text: Buffer; readonly table: string | undefined }[] = [];
  const isOf = (table: string | undefined, message: MessageFacts) => table === undefined || table === message.table;
  return {
    fateOf(message) {
      const faults: MessageFault[] = [];
      for (const { fault, table, trigger } of waiting)
        if (isOf(table, message) && trigger.strikes()) faults.push(fault);
      waiting = waiting.filter(({ trigger }) => !trigger.isOver);
      const again = faults.find(({ act }) => act === "deliver-twice");
      return {
        isLost: faults.some(({ act }) => act === "lose"),
        againAfterMs: again?.act === "deliver-twice" ? again.delayMs : undefined,
      };
    },
    async refusalOf(message, blob) {
      const texts = refused.filter(({ table }) => isOf(table, message)).map(({ text }) => text);
      if (texts.length === 0 || !(await holdsOneOf(texts, blob()))) return undefined;
      return new IngestionFailure("Stream_ClosingQuoteMissing", "Invalid CSV format. Closing quote is missing.");
    },
    add: (fault, table, trigger) => void waiting.push({ fault, table, trigger }),
    refuse: (containing, table) => void refused.push({ text: Buffer.from(containing), table }),
    clear() {
      waiting = [];
      refused = [];
    },
  };
}

/** Looks through a blob, unpacked. What keeps it from being read is not told here: its ingestion will meet it too. */
async function holdsOneOf(texts: readonly Buffer[], blob: AsyncIterable<Uint8Array>): Promise<boolean> {
  const overlap = Math.max(...texts.map(({ length }) => length)) - 1;
  try {
    for await (const file of filesOf(blob).files) {
      let end: Uint8Array = new Uint8Array();
      for await (const chunk of file) {
        const bytes = Buffer.concat([end, chunk]);
        if (texts.some((text) => bytes.includes(text))) return true;
        end = bytes.subarray(Math.max(0, bytes.length - overlap));
      }
    }
  } catch {
    return false;
  }
  return false;
}
