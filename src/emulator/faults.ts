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
  /** Forgets whatever has not struck yet; an outage runs to its end. */
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

export function faults(plan: FaultPlan, refuse: Faults["refuse"]): Faults {
  return {
    refuse,
    answer: (place, status, { requests = 1, retryAfterSeconds } = {}) =>
      plan.add(place, { act: "answer", status, retryAfterSeconds }, requests),
    reset: (place, when, { requests = 1 } = {}) => plan.add(place, { act: "reset", when }, requests),
    expireSas: ({ requests = 1, place = "blob" } = {}) => plan.add(place, { act: "expired" }, requests),
    clear: () => plan.clear(),
  };
}
