import type { Trigger } from "./trigger.ts";

/**
 * Where a request comes to. `auth` (the metadata that clients ask for first), `mgmt`, `query` and `ingest` are the
 * emulator's own HTTP endpoint, the rest is storage.
 */
export type FaultPlace = "auth" | "mgmt" | "query" | "ingest" | "blob" | "queue" | "table";

/** Several places at once: `kusto` is auth, mgmt, query and ingest; `storage` is blob, queue and table. */
export type FaultPlaces = FaultPlace | "kusto" | "storage" | "all";

const groups: Readonly<Record<string, readonly FaultPlace[]>> = {
  kusto: ["auth", "mgmt", "query", "ingest"],
  storage: ["blob", "queue", "table"],
  all: ["auth", "mgmt", "query", "ingest", "blob", "queue", "table"],
};

export const placesOf = (at: FaultPlaces): readonly FaultPlace[] => groups[at] ?? [at as FaultPlace];

/**
 * What happens to a request. `when`: before the server acts, which then never does, or after it acted; `midway` is after
 * it acted, with half an answer.
 */
export type Fault =
  | { readonly act: "answer"; readonly status: number; readonly retryAfterSeconds: number | undefined }
  | { readonly act: "reset"; readonly when: "before" | "after" | "midway" }
  | { readonly act: "expire-sas" }
  /** No answer comes, and the connection stays. */
  | { readonly act: "hang"; readonly when: "before" | "after" }
  /** The answer comes, so much later than it would; `before`: acted upon later, too. */
  | { readonly act: "slow"; readonly when: "before" | "after"; readonly ms: number };

/** What a fault knows of a request. */
export interface RequestFacts {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** The number of the storage account, from 0. */
  readonly account?: number;
  /** The text of a query or command. */
  readonly command?: () => string;
}

/** Which requests a fault is for; all of what is given must hold. */
export interface RequestMatch {
  /** How the query or command begins, in any case; a space stands for any white space: `.move extents`. */
  readonly command?: string;
  readonly method?: string;
  /** What the path holds: the name of a blob, a container, a queue, a table. */
  readonly path?: string;
  /** The number of the storage account, from 0. */
  readonly account?: number;
}

export interface RequestFault {
  readonly places: readonly FaultPlace[];
  readonly match: RequestMatch;
  readonly fault: Fault;
  readonly trigger: Trigger;
}

/** The faults that wait for requests, in the order of their asking: the first that strikes is the one that happens. */
export interface FaultPlan {
  /** Takes the fault that strikes this request, if any. */
  next(place: FaultPlace, request: RequestFacts): Fault | undefined;
  /** Gives a way to forget it. */
  add(fault: RequestFault): () => void;
  clear(): void;
}

export function faultPlan(): FaultPlan {
  let waiting: RequestFault[] = [];
  return {
    next(place, request) {
      const due = waiting.find(
        ({ places, match, trigger }) => places.includes(place) && isFor(match, request) && trigger.strikes(),
      );
      waiting = waiting.filter(({ trigger }) => !trigger.isOver);
      return due?.fault;
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

const plain = (text: string) => text.trim().replace(/\s+/g, " ").toLowerCase();

function isFor(match: RequestMatch, { method, path, account, command }: RequestFacts): boolean {
  if (match.account !== undefined && match.account !== account) return false;
  if (match.method !== undefined && match.method.toUpperCase() !== method) return false;
  if (match.path !== undefined && !decoded(path).includes(match.path)) return false;
  return match.command === undefined || (command !== undefined && plain(command()).startsWith(plain(match.command)));
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
