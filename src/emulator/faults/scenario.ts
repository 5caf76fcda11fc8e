import type { MessageMatch } from "./message-faults.ts";
import type { FaultPlaces, RequestMatch } from "./request-faults.ts";
import type { FaultTiming } from "./trigger.ts";

/**
 * Everything that is to go wrong, as a value or a JSON file. The same scenario over the same requests and messages, in
 * the same order, strikes the same ones.
 */
export interface FaultScenario {
  /** Decides what `chance` leaves open, and the order of held messages; a whole number, default 1. */
  readonly seed?: number;
  readonly clock?: {
    /** How many milliseconds of the emulator's clock pass in one of the machine's. */
    readonly speed?: number;
    /** Puts the emulator's clock forward first. */
    readonly advanceMs?: number;
  };
  readonly faults: readonly ScenarioFault[];
}

/** One fault: `do` says what happens, the rest where, to whom and when. */
export type ScenarioFault = RequestScenario | OutageScenario | MessageScenario;

/** Faults of single requests. Of those that fit a request, the first of the list that strikes is the one that happens. */
export type RequestScenario = RequestMatch &
  FaultTiming &
  (
    | { readonly do: "answer"; readonly at: FaultPlaces; readonly status: number; readonly retryAfterSeconds?: number }
    /** The connection breaks: before the server acts (the default), after it acted, or in the midst of its answer. */
    | { readonly do: "reset"; readonly at: FaultPlaces; readonly when?: "before" | "after" | "midway" }
    /** No answer comes, before the server acts (the default) or after it acted. */
    | { readonly do: "hang"; readonly at: FaultPlaces; readonly when?: "before" | "after" }
    /** The answer comes `ms` later, in the machine's time; acted upon at once (`after`, the default) or later, too. */
    | { readonly do: "slow"; readonly at: FaultPlaces; readonly ms: number; readonly when?: "before" | "after" }
    /** 403 AuthenticationFailed from storage; `at` is `blob` by default. */
    | { readonly do: "expire-sas"; readonly at?: "blob" | "queue" | "table" | "storage" }
  );

/** Connections are refused and the open ones dropped, for `forMs` of the machine's time; of one storage account, if one is named. */
export interface OutageScenario {
  readonly do: "refuse";
  readonly at: "kusto" | "storage" | "all" | "blob" | "queue" | "table";
  readonly account?: number;
  readonly forMs: number;
  readonly fromMs?: number;
}

/** Faults of ingestion messages; different ones can meet in one message. Delays are of the emulator's clock. */
export type MessageScenario = MessageMatch &
  FaultTiming &
  (
    | { readonly do: "lose" | "load-twice" | "lose-report" }
    | { readonly do: "deliver-twice" | "deliver-late"; readonly delayMs?: number }
    /** By default `times` is `messages`; `withinMs` is 10 000. */
    | { readonly do: "deliver-out-of-order"; readonly messages: number; readonly withinMs?: number }
    | {
        readonly do: "fail";
        /** Default true. A transient failure is tried again by the service, up to four times in all. */
        readonly permanent?: boolean;
        /** How many tries of a transient failure fail; default all, which ends in General_RetryAttemptsExceeded. */
        readonly attempts?: number;
        /** Default Stream_ClosingQuoteMissing, or General_InternalServerError where it is transient. */
        readonly code?: string;
        readonly message?: string;
      }
  );
