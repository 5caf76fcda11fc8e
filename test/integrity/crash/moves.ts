import type { ScenarioFault } from "../../../src/emulator/faults/scenario.ts";
import type { Damage, ProxiedAnswer } from "../../connectors/kusto/cutting-proxy.ts";
import { seeded } from "../model/service.ts";
import type { CrashDestination } from "./points.ts";

/**
 * What the kit does to a writer, beside the ills:
 *
 * - `kill`: SIGKILL at a named point or a random moment.
 * - `restore`: an old copy of the state folder takes the place of the newest.
 * - `clone`: two machines write from two copies of one state folder at the same time.
 * - `cut`: a proxy ends a share of all answers behind a random byte.
 * - `slow`: the service loads blobs later than an attempt waits for them.
 */
export const moves = ["kill", "restore", "clone", "cut", "slow"] as const;

export type Move = (typeof moves)[number];

/** One of them each, in the order of the seeds, so that any 7 consecutive trials have all moves. */
const turns: readonly Move[] = ["restore", "clone", "cut", "slow"];
const turnsAndOthers = 7;
/** Of any other move beside the one whose turn it is. */
const chance = 0.1;

/** Those that need a service between the writer and its rows. */
const serviceMoves: readonly Move[] = ["cut", "slow"];

/** Whether a trial with this destination can make the move. */
export function isPossible(move: Move, destination: CrashDestination): boolean {
  return destination === "kusto" || !serviceMoves.includes(move);
}

/** The moves that a trial makes, as far as its writer lives long enough for them. */
export function movesOf(seed: number, destination: CrashDestination = "kusto"): ReadonlySet<Move> {
  const random = seeded(seed * 104_729 + 5);
  const planned = new Set<Move>(["kill"]);
  for (const [turn, move] of turns.entries()) {
    const isDrawn = random() < chance;
    if (isDrawn || seed % turnsAndOthers === turn) planned.add(move);
  }
  for (const move of moves) if (!isPossible(move, destination)) planned.delete(move);
  return planned;
}

/** Of a writer whose service is slow. Short, for a trial takes some of them. */
export const slowAttemptTimeoutMs = 1_000;

/** Blobs are loaded when their attempt is over: the first ones, or all of them; and some commands are answered late. */
export function slowFaults(random: () => number): ScenarioFault[] {
  const delayMs = Math.round(slowAttemptTimeoutMs * (1.3 + random() * 1.7));
  const isLasting = random() < 0.3;
  return [
    { do: "deliver-late", delayMs, ...(isLasting ? { every: 1 } : { times: 1 + Math.floor(random() * 6) }) },
    { do: "slow", at: "mgmt", ms: 500, times: Math.floor(random() * 4) + 1 },
  ];
}

/** Ends a share of the answers behind a random byte of theirs, by an orderly end of the connection or by a reset. */
export function randomCuts(random: () => number): (answer: ProxiedAnswer) => Damage | undefined {
  const share = 0.03 + random() * 0.12;
  // A short trial might meet none.
  const certain = 5 + Math.floor(random() * 20);
  return (answer) => {
    if (answer.random() >= share && answer.nth !== certain) return undefined;
    const at = Math.floor(answer.random() * answer.bytes);
    return { at, by: answer.random() < 0.5 ? "close" : "reset" };
  };
}
