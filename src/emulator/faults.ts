import type { EngineClock } from "./engine/clock.ts";
import { checkScenario } from "./faults/check-scenario.ts";
import type { MessageFault, MessageFaultPlan, MessageMatch } from "./faults/message-faults.ts";
import { type Fault, type FaultPlace, type FaultPlan, placesOf } from "./faults/request-faults.ts";
import type { FaultScenario, MessageScenario, OutageScenario, RequestScenario } from "./faults/scenario.ts";
import { type FaultTiming, fraction, type Trigger, trigger } from "./faults/trigger.ts";
import { IngestionFailure } from "./ingestion-failure.ts";

/** Faults on demand. Each lasts for a number of requests or messages, or a time; then the emulator is well again. */
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
  /**
   * Plays a scenario from now on: all faults there are, chosen by place, account, command, table and blob, by number,
   * time and chance. Several may be played at once.
   *
   * @throws MillraceError BAD_OPTION, which names the member that is wrong.
   */
  play(scenario: FaultScenario): PlayedScenario;
  /**
   * Forgets whatever has not struck yet, and ends scenarios with their outages. What `refuse` began runs to its end, what
   * befell a message befalls it, and a second delivery on its way still comes.
   */
  clear(): void;
}

/** A scenario that is being played. */
export interface PlayedScenario {
  /** How many requests or messages each fault of the scenario has struck so far, in the order of the scenario. */
  readonly struck: readonly number[];
  /** Forgets what is left of it, and ends its outages. */
  stop(): void;
}

/** Refuses connections for so long; the account is one of storage. */
export type Outage = (at: OutageScenario["at"], forMs: number, account?: number) => Promise<void>;

export interface FaultParts {
  readonly plan: FaultPlan;
  readonly messages: MessageFaultPlan;
  readonly clock: EngineClock;
  readonly accounts: number;
  readonly refuse: Outage;
}

export function faults(parts: FaultParts): Faults {
  const { plan, messages: messagePlan, clock, accounts, refuse } = parts;
  const playing = new Set<PlayedScenario>();
  const strike = (place: FaultPlace, fault: Fault, requests: number) => {
    if (requests > 0) plan.add({ places: [place], match: {}, fault, trigger: next(requests) });
  };
  const befall = (fault: MessageFault, match: MessageMatch, messages: number) => {
    if (messages > 0) messagePlan.add({ match, fault, trigger: next(messages), seed: 0 });
  };
  const next = (times: number) => trigger({ times }, { seed: 0, now: clock.now });
  return {
    refuse: (where, forMs) => refuse(where, forMs),
    answer: (place, status, { requests = 1, retryAfterSeconds } = {}) =>
      strike(place, { act: "answer", status, retryAfterSeconds }, requests),
    reset: (place, when, { requests = 1 } = {}) => strike(place, { act: "reset", when }, requests),
    expireSas: ({ requests = 1, place = "blob" } = {}) => strike(place, { act: "expire-sas" }, requests),
    deliverTwice: ({ messages = 1, delayMs = 0, table } = {}) =>
      befall({ act: "deliver-twice", delayMs }, of(table), messages),
    loseMessages: ({ messages = 1, table } = {}) => befall({ act: "lose" }, of(table), messages),
    refuseRows: ({ containing, table }) =>
      befall(failure({ do: "fail" }), { containing, ...of(table) }, Number.POSITIVE_INFINITY),
    play(scenario) {
      const { seed = 1, clock: time = {}, faults: list } = checkScenario(scenario, accounts);
      if (time.advanceMs !== undefined) clock.advance(time.advanceMs);
      if (time.speed !== undefined) clock.speed = time.speed;
      const played = list.map((fault, index) => start(fault, Math.floor(fraction(seed, index) * 2 ** 32), parts));
      const scene: PlayedScenario = {
        get struck() {
          return played.map(({ trigger: each }) => each.struck);
        },
        stop() {
          for (const each of played) each.forget();
          playing.delete(scene);
        },
      };
      playing.add(scene);
      return scene;
    },
    clear() {
      for (const scene of playing) scene.stop();
      plan.clear();
      messagePlan.clear();
    },
  };
}

const of = (table: string | undefined): MessageMatch => (table === undefined ? {} : { table });

interface Playing {
  readonly trigger: Pick<Trigger, "struck">;
  forget(): void;
}

function start(fault: FaultScenario["faults"][number], seed: number, parts: FaultParts): Playing {
  if (fault.do === "refuse") return startOutage(fault, parts);
  const timing: FaultTiming =
    fault.do === "deliver-out-of-order" && !("times" in fault) ? { times: fault.messages, ...fault } : fault;
  const own = trigger(timing, { seed, now: parts.clock.now });
  if ("at" in fault || fault.do === "expire-sas") {
    const asked = fault as RequestScenario;
    const places = placesOf(asked.at ?? "blob");
    const forget = parts.plan.add({ places, match: asked, fault: requestFault(asked), trigger: own });
    return { trigger: own, forget };
  }
  const asked = fault as MessageScenario;
  return { trigger: own, forget: parts.messages.add({ match: asked, fault: messageFault(asked), trigger: own, seed }) };
}

function startOutage({ at, account, forMs, fromMs = 0 }: OutageScenario, { clock, refuse }: FaultParts): Playing {
  const off = new AbortController();
  const counted = { struck: 0 };
  let end = 0;
  const begin = () => {
    counted.struck = 1;
    end = Date.now() + forMs;
    return refuse(at, forMs, account);
  };
  // Without a detour where it is asked for at once: the next request must meet it.
  (fromMs === 0 ? begin() : clock.wait(fromMs, off.signal).then(begin)).catch(() => {});
  return {
    trigger: counted,
    forget() {
      off.abort();
      if (Date.now() < end) refuse(at, 0, account).catch(() => {});
      end = 0;
    },
  };
}

function requestFault(fault: RequestScenario): Fault {
  switch (fault.do) {
    case "answer":
      return { act: "answer", status: fault.status, retryAfterSeconds: fault.retryAfterSeconds };
    case "slow":
      return { act: "slow", when: fault.when ?? "after", ms: fault.ms };
    case "expire-sas":
      return { act: "expire-sas" };
    case "reset":
      return { act: "reset", when: fault.when ?? "before" };
    case "hang":
      return { act: "hang", when: fault.when ?? "before" };
  }
}

function messageFault(fault: MessageScenario): MessageFault {
  switch (fault.do) {
    case "deliver-twice":
    case "deliver-late":
      return { act: fault.do, delayMs: fault.delayMs ?? 0 };
    case "deliver-out-of-order":
      return { act: fault.do, messages: fault.messages, withinMs: fault.withinMs ?? 10_000 };
    case "fail":
      return failure(fault);
    default:
      return { act: fault.do };
  }
}

function failure({
  permanent = true,
  attempts,
  code,
  message,
}: Extract<MessageScenario, { do: "fail" }>): MessageFault {
  const chosen = code ?? (permanent ? "Stream_ClosingQuoteMissing" : "General_InternalServerError");
  const text =
    message ?? (permanent ? "Invalid CSV format. Closing quote is missing." : "Internal server error occurred.");
  return {
    act: "fail",
    failure: new IngestionFailure(chosen, text, permanent),
    attempts: attempts ?? Number.POSITIVE_INFINITY,
  };
}
