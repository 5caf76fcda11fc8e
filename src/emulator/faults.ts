import type { MessageFaultPlan } from "./faults/message-faults.ts";
import { trigger } from "./faults/trigger.ts";

/** Where a fault strikes. `mgmt`, `query` and `ingest` are the emulator's own HTTP endpoint, the rest is storage. */
export type FaultPlace = "mgmt" | "query" | "ingest" | "blob" | "queue" | "table";

/** Faults on demand. Each lasts for a number of requests or a time, then the emulator is well again. */
export interface Faults {
  /** Refuses connections, and drops the open ones, for `forMs`; "kusto" is mgmt, query and ingest together. */
  refuse(where: "kusto" | "storage" | "all", forMs: number): Promise<void>;
  /** The next `requests` at this place are answered with the status and not acted upon. */
  answer(place: FaultPlace, status: number, options?: { requests?: number; retryAfterSeconds?: number }): void;
  /** The next `requests` lose their connection: before the server acts, or after it acted and before it answers. */
  reset(place: FaultPlace, when: "before" | "after", options?: { requests?: number }): void;
  /** The next `requests` at storage find their SAS expired: 403 AuthenticationFailed. */
  expireSas(options?: { requests?: number; place?: "blob" | "queue" | "table" }): void;
  /**
   * The next `messages` (default 1) of the ingestion queues, of this table if one is named, are worked on twice: the
   * second time `delayMs` (default 0; of the emulator's clock) after the first work was over, by itself and not in a
   * batch, also where the first succeeded and its message was deleted.
   */
  deliverTwice(options?: { messages?: number; delayMs?: number; table?: string }): void;
  /** The next `messages` (default 1), of this table if one is named, are taken from the queue and never worked on. */
  loseMessages(options?: { messages?: number; table?: string }): void;
  /**
   * Until `clear()`: a blob of the queue whose unpacked text holds this fails for good, all of it, with
   * Stream_ClosingQuoteMissing; of this table if one is named.
   */
  refuseRows(options: { containing: string; table?: string }): void;
  /** Forgets whatever has not struck yet; an outage runs to its end, and a second delivery on its way still comes. */
  clear(): void;
}

export type Fault =
  | { readonly act: "answer"; readonly status: number; readonly retryAfterSeconds: number | undefined }
  | { readonly act: "reset"; readonly when: "before" | "after" }
  | { readonly act: "expired" };

/** The faults that wait for requests, in the order of their asking. */
export interface FaultPlan {
  /** Takes the fault that strikes this request, if any. */
  next(place: FaultPlace): Fault | undefined;
  add(place: FaultPlace, fault: Fault, requests: number): void;
  clear(): void;
}

export function faultPlan(): FaultPlan {
  let waiting: { place: FaultPlace; fault: Fault; left: number }[] = [];
  return {
    next(place) {
      const due = waiting.find((entry) => entry.place === place);
      if (due && --due.left <= 0) waiting = waiting.filter((entry) => entry !== due);
      return due?.fault;
    },
    add(place, fault, requests) {
      if (requests > 0) waiting.push({ place, fault, left: requests });
    },
    clear() {
      waiting = [];
    },
  };
}

export interface FaultParts {
  readonly plan: FaultPlan;
  readonly messages: MessageFaultPlan;
  readonly refuse: Faults["refuse"];
  /** The emulator's clock. */
  readonly now: () => number;
}

export function faults({ plan, messages: messagePlan, refuse, now }: FaultParts): Faults {
  const next = (times: number) => trigger({ times }, { seed: 0, now });
  return {
    refuse,
    answer: (place, status, { requests = 1, retryAfterSeconds } = {}) =>
      plan.add(place, { act: "answer", status, retryAfterSeconds }, requests),
    reset: (place, when, { requests = 1 } = {}) => plan.add(place, { act: "reset", when }, requests),
    expireSas: ({ requests = 1, place = "blob" } = {}) => plan.add(place, { act: "expired" }, requests),
    deliverTwice: ({ messages = 1, delayMs = 0, table } = {}) =>
      messagePlan.add({ act: "deliver-twice", delayMs }, table, next(messages)),
    loseMessages: ({ messages = 1, table } = {}) => messagePlan.add({ act: "lose" }, table, next(messages)),
    refuseRows: ({ containing, table }) => messagePlan.refuse(containing, table),
    clear() {
      plan.clear();
      messagePlan.clear();
    },
  };
}
